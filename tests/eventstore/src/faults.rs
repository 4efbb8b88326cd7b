//! Faults on command, and gates that hold writes at the moments at which a process may end.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot, watch};

use crate::cut::Cut;

/// What goes wrong with one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is refused as if another writer had been faster.
    WrongExpectedVersion,
    /// The server says that it is not ready.
    Unavailable,
    /// The server says that it is more than it takes at once, as one does whose limit is set lower.
    TooLarge,
    /// The server says that it took too long, whether or not it was carried out.
    Timeout {
        /// Whether it was.
        carried_out: bool,
    },
    /// It takes that long, and then is carried out.
    Slow(Duration),
    /// The connection is dropped instead of an answer.
    Dropped {
        /// Whether it was carried out before.
        carried_out: bool,
    },
}

/// What kind of write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    Append,
    /// Soft or for ever.
    Delete,
}

/// The two moments at which a write can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

/// The handle by which a test orders faults of one server. Clones order for the same one.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    ordered: Mutex<Vec<Order>>,
    gates: Mutex<Vec<Door>>,
    connections: Cut,
    subscriptions: Cut,
    open: watch::Sender<usize>,
}

#[derive(Debug)]
struct Order {
    write: Write,
    prefix: String,
    fault: Fault,
}

/// The server's side of a gate.
#[derive(Debug)]
struct Door {
    moment: Moment,
    prefix: String,
    held: mpsc::UnboundedSender<Held>,
}

/// Holds writes to streams of one prefix, one after the other, until it is dropped.
#[derive(Debug)]
pub struct Gate {
    held: mpsc::UnboundedReceiver<Held>,
}

/// A write that waits at a gate. Goes on when this is dropped.
pub struct Held {
    /// To which stream.
    pub stream: String,
    /// How many events; none for a deletion.
    pub events: usize,
    drop: Option<oneshot::Sender<()>>,
}

impl Faults {
    /// The next append to a stream whose name begins with `prefix` has this fault; of several, the one ordered first.
    pub fn next_append(&self, prefix: &str, fault: Fault) {
        self.order(Write::Append, prefix, fault);
    }

    /// The next soft deletion or tombstone of such a stream has this fault.
    pub fn next_delete(&self, prefix: &str, fault: Fault) {
        self.order(Write::Delete, prefix, fault);
    }

    /// How many ordered faults have not happened yet.
    pub fn outstanding(&self) -> usize {
        self.inner.ordered().len()
    }

    /// From now on each write to a stream whose name begins with `prefix` waits before it is carried out.
    pub fn hold_writes(&self, prefix: &str) -> Gate {
        self.gate(Moment::Before, prefix)
    }

    /// From now on each write to a stream whose name begins with `prefix` waits after it was carried out, before it is
    /// answered.
    pub fn hold_answers(&self, prefix: &str) -> Gate {
        self.gate(Moment::After, prefix)
    }

    /// Ends every open subscription with an error; the connections stay.
    pub fn cut_subscriptions(&self) {
        self.inner.subscriptions.all();
    }

    /// Drops every connection without a word; new ones are accepted.
    pub fn drop_connections(&self) {
        self.inner.connections.all();
    }

    /// How many subscriptions are open; wakes with each change.
    pub fn subscriptions(&self) -> watch::Receiver<usize> {
        self.inner.open.subscribe()
    }

    pub(crate) fn connections(&self) -> &Cut {
        &self.inner.connections
    }

    pub(crate) fn open_subscriptions(&self) -> &Cut {
        &self.inner.subscriptions
    }

    /// A subscription that is counted until this is dropped.
    pub(crate) fn count_subscription(&self) -> Counted {
        self.inner.open.send_modify(|open| *open += 1);
        Counted(Arc::clone(&self.inner))
    }

    fn order(&self, write: Write, prefix: &str, fault: Fault) {
        self.inner.ordered().push(Order { write, prefix: prefix.into(), fault });
    }

    fn gate(&self, moment: Moment, prefix: &str) -> Gate {
        let (sender, held) = mpsc::unbounded_channel();
        let mut doors = self.inner.gates.lock().expect("nobody panics while he holds the gates");
        doors.retain(|door| !door.held.is_closed());
        doors.push(Door { moment, prefix: prefix.into(), held: sender });
        Gate { held }
    }

    /// Takes the fault that was ordered for this write.
    pub(crate) fn take(&self, write: Write, stream: &str) -> Option<Fault> {
        let mut ordered = self.inner.ordered();
        let fits = |order: &Order| order.write == write && stream.starts_with(&order.prefix);
        let index = ordered.iter().position(fits)?;
        Some(ordered.remove(index).fault)
    }

    /// Whether a write to this stream may have to wait for something.
    pub(crate) fn concern(&self, write: Write, stream: &str) -> bool {
        let fits = |order: &Order| order.write == write && stream.starts_with(&order.prefix);
        self.inner.ordered().iter().any(fits)
            || self.door(Moment::Before, stream).is_some()
            || self.door(Moment::After, stream).is_some()
    }

    /// Waits at the gate, where there is one. False when the connection is to be dropped there.
    pub(crate) async fn pass(&self, moment: Moment, stream: &str, events: usize) -> bool {
        let Some(door) = self.door(moment, stream) else { return true };
        let (drop, decision) = oneshot::channel();
        // When the gate was taken away just now, the one who waits is dropped, and goes on.
        let _ = door.send(Held { stream: stream.into(), events, drop: Some(drop) });
        decision.await.is_err()
    }

    fn door(&self, moment: Moment, stream: &str) -> Option<mpsc::UnboundedSender<Held>> {
        let doors = self.inner.gates.lock().expect("nobody panics while he holds the gates");
        let fits = |door: &&Door| {
            door.moment == moment && stream.starts_with(&door.prefix) && !door.held.is_closed()
        };
        doors.iter().find(fits).map(|door| door.held.clone())
    }
}

impl Inner {
    fn ordered(&self) -> std::sync::MutexGuard<'_, Vec<Order>> {
        self.ordered.lock().expect("nobody panics while he holds the faults")
    }
}

impl Gate {
    /// The next write that comes to the gate. Waits for ever when none comes: give it a limit.
    pub async fn next(&mut self) -> Held {
        self.held.recv().await.expect("a server keeps its side of a gate that is there")
    }
}

impl Held {
    /// Lets it go on.
    pub fn go_on(self) {}

    /// Drops its connection: what is not carried out yet never is, what is not answered yet never is.
    pub fn drop_connection(mut self) {
        // One who does not wait any more has lost his connection already.
        self.drop.take().map(|drop| drop.send(()));
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} events to {}", self.events, self.stream)
    }
}

/// Counts one open subscription.
#[derive(Debug)]
pub(crate) struct Counted(Arc<Inner>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

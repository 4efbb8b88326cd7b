//! What the double keeps: one list of events in the order of `$all`, and where each stream stands in it.

mod append;
mod delete;
mod read;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use prost::bytes::Bytes;
use tokio::sync::watch;
use uuid::Uuid;

pub(crate) use append::{Expected, Proposed, Refused, Written};
pub(crate) use read::{Missing, Start};

/// The revision of the event that ends a tombstoned stream.
pub(crate) const TOMBSTONE: u64 = i64::MAX as u64;
/// What a record takes on disk besides its texts; only that positions are not consecutive matters.
const RECORD: u64 = 96;

/// An event as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its identity, as proposed.
    pub id: Uuid,
    /// Its stream.
    pub stream: String,
    /// Its place in its stream, from 0.
    pub revision: u64,
    /// Its place in `$all`: commit and prepare position, which are equal since version 22.
    pub position: u64,
    /// What kind of event it is.
    pub event_type: String,
    /// Whether it was proposed as JSON.
    pub is_json: bool,
    /// What was proposed.
    pub data: Bytes,
    /// What was proposed beside it.
    pub metadata: Bytes,
    /// When it was recorded: units of 100 nanoseconds since 1970.
    pub created: u64,
}

impl Event {
    /// Whether the server wrote it for itself, so that readers of `$all` have to leave it out.
    pub fn is_system(&self) -> bool {
        self.event_type.starts_with('$')
    }
}

/// The data of a server. Clones share it, so that a server can end and another one go on with it.
#[derive(Clone)]
pub struct Log {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// How many events there are; wakes subscriptions.
    count: watch::Sender<usize>,
    clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
}

#[derive(Default)]
struct State {
    events: Vec<Arc<Event>>,
    streams: HashMap<String, Stream>,
    /// Where each event id was seen last, by stream.
    ids: HashMap<(String, Uuid), u64>,
    /// Where the next record goes.
    end: u64,
}

#[derive(Default)]
struct Stream {
    /// By revision; none is ever left out.
    events: Vec<Arc<Event>>,
    /// Earlier revisions are not read any more.
    first: u64,
    soft_deleted: bool,
    tombstoned: bool,
}

impl Stream {
    fn last(&self) -> Option<u64> {
        (self.events.len() as u64).checked_sub(1)
    }
}

impl Log {
    /// An empty one, which like every real one begins with an event of the server's own.
    pub fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one clock of a server that is given none")]
        Self::with_clock(SystemTime::now)
    }

    /// One whose events are created when `clock` says.
    pub fn with_clock(clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        let count = watch::Sender::new(0);
        let log =
            Self { shared: Arc::new(Shared { state: Mutex::default(), count, clock: Box::new(clock) }) };
        log.change(|state, now| {
            let user = system_event("$UserCreated", r#"{"LoginName":"admin"}"#, state.end);
            state.record("$user-admin", user, now);
        });
        log
    }

    /// All events in the order of `$all`, those of the server itself included.
    pub fn events(&self) -> Vec<Arc<Event>> {
        self.state().events.clone()
    }

    /// All events that clients appended, in order.
    pub fn written(&self) -> Vec<Arc<Event>> {
        self.state().events.iter().filter(|event| !event.is_system()).cloned().collect()
    }

    /// Every event of a stream from revision 0, also those that a deletion hides from readers.
    pub fn stream(&self, name: &str) -> Vec<Arc<Event>> {
        self.state().streams.get(name).map(|stream| stream.events.clone()).unwrap_or_default()
    }

    /// The last revision of a stream, whether or not a deletion hides it.
    pub fn revision(&self, name: &str) -> Option<u64> {
        self.state().streams.get(name).and_then(Stream::last)
    }

    /// How many events there are; wakes with each append.
    pub fn count(&self) -> watch::Receiver<usize> {
        self.shared.count.subscribe()
    }

    /// Another log with its first `count` events only, as a server has it that was restored from a backup. There is to be
    /// no deletion among them.
    #[must_use]
    pub fn as_of(&self, count: usize) -> Self {
        let earlier = Self::new();
        let events = self.events();
        earlier.change(|state, _| {
            // The first one is the server's own, which every log has.
            for event in events.iter().take(count).skip(1) {
                let proposed = Proposed {
                    id: event.id,
                    event_type: event.event_type.clone(),
                    is_json: event.is_json,
                    data: event.data.clone(),
                    metadata: event.metadata.clone(),
                };
                state.record(&event.stream, proposed, event.created);
            }
        });
        earlier
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("nobody panics while he holds the log")
    }

    /// Changes the state at one instant, which is that of everything recorded in it.
    fn change<T>(&self, change: impl FnOnce(&mut State, u64) -> T) -> T {
        let now = (self.shared.clock)().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let ticks = now.as_secs() * 10_000_000 + u64::from(now.subsec_nanos()) / 100;
        let mut state = self.state();
        let outcome = change(&mut state, ticks);
        let count = state.events.len();
        // Told under the lock, so that the count never runs backwards.
        self.shared.count.send_if_modified(|known| std::mem::replace(known, count) != count);
        outcome
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Log").field("events", &self.state().events.len()).finish_non_exhaustive()
    }
}

impl State {
    /// Puts an event at the end of a stream and of the log.
    fn record(&mut self, name: &str, event: Proposed, now: u64) -> (u64, u64) {
        let revision = self.streams.get(name).map_or(0, |stream| stream.events.len() as u64);
        let position = self.place(name, revision, event, now);
        let stream = self.streams.entry(name.into()).or_default();
        stream.events.extend(self.events.last().cloned());
        (revision, position)
    }

    /// Puts an event at the end of the log.
    fn place(&mut self, name: &str, revision: u64, event: Proposed, now: u64) -> u64 {
        let position = self.end;
        let length = name.len() + event.size();
        self.end += RECORD + length as u64;
        self.ids.insert((name.into(), event.id), revision);
        self.events.push(Arc::new(Event {
            id: event.id,
            stream: name.into(),
            revision,
            position,
            event_type: event.event_type,
            is_json: event.is_json,
            data: event.data,
            metadata: event.metadata,
            created: now,
        }));
        position
    }
}

/// An event of the server's own. Its id is its position, which no other event has.
fn system_event(event_type: &str, data: &str, position: u64) -> Proposed {
    Proposed {
        id: Uuid::from_u64_pair(0x2400, position),
        event_type: event_type.into(),
        is_json: true,
        data: Bytes::copy_from_slice(data.as_bytes()),
        metadata: Bytes::new(),
    }
}

//! The subscriber: reads after the checkpoint, in order, and does what follows from each event before it goes on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use muster_events::{event::DecodeError, policies::react, recorded::RecordedEvent, stream::Position};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    Status,
    carry_out::{Hands, Pause},
    letters::LETTERS,
};
use crate::{
    blobs::BlobStore,
    clock::{event_id, stopwatch},
    ledger::Ledger,
    store::{Incarnation, Store, StoreError, StoredEvent},
    subscription::{ATTEMPT, ReadModels, Shift, Trouble},
};

/// The name of the subscriber.
pub const SUBSCRIBER: &str = "policies";
/// Most events that are read at once.
const BATCH: usize = 500;
/// How often the log is looked at when nobody says that it has grown.
const POLL: Duration = Duration::from_millis(250);
/// How often the checkpoint is moved over events that nothing follows from: a crash costs as much reading.
const SAVE: Duration = Duration::from_secs(1);
/// How often it is looked what is due.
const SWEEP: Duration = Duration::from_secs(15);
/// How long a log is waited for that stops being available while a process starts.
const BEGINNING: Duration = Duration::from_secs(30);
/// How long the work pauses after a first error; twice as long after each further one.
const FIRST_PAUSE: Duration = ATTEMPT;
/// The longest pause after an error.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Does what follows from events, and what is due.
#[derive(Debug)]
pub struct Policies {
    store: Arc<dyn Store>,
    hands: Hands,
    shift: Shift,
    incarnation: Incarnation,
    /// How far this process has come, and in which epoch of the lease; none before it has the lease.
    reached: Option<(u64, Position)>,
    /// Whose erasure others may have left undone: none before the log was looked at for them, and nobody once their keys
    /// are gone, and their memberships.
    erased: Option<Vec<StoredEvent>>,
    saved: Instant,
    swept: Option<Instant>,
    sweeps: bool,
    status: watch::Sender<Status>,
}

/// How far a turn got.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// A batch was done; there may be more.
    More,
    /// All is done that is known to be committed.
    AtHead,
    /// Another process does the work.
    Standby,
}

impl Policies {
    /// The policies of a ledger, whose read models are kept up to date, and the pictures kept beside it. Nothing happens
    /// until they are run.
    pub fn new(ledger: Arc<Ledger>, read_models: ReadModels, blobs: Arc<dyn BlobStore>) -> Self {
        let store = Arc::clone(ledger.store());
        let holder = event_id(ledger.clock().now()).to_string();
        Self {
            shift: Shift::new(Arc::clone(&store), SUBSCRIBER, holder),
            incarnation: store.incarnation(),
            store,
            hands: Hands { ledger, read_models, blobs, passed: AtomicU64::new(0), queues_letters: false },
            reached: None,
            erased: None,
            saved: stopwatch(),
            swept: None,
            sweeps: true,
            status: watch::channel(Status::default()).0,
        }
    }

    /// Queues letters, too, for a sender to send.
    #[must_use]
    pub fn with_letters(mut self) -> Self {
        self.hands.queues_letters = true;
        self
    }

    /// Does what follows from events only, and leaves what is due to whoever serves.
    #[must_use]
    pub fn without_sweeps(mut self) -> Self {
        self.sweeps = false;
        self
    }

    /// How they stand, from now on.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Makes sure that there is a checkpoint: whatever is appended from here on has its consequences. A log that is not
    /// available is waited for, half a minute at most: it was when it was opened, a moment ago.
    pub async fn begin(&mut self) -> Result<(), StoreError> {
        let began = stopwatch();
        loop {
            match self.shift.hold().await {
                Err(error @ StoreError::Unavailable(_)) if began.elapsed() < BEGINNING => {
                    tracing::warn!(%error, "the policies cannot begin yet; trying again");
                    sleep(ATTEMPT).await;
                }
                held => return held.map(|_| ()),
            }
        }
    }

    /// Works until `stop`. An error only makes a pause. What is under way then may be done or not: it is looked at again
    /// by whoever works next.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut commits = self.store.commits();
        let mut hears_commits = true;
        loop {
            // Before the log is read: what is committed from here on wakes this again.
            commits.mark_unchanged();
            let turn = tokio::select! {
                () = stop.cancelled() => break,
                turn = self.turn() => turn,
            };
            let (pause, follows) = match turn {
                Ok(Turn::More) | Err(Pause::Fenced) => continue,
                Ok(Turn::AtHead) => (POLL, true),
                Ok(Turn::Standby) => (ATTEMPT, false),
                Err(error) => (self.in_trouble(&error).await, false),
            };
            tokio::select! {
                () = stop.cancelled() => break,
                committed = commits.changed(), if follows && hears_commits => hears_commits = committed.is_ok(),
                () = sleep(pause) => {}
            }
        }
        if let Some((epoch, position)) = self.reached
            && let Err(error) = self.shift.advance(epoch, position).await
        {
            tracing::debug!(%error, "the checkpoint was not moved; some events are read again");
        }
        self.shift.give_back().await;
    }

    /// Reads one batch and does what follows from it, where this process works; and what is due.
    async fn turn(&mut self) -> Result<Turn, Pause> {
        let incarnation = self.store.incarnation();
        if incarnation != self.incarnation {
            // The log was put back to an earlier state; the checkpoint in it was, too.
            self.incarnation = incarnation;
            self.reached = None;
            self.erased = None;
        }
        let Some(lease) = self.shift.hold().await? else {
            self.reached = None;
            self.publish(None);
            return Ok(Turn::Standby);
        };
        let before = self.reached.filter(|(epoch, _)| *epoch == lease.epoch);
        let (epoch, mut position) = before.unwrap_or((lease.epoch, lease.checkpoint));
        // Also of those before the checkpoint: somebody may have put keys back from a backup.
        if self.erased.is_none() {
            self.destroy_keys_left().await?;
        }
        let batch = self.store.read_on(position, BATCH).await?;
        for stored in &batch {
            self.answer(epoch, stored).await?;
            position = stored.position;
            self.reached = Some((epoch, position));
        }
        self.reached = Some((epoch, position));
        if self.saved.elapsed() >= SAVE {
            self.save(epoch, position).await?;
        }
        // Before the read models were opened there is nothing to look at.
        let opened = self.hands.read_models.status().applied.is_some();
        if opened && self.erased.as_ref().is_some_and(|erased| !erased.is_empty()) {
            self.remove_members_left().await?;
        }
        if opened && self.sweeps && self.swept.is_none_or(|swept| swept.elapsed() >= SWEEP) {
            self.sweep().await?;
        }
        self.publish(Some(position));
        // What another process appended is not announced by every store: where it was much, there is more.
        let is_all = batch.is_empty() || (batch.len() < BATCH && position >= *self.store.commits().borrow());
        Ok(if is_all { Turn::AtHead } else { Turn::More })
    }

    /// Does what follows from one event, and moves the checkpoint behind it where that was anything.
    async fn answer(&mut self, epoch: u64, stored: &StoredEvent) -> Result<(), Pause> {
        let Some(recorded) = read(stored) else { return Ok(()) };
        let reactions = react(&recorded);
        for reaction in &reactions {
            tokio::select! {
                done = self.hands.carry_out(&recorded, reaction) => done?,
                lost = self.shift.keep() => match lost? {},
            }
            self.measure(&recorded, reaction.name());
        }
        let notices = self.hands.notices(&recorded);
        for notice in &notices {
            tokio::select! {
                done = self.hands.queue(&recorded, notice) => done?,
                lost = self.shift.keep() => match lost? {},
            }
            self.measure(&recorded, LETTERS);
        }
        if reactions.is_empty() && notices.is_empty() {
            Ok(())
        } else {
            self.save(epoch, stored.position).await
        }
    }

    async fn save(&mut self, epoch: u64, position: Position) -> Result<(), Pause> {
        self.shift.advance(epoch, position).await?;
        self.saved = stopwatch();
        Ok(())
    }

    /// Of all who were erased, whoever did it.
    async fn destroy_keys_left(&mut self) -> Result<(), Pause> {
        let ledger = &self.hands.ledger;
        let completed = async {
            let erased = ledger.erasures().await?;
            let destroyed = ledger.complete_erasures(&erased).await?;
            Ok::<_, Pause>((erased, destroyed))
        };
        let (erased, destroyed) = tokio::select! {
            done = completed => done?,
            lost = self.shift.keep() => match lost? {},
        };
        if destroyed > 0 {
            tracing::warn!(
                destroyed,
                "keys of persons who were erased before were still there; now they are not"
            );
        }
        self.erased = Some(erased);
        Ok(())
    }

    /// Of all who were erased before there was a checkpoint: at the command line, before anybody served.
    async fn remove_members_left(&mut self) -> Result<(), Pause> {
        let erased = self.erased.as_deref().unwrap_or_default();
        tokio::select! {
            done = self.hands.remove_members_left(erased) => done?,
            lost = self.shift.keep() => match lost? {},
        }
        self.erased = Some(vec![]);
        Ok(())
    }

    async fn sweep(&mut self) -> Result<(), Pause> {
        tokio::select! {
            done = self.hands.sweep() => done?,
            lost = self.shift.keep() => match lost? {},
        }
        self.swept = Some(stopwatch());
        Ok(())
    }

    /// The time from an event to the end of what follows from it.
    fn measure(&self, recorded: &RecordedEvent, policy: &'static str) {
        let now = self.hands.ledger.clock().now();
        let micros = u64::try_from(now.as_micros() - recorded.recorded_at.as_micros()).unwrap_or(0);
        metrics::histogram!("muster_policy_lag_seconds", "policy" => policy)
            .record(Duration::from_micros(micros));
    }

    fn publish(&self, position: Option<Position>) {
        let passed = self.hands.passed.load(Ordering::Relaxed);
        let now = Status { position, passed, trouble: None };
        self.status.send_if_modified(|status| {
            let changed = *status != now;
            *status = now;
            changed
        });
    }

    /// Publishes the error, and lets another process try; says how long to pause.
    async fn in_trouble(&mut self, error: &Pause) -> Duration {
        self.reached = None;
        self.shift.give_back().await;
        let error = error.to_string();
        let before = self.status.borrow().trouble.clone();
        let (since, attempts) = before.map_or_else(
            || (self.hands.ledger.clock().now(), 1),
            |before| (before.since, before.attempts.saturating_add(1)),
        );
        tracing::warn!(error, attempts, "what follows from events is not done; trying again");
        let trouble = Some(Trouble { error, since, attempts });
        self.status.send_modify(|status| *status = Status { position: None, trouble, ..*status });
        FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1))).min(LONGEST_PAUSE)
    }
}

/// The event, as it can be answered. None of another program, from which nothing follows here. None that is damaged or of a
/// newer muster either: the read models set its stream aside and say so, and it does not stand in the way of the others.
fn read(stored: &StoredEvent) -> Option<RecordedEvent> {
    match stored.recorded() {
        Ok(recorded) => Some(recorded),
        Err(DecodeError::UnknownAggregate(_)) => None,
        Err(error) => {
            let position = stored.position.0;
            tracing::error!(position, %error, "nothing follows from an event that cannot be read");
            metrics::counter!("muster_policy_passed_total", "policy" => "unreadable").increment(1);
            None
        }
    }
}

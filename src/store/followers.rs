//! Who is told of what was committed, and up to where they were told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use muster_events::{stream::Position, time::Timestamp};
use tokio::sync::watch;

use super::{Follower, Head, StoredEvent, tail::Tail};

/// The followers of one store in this process.
///
/// The writer tells them of what it appended and of foreign events that it met; whoever confirms the head tells them
/// of foreign events too, from another thread. Each of the two brings a run of events without holes that starts no
/// later than right after what was told when it began to read. So it is enough to let one tell at a time and to
/// leave out what was told meanwhile: followers see each event once and in order, whoever comes first. Only after a
/// follower has panicked are they told of the same events again, because it is not known who had seen them.
#[derive(Debug)]
pub(crate) struct Followers {
    state: Mutex<State>,
    tail: Tail,
    commits: watch::Sender<Position>,
}

/// Up to where they were told, of which log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    /// How often the log was put back before.
    log: u64,
    /// Where what they were not told begins.
    pub(crate) position: Position,
    /// When the event there was recorded: in another log it is another one.
    pub(crate) recorded_at: Timestamp,
}

impl Told {
    fn up_to(log: u64, Head { position, recorded_at }: Head) -> Self {
        Self { log, position, recorded_at }
    }

    /// Whether what they were told of can be in the log that ends at `head`: it goes as far, and where it ends just there, the
    /// last event is the same.
    pub(crate) fn fits(&self, head: Head) -> bool {
        let is_last = head.position == self.position;
        head.position > self.position || (is_last && head.recorded_at == self.recorded_at)
    }

    /// What of `events` they were not told: all behind the first, which has to be the last that they were told of. None
    /// where it is not that one: then the events are of another log.
    pub(crate) fn continued_by<'a>(&self, events: &'a [StoredEvent]) -> Option<&'a [StoredEvent]> {
        if self.position == Position::ZERO {
            return Some(events);
        }
        let (first, fresh) = events.split_first()?;
        (first.position == self.position && first.recorded_at == self.recorded_at).then_some(fresh)
    }
}

#[derive(Debug)]
struct State {
    told: Told,
    followers: Vec<Arc<dyn Follower>>,
}

impl Followers {
    /// Nobody yet; whoever comes is told of what lies beyond `head`.
    pub(crate) fn new(head: Head) -> Self {
        let state = Mutex::new(State { told: Told::up_to(0, head), followers: Vec::new() });
        Self { state, tail: Tail::default(), commits: watch::Sender::new(head.position) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // `told` moves only after all were told, so that what a panicking follower leaves behind is right.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one.
    pub(crate) fn add(&self, follower: Arc<dyn Follower>) {
        self.lock().followers.push(follower);
    }

    /// Up to where they were told.
    pub(crate) fn told(&self) -> Told {
        self.lock().told
    }

    /// Some of the events directly after `after`, in order, at most `limit`: as far as they were told of lately. None where
    /// they were not.
    pub(crate) fn told_after(&self, after: Position, limit: usize) -> Vec<StoredEvent> {
        self.tail.after(after, limit)
    }

    /// Waits until the log has been put back since `told`.
    pub(crate) async fn until_put_back(&self, told: Told) {
        let mut commits = self.commits();
        while self.told().log == told.log && commits.changed().await.is_ok() {}
    }

    /// The highest position that is known to be durable.
    pub(crate) fn commits(&self) -> watch::Receiver<Position> {
        self.commits.subscribe()
    }

    /// The log may have been put back: until that is known, what comes after a position is read from it.
    pub(crate) fn doubt(&self) {
        self.tail.clear();
    }

    /// The log was put back to an earlier state and ends at `head`: what they know is of another log. When nothing of that
    /// is there any more, `says_so`; then who waits for commits is woken.
    pub(crate) fn put_back(&self, head: Head, says_so: impl FnOnce()) {
        let mut state = self.lock();
        for follower in &state.followers {
            follower.put_back();
        }
        self.tail.clear();
        state.told = Told::up_to(state.told.log + 1, head);
        says_so();
        self.commits.send_replace(head.position);
    }

    /// Tells them of `runs` of durable events: together without holes, and starting no later than right after what
    /// they were told before. A follower must not call back into the store: the lock is held.
    pub(crate) fn tell<'a>(&self, runs: impl IntoIterator<Item = &'a [StoredEvent]>) {
        self.tell_in(self.lock(), runs);
    }

    /// As [`Followers::tell`], of what was read behind `told`; nothing when the log was put back since then.
    pub(crate) fn tell_behind<'a>(&self, told: Told, runs: impl IntoIterator<Item = &'a [StoredEvent]>) {
        let state = self.lock();
        if state.told.log == told.log {
            self.tell_in(state, runs);
        }
    }

    fn tell_in<'a>(
        &self,
        mut state: MutexGuard<'_, State>,
        runs: impl IntoIterator<Item = &'a [StoredEvent]>,
    ) {
        for run in runs {
            let fresh = &run[run.partition_point(|event| event.position <= state.told.position)..];
            let Some(last) = fresh.last() else { continue };
            for follower in &state.followers {
                follower.committed(fresh);
            }
            self.tail.add(fresh);
            (state.told.position, state.told.recorded_at) = (last.position, last.recorded_at);
        }
        // With the lock: two who tell must not announce the later position first.
        let position = state.told.position;
        self.commits.send_if_modified(|known| {
            let newer = position > *known;
            *known = position.max(*known);
            newer
        });
    }
}

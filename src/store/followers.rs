//! Who is told of what was committed, and up to where they were told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use muster_events::stream::Position;
use tokio::sync::watch;

use super::{Follower, StoredEvent, tail::Tail};

/// The followers of one store in this process.
///
/// The writer tells them of what it appended and of foreign events that it met; whoever confirms the head tells them
/// of foreign events too, from another thread. Each of the two brings a run of events without holes that starts no
/// later than right after what was told when it began to read. So it is enough to let one tell at a time and to
/// leave out what was told meanwhile: followers see each event once and in order, whoever comes first. Only after a
/// follower has panicked are they told of the same events again, because it is not known who had seen them.
#[derive(Debug)]
pub(crate) struct Followers {
    told: Mutex<Told>,
    tail: Tail,
    commits: watch::Sender<Position>,
}

#[derive(Debug)]
struct Told {
    position: Position,
    followers: Vec<Arc<dyn Follower>>,
}

impl Followers {
    /// Nobody yet; whoever comes is told of what lies beyond `head`.
    pub(crate) fn new(head: Position) -> Self {
        let told = Mutex::new(Told { position: head, followers: Vec::new() });
        Self { told, tail: Tail::default(), commits: watch::Sender::new(head) }
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        // `position` moves only after all were told, so that what a panicking follower leaves behind is right.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one.
    pub(crate) fn add(&self, follower: Arc<dyn Follower>) {
        self.lock().followers.push(follower);
    }

    /// Up to where they were told.
    pub(crate) fn told(&self) -> Position {
        self.lock().position
    }

    /// Some of the events directly after `after`, in order, at most `limit`: as far as they were told of lately. None where
    /// they were not.
    pub(crate) fn told_after(&self, after: Position, limit: usize) -> Vec<StoredEvent> {
        self.tail.after(after, limit)
    }

    /// The highest position that is known to be durable.
    pub(crate) fn commits(&self) -> watch::Receiver<Position> {
        self.commits.subscribe()
    }

    /// The log may have been put back: until that is known, what comes after a position is read from it.
    pub(crate) fn doubt(&self) {
        self.tail.clear();
    }

    /// The log was put back to an earlier state and ends at `head`: what they know is of another log.
    pub(crate) fn put_back(&self, head: Position) {
        let mut told = self.lock();
        for follower in &told.followers {
            follower.put_back();
        }
        self.tail.clear();
        told.position = head;
        drop(told);
        self.commits.send_replace(head);
    }

    /// Tells them of `runs` of durable events: together without holes, and starting no later than right after what
    /// they were told before. A follower must not call back into the store: the lock is held.
    pub(crate) fn tell<'a>(&self, runs: impl IntoIterator<Item = &'a [StoredEvent]>) {
        let mut told = self.lock();
        for run in runs {
            let fresh = &run[run.partition_point(|event| event.position <= told.position)..];
            let Some(last) = fresh.last() else { continue };
            for follower in &told.followers {
                follower.committed(fresh);
            }
            self.tail.add(fresh);
            told.position = last.position;
        }
        let position = told.position;
        drop(told);
        self.commits.send_if_modified(|known| {
            let newer = position > *known;
            *known = position.max(*known);
            newer
        });
    }
}

//! What the thread that appends and those who read beside it tell each other.

use std::time::Duration;

use muster_events::stream::Position;
use tokio::{
    sync::{Mutex, MutexGuard, Notify},
    time::timeout,
};

use crate::store::followers::Followers;

/// How long a read waits for the writer to tell of what it commits: an append may stand behind the lock of another
/// process, and then the events are that one's.
const PATIENCE: Duration = Duration::from_millis(20);

/// How far this process knows the log, and whether it may be mistaken.
#[derive(Debug)]
pub(super) struct Progress {
    /// Who is told of what is committed.
    pub(super) followers: Followers,
    /// Held by the writer from before a commit until followers have been told of it. Whoever finds events of which they
    /// were not told waits a moment for it first.
    committing: Mutex<()>,
    doubts: Notify,
}

impl Progress {
    /// The log is known up to `head`.
    pub(super) fn new(head: Position) -> Self {
        Self { followers: Followers::new(head), committing: Mutex::default(), doubts: Notify::new() }
    }

    /// To be held during a commit, and until followers have been told of it.
    pub(super) async fn committing(&self) -> MutexGuard<'_, ()> {
        self.committing.lock().await
    }

    /// Waits a moment for what this process may be committing: its own events need not be read and decoded.
    pub(super) async fn until_told(&self) {
        let _ = timeout(PATIENCE, self.committing()).await;
    }

    /// The log may be another one than the one that is known. What was told of it is not given to subscribers any more,
    /// and the writer looks.
    pub(super) fn doubt(&self) {
        self.followers.doubt();
        self.doubts.notify_one();
    }

    /// Waits until somebody doubts; ends at once when somebody has since the last time.
    pub(super) async fn doubted(&self) {
        self.doubts.notified().await;
    }
}

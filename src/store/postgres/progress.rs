//! What the thread that appends and those who read beside it tell each other.

use std::time::Duration;

use tokio::{
    sync::{Mutex, MutexGuard, Notify},
    time::timeout,
};

use super::{errors::StoreResult, identity::Identity, statements::Standing};
use crate::store::{
    Head, Incarnation, StoreError,
    followers::{Followers, Told},
};

/// How long a read waits for the writer to tell of what it commits: an append may stand behind the lock of another
/// process, and then the events are that one's.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long a read waits for the writer to find out that the log is another one: as long as an append waits for its lock.
const FINDING_OUT: Duration = Duration::from_secs(5);

/// Which log this process knows, how far, and whether it may be mistaken.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) identity: Identity,
    /// Who is told of what is committed.
    pub(super) followers: Followers,
    /// Held by the writer from before a commit until followers have been told of it. Whoever finds events of which they
    /// were not told waits a moment for it first.
    committing: Mutex<()>,
    doubts: Notify,
}

impl Progress {
    /// The log is known up to `head`.
    pub(super) fn new(identity: Identity, head: Head) -> Self {
        let (followers, committing, doubts) = (Followers::new(head), Mutex::default(), Notify::new());
        Self { identity, followers, committing, doubts }
    }

    /// The head, if the log is the one that this process knows, of which followers had been told up to `told` before it was
    /// looked at. If not, doubts: nothing that this process would answer is right until the writer has looked.
    pub(super) fn known(&self, told: Told, standing: Standing) -> StoreResult<Head> {
        let Standing { incarnation, head } = standing;
        if incarnation == self.identity.incarnation() && told.fits(head) {
            return Ok(head);
        }
        self.doubt();
        Err(put_back())
    }

    /// The log is another one, and ends at `head`. Only when nothing that was remembered is there any more it is said.
    pub(super) fn begin_anew(&self, head: Head, incarnation: Incarnation) {
        self.followers.put_back(head, || self.identity.becomes(incarnation));
    }

    /// To be held during a commit, and until followers have been told of it.
    pub(super) async fn committing(&self) -> MutexGuard<'_, ()> {
        self.committing.lock().await
    }

    /// Waits a moment for what this process may be committing: its own events need not be read and decoded.
    pub(super) async fn until_told(&self) {
        let _ = timeout(PATIENCE, self.committing()).await;
    }

    /// Waits a moment until the writer has found out that the log is another one than up to `told`. An error when it has
    /// not.
    pub(super) async fn until_put_back(&self, told: Told) -> StoreResult<()> {
        timeout(FINDING_OUT, self.followers.until_put_back(told)).await.map_err(|_| put_back())
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

fn put_back() -> StoreError {
    let text =
        "the log was put back to an earlier state; what this process remembers of it is being forgotten";
    StoreError::Unavailable(text.into())
}

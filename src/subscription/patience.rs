//! Waiting for views that are busy.

use std::time::Duration;

use muster_projections::error::ViewError;
use tokio::time::sleep;

/// How often it is tried again, and how long the pause before that is.
const TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_millis(100);

/// How often something may still be tried again that the views were not available for. Each try waits for the lock
/// already; but whoever waits for that of SQLite stands in no queue, and is overtaken again and again while others write
/// without a rest.
#[derive(Debug)]
pub(super) struct Patience(u32);

impl Patience {
    /// As long as anybody should have to wait.
    pub(super) fn new() -> Self {
        Self(TRIES)
    }

    /// Whether it is to be tried again after this error: true after a pause.
    pub(super) async fn bears(&mut self, error: &ViewError) -> bool {
        if self.0 == 0 || !matches!(error, ViewError::Unavailable(_)) {
            return false;
        }
        self.0 -= 1;
        tracing::debug!(%error, "the views are busy; trying again");
        sleep(PAUSE).await;
        true
    }
}

//! What readers hold of the read models.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use muster_events::stream::Position;
use muster_projections::views::{ParkedStream, Views};
use thiserror::Error;
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::Status;
use crate::store::Store;

/// The views did not come far enough in time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the views stand at position {applied}, {wanted} is needed{}", because(self.trouble.as_ref()))]
pub struct LagError {
    /// How far they had to come.
    pub wanted: Position,
    /// How far they came.
    pub applied: Position,
    /// What keeps them.
    pub trouble: Option<String>,
}

fn because(trouble: Option<&String>) -> String {
    trouble.map_or_else(String::new, |trouble| format!(": {trouble}"))
}

/// The read models: rows to be asked, and how far they have come. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ReadModels {
    pub(super) store: Arc<dyn Store>,
    pub(super) views: Views,
    pub(super) status: watch::Receiver<Status>,
    pub(super) wanted: Arc<Wanted>,
}

/// What readers want of the runner.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// The highest position that one of them waits for, or waited for lately.
    position: AtomicU64,
    now: Notify,
}

impl Wanted {
    fn ask(&self, position: Position) {
        self.position.fetch_max(position.0, Ordering::SeqCst);
        self.now.notify_one();
    }

    /// How far somebody wants it to come; what has been reached does not count any more.
    pub(super) fn position(&self) -> Position {
        Position(self.position.load(Ordering::SeqCst))
    }

    /// The log has nothing more to give: whoever waits for more waits for others.
    pub(super) fn is_all(&self) {
        self.position.store(0, Ordering::SeqCst);
    }

    /// Waits until a look at the log is wanted now.
    pub(super) async fn now(&self) {
        self.now.notified().await;
    }
}

impl ReadModels {
    /// Where the rows are.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// Returns once every projection has reached `position` of the log that there is. Streams that are set aside count as
    /// reached.
    pub async fn wait_for(&self, position: Position, limit: Duration) -> Result<(), LagError> {
        let mut status = self.status.clone();
        let has_reached = |status: &Status| {
            // What was reached of a log that was put back says nothing of this one.
            let is_of_this_log = || status.log == Some(self.store.incarnation());
            status.has_reached(position) && (position == Position::ZERO || is_of_this_log())
        };
        if has_reached(&status.borrow()) {
            return Ok(());
        }
        // The caller has seen a newer head than the runner, who may be waiting for the next look of its own.
        self.wanted.ask(position);
        let reached = timeout(limit, status.wait_for(has_reached));
        if matches!(reached.await, Ok(Ok(_))) {
            return Ok(());
        }
        let status = self.status.borrow();
        Err(LagError {
            wanted: position,
            applied: status.applied.unwrap_or_default(),
            trouble: status.trouble.as_ref().map(|trouble| trouble.error.clone()),
        })
    }

    /// Makes the runner look at the log now.
    pub fn poke(&self) {
        self.wanted.now.notify_one();
    }

    /// How they stand.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// How they stand, from now on.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// The streams that are set aside.
    pub fn parked(&self) -> Arc<[ParkedStream]> {
        Arc::clone(&self.status.borrow().parked)
    }
}

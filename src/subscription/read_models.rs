//! What readers hold of the read models.

use std::{sync::Arc, time::Duration};

use muster_events::stream::Position;
use muster_projections::views::{ParkedStream, Views};
use thiserror::Error;
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::Status;

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
    pub(super) views: Views,
    pub(super) status: watch::Receiver<Status>,
    pub(super) wake: Arc<Notify>,
}

impl ReadModels {
    /// Where the rows are.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// Returns once every projection has reached `position`. Streams that are set aside count as reached.
    pub async fn wait_for(&self, position: Position, limit: Duration) -> Result<(), LagError> {
        let mut status = self.status.clone();
        if status.borrow().has_reached(position) {
            return Ok(());
        }
        // The caller has seen a newer head than the runner, who may be waiting for the next look of its own.
        self.poke();
        let reached = timeout(limit, status.wait_for(|status| status.has_reached(position)));
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
        self.wake.notify_one();
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

//! Which process does the work: the one that holds the lease.

use std::time::{Duration, Instant};

use muster_projections::{
    error::ViewError,
    views::{Lease, Views},
};

use crate::clock::stopwatch;

/// How long a lease lasts that is not renewed: what a process that was killed keeps others waiting.
const TTL: Duration = Duration::from_secs(3);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(1);
/// How often a process without it asks for it.
const ATTEMPT: Duration = Duration::from_millis(500);

/// What one subscriber knows of its lease.
#[derive(Debug)]
pub(super) struct Tenure {
    views: Views,
    name: &'static str,
    holder: String,
    lease: Option<Lease>,
    asked: Option<Instant>,
}

impl Tenure {
    /// Not held yet. `holder` names this subscriber of this process and no other.
    pub(super) fn new(views: Views, name: &'static str, holder: String) -> Self {
        Self { views, name, holder, lease: None, asked: None }
    }

    /// The lease, got or renewed where it is time; none while another process has it.
    pub(super) async fn hold(&mut self) -> Result<Option<Lease>, ViewError> {
        let pause = if self.lease.is_some() { RENEWAL } else { ATTEMPT };
        if self.asked.is_none_or(|asked| asked.elapsed() >= pause) {
            let asked = stopwatch();
            let before = self.lease.take().map(|lease| lease.epoch);
            self.lease = self.views.lease(self.name, &self.holder, TTL).await?;
            self.asked = Some(asked);
            match &self.lease {
                Some(lease) if before != Some(lease.epoch) => {
                    tracing::debug!(name = self.name, epoch = lease.epoch, "this process works from now on");
                }
                None if before.is_some() => {
                    tracing::warn!(name = self.name, "another process works from now on");
                }
                _ => {}
            }
        }
        Ok(self.lease.clone())
    }

    /// Another process has got it meanwhile.
    pub(super) fn lost(&mut self) {
        self.lease = None;
        self.asked = None;
    }

    /// Gives it back, so that another process need not wait for its end.
    pub(super) async fn give_back(&mut self) {
        if let Some(lease) = self.lease.take()
            && let Err(error) = self.views.release(&lease).await
        {
            tracing::debug!(%error, "the lease was not given back; it runs out");
        }
        self.asked = None;
    }
}

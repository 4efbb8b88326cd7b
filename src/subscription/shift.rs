//! Which process does the work of an effectful subscriber, and from where on.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use muster_events::stream::Position;
use thiserror::Error;
use tokio::time::sleep;

use crate::{
    clock::stopwatch,
    store::{Lease, Store, StoreError},
};

/// How long a lease lasts that is not renewed: what a process that was killed keeps others waiting.
const TTL: Duration = Duration::from_secs(3);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(1);
/// How often a process without it asks for it.
pub(crate) const ATTEMPT: Duration = Duration::from_millis(500);

/// Why the work ends, or does not begin.
#[derive(Debug, Error)]
pub(crate) enum ShiftError {
    /// Because of the log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another process does the work.
    #[error("another process does the work")]
    Fenced,
}

/// What one subscriber knows of its lease.
#[derive(Debug)]
pub(crate) struct Shift {
    store: Arc<dyn Store>,
    subscriber: &'static str,
    holder: String,
    lease: Option<Lease>,
    asked: Option<Instant>,
}

impl Shift {
    /// Not held yet. `holder` names this subscriber of this process and no other.
    pub(crate) fn new(store: Arc<dyn Store>, subscriber: &'static str, holder: String) -> Self {
        Self { store, subscriber, holder, lease: None, asked: None }
    }

    /// The lease, got or renewed where it is time; none while another process has it.
    pub(crate) async fn hold(&mut self) -> Result<Option<&Lease>, StoreError> {
        let pause = if self.lease.is_some() { RENEWAL } else { ATTEMPT };
        if self.asked.is_none_or(|asked| asked.elapsed() >= pause) {
            let asked = stopwatch();
            let before = self.lease.take().map(|lease| lease.epoch);
            self.lease = self.store.lease(self.subscriber, &self.holder, TTL).await?;
            self.asked = Some(asked);
            match &self.lease {
                Some(lease) if before != Some(lease.epoch) => {
                    let (subscriber, epoch, from) = (self.subscriber, lease.epoch, lease.checkpoint.0);
                    tracing::debug!(subscriber, epoch, from, "this process does the work");
                }
                None if before.is_some() => {
                    tracing::warn!(subscriber = self.subscriber, "another process does the work from now on");
                }
                _ => {}
            }
        }
        Ok(self.lease.as_ref())
    }

    /// Renews the lease for as long as it is polled. Ends when another process has it.
    pub(crate) async fn keep(&mut self) -> Result<Infallible, ShiftError> {
        loop {
            sleep(RENEWAL).await;
            if self.hold().await?.is_none() {
                return Err(ShiftError::Fenced);
            }
        }
    }

    /// Moves the checkpoint, where it lies before `to`.
    pub(crate) async fn advance(&mut self, to: Position) -> Result<(), ShiftError> {
        let Some(lease) = &mut self.lease else { return Err(ShiftError::Fenced) };
        if lease.checkpoint >= to {
            return Ok(());
        }
        if !self.store.advance(lease, to).await? {
            self.lease = None;
            self.asked = None;
            return Err(ShiftError::Fenced);
        }
        lease.checkpoint = to;
        Ok(())
    }

    /// Gives the lease back, so that another process need not wait for its end.
    pub(crate) async fn give_back(&mut self) {
        if let Some(lease) = self.lease.take()
            && let Err(error) = self.store.release(&lease).await
        {
            tracing::debug!(%error, "the lease was not given back; it runs out");
        }
    }
}

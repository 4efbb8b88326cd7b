//! Which process does the work of an effectful subscriber, and from where on.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use muster_events::stream::Position;
use thiserror::Error;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    clock::stopwatch,
    store::{Incarnation, Lease, Store, StoreError},
};

/// How long a lease lasts that is not renewed: what a process that was killed keeps others waiting.
const TTL: Duration = Duration::from_secs(3);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(1);
/// How long the log may take to answer that: then what was held before has run out.
const PATIENCE: Duration = TTL.saturating_sub(RENEWAL);
/// How long it may take to answer who holds nothing; a mirror may have to catch up first.
const FIRST_PATIENCE: Duration = Duration::from_mins(1);
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
    /// Of the log that the lease is for.
    incarnation: Incarnation,
    lease: Option<Lease>,
    asked: Option<Instant>,
    until: watch::Sender<Option<Instant>>,
}

impl Shift {
    /// Not held yet. `holder` names this subscriber of this process and no other.
    pub(crate) fn new(store: Arc<dyn Store>, subscriber: &'static str, holder: String) -> Self {
        let incarnation = store.incarnation();
        Self {
            store,
            subscriber,
            holder,
            incarnation,
            lease: None,
            asked: None,
            until: watch::Sender::default(),
        }
    }

    /// Until when the work is this process's, as far as it knows: nothing is begun after that, such as by a process that
    /// was stopped and goes on.
    pub(crate) fn until(&self) -> watch::Receiver<Option<Instant>> {
        self.until.subscribe()
    }

    /// The lease, got or renewed where it is time; none while another process has it.
    pub(crate) async fn hold(&mut self) -> Result<Option<&Lease>, StoreError> {
        let incarnation = self.store.incarnation();
        if incarnation != self.incarnation {
            // The log was put back to an earlier state, and the checkpoint with it.
            self.incarnation = incarnation;
            self.forget();
        }
        let pause = if self.lease.is_some() { RENEWAL } else { ATTEMPT };
        if self.asked.is_none_or(|asked| asked.elapsed() >= pause) {
            let asked = stopwatch();
            let before = self.lease.as_ref().map(|lease| lease.epoch);
            let patience = if self.lease.is_some() { PATIENCE } else { FIRST_PATIENCE };
            let lease = timeout(patience, self.store.lease(self.subscriber, &self.holder, TTL)).await;
            let late = |_| Err(StoreError::Unavailable("the lease is not renewed in time".into()));
            let lease = lease.unwrap_or_else(late);
            // While it lasts it is held, also when it could not be renewed yet.
            if lease.is_ok() || self.until.borrow().is_none_or(|until| until <= stopwatch()) {
                self.lease = lease.as_ref().ok().cloned().flatten();
                self.until.send_replace(self.lease.as_ref().map(|_| asked + TTL));
            }
            lease?;
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

    /// Renews the lease for as long as it is polled. Ends when another process has it, when it has run out, when the log was
    /// put back, and when the lease is held again but not still: what was begun in one epoch is not gone on with in another,
    /// whose checkpoint may be one of another log.
    pub(crate) async fn keep(&mut self) -> Result<Infallible, ShiftError> {
        let (epoch, incarnation) = (self.epoch(), self.incarnation);
        let (store, mut commits) = (Arc::clone(&self.store), self.store.commits());
        let put_back = commits.wait_for(|_| store.incarnation() != incarnation);
        tokio::pin!(put_back);
        loop {
            tokio::select! {
                () = sleep(RENEWAL) => {}
                Ok(_) = &mut put_back => return Err(ShiftError::Fenced),
            }
            let held = tokio::select! {
                held = self.hold() => held.map(|_| ()),
                Ok(_) = &mut put_back => return Err(ShiftError::Fenced),
            };
            match held {
                Ok(()) if epoch.is_some() && self.epoch() == epoch => {}
                Ok(()) => return Err(ShiftError::Fenced),
                Err(error) if self.lease.is_none() => return Err(error.into()),
                Err(error) => tracing::debug!(%error, "the lease is not renewed yet"),
            }
        }
    }

    fn epoch(&self) -> Option<u64> {
        self.lease.as_ref().map(|lease| lease.epoch)
    }

    /// Moves the checkpoint to what was reached in this epoch, where it lies before that.
    pub(crate) async fn advance(&mut self, epoch: u64, to: Position) -> Result<(), ShiftError> {
        let Some(lease) = self.lease.as_mut().filter(|lease| lease.epoch == epoch) else {
            return Err(ShiftError::Fenced);
        };
        if lease.checkpoint >= to {
            return Ok(());
        }
        if !self.store.advance(lease, to).await? {
            self.forget();
            return Err(ShiftError::Fenced);
        }
        lease.checkpoint = to;
        Ok(())
    }

    fn forget(&mut self) {
        self.lease = None;
        self.asked = None;
        self.until.send_replace(None);
    }

    /// Gives the lease back, so that another process need not wait for its end.
    pub(crate) async fn give_back(&mut self) {
        self.until.send_replace(None);
        if let Some(lease) = self.lease.take()
            && let Err(error) = self.store.release(&lease).await
        {
            tracing::debug!(%error, "the lease was not given back; it runs out");
        }
    }
}

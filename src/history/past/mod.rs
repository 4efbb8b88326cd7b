//! An organization as of a past moment: folded from the log, with the roles that were in force then.
//!
//! The rows are made by the projections that make those of the read models, and are asked by the same queries: they stand
//! in a database in memory. What is a person's stays sealed in them, so that an erasure reaches the past too.

mod difference;
mod fold;
mod moment;

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use muster_events::{
    id::OrganizationId,
    organization::Organization,
    roles::Roles,
    stream::{Position, Sequence},
    time::Timestamp,
};
use muster_projections::{error::ViewError, organizations, views::Views};
use thiserror::Error;

pub use self::difference::{Cause, Changed, Difference};
use self::fold::Folded;
pub use self::moment::{Moment, MomentError};
use super::{History, LogPosition};
use crate::{sealing::SealingError, store::StoreError};

/// States that are kept at once: pages of one list are asked for one after the other.
const KEPT: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// Why a past state cannot be shown.
#[derive(Debug, Error)]
pub enum PastError {
    /// The log is not available.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rows cannot be made or asked.
    #[error(transparent)]
    Views(#[from] ViewError),
    /// What is a person's cannot be opened.
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// There is no such moment.
    #[error(transparent)]
    Moment(#[from] MomentError),
}

/// An organization as it was.
#[derive(Debug)]
pub struct Past {
    /// The position of the last event that is seen.
    pub at: LogPosition,
    /// When that was recorded; none before the first event.
    pub recorded_at: Option<Timestamp>,
    /// The position up to which all is seen, where a stream cannot be read beyond it.
    pub complete_to: Option<LogPosition>,
    /// The organization, and the sequence of its last event; none when there was none, or none any more.
    pub organization: Option<(Arc<Organization>, Sequence)>,
    /// The roles that were in force; none before the first were defined.
    pub roles: Option<Arc<Roles>>,
    /// The rows of the read models.
    pub views: Views,
}

/// The states that were asked for last.
#[derive(Debug)]
pub(super) struct Kept(Mutex<LruCache<(OrganizationId, Position), Arc<Past>>>);

impl Default for Kept {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }
}

impl Kept {
    fn get(&self, key: (OrganizationId, Position)) -> Option<Arc<Past>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    fn put(&self, key: (OrganizationId, Position), past: Arc<Past>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key, past);
    }
}

impl History {
    /// The position of a moment that is not after `now`: the last one that was recorded at or before a time.
    pub async fn position_at(&self, moment: Moment, now: Timestamp) -> Result<Position, PastError> {
        moment::position(self.store.as_ref(), moment, now).await
    }

    /// The organization as it was when `position` was the end of the log.
    pub async fn past(
        &self,
        organization: OrganizationId,
        position: Position,
    ) -> Result<Arc<Past>, PastError> {
        let key = (organization, position);
        if let Some(past) = self.kept.get(key).filter(|past| past.at.incarnation == self.store.incarnation())
        {
            return Ok(past);
        }
        let folded = Folded::of(self.store.as_ref(), organization, position).await?;
        let roles = fold::roles(self.store.as_ref(), position).await?;
        let views = Views::in_memory(&fold::PROJECTIONS, &folded.tables).await?;
        let found = organizations::query::find(&views, organization).await?;
        let past = Arc::new(Past {
            at: self.at(position),
            recorded_at: moment::recorded_at(self.store.as_ref(), position).await?,
            complete_to: folded.complete_to().map(|position| self.at(position)),
            organization: found.map(|row| (Arc::new(row.state), row.sequence)),
            roles,
            views,
        });
        self.kept.put(key, Arc::clone(&past));
        Ok(past)
    }
}

//! An organization as of a past moment: folded from the log, with the roles that were in force then.
//!
//! The rows are made by the projections that make those of the read models, and are asked by the same queries: they stand
//! in a database in memory. What is a person's stays sealed in them, so that an erasure reaches the past too.

mod difference;
mod fold;
mod moment;
mod snapshots;

use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use muster_events::{
    id::{OrganizationId, UserId},
    organization::Organization,
    roles::Roles,
    stream::Position,
    time::Timestamp,
};
use muster_projections::{error::ViewError, organizations, views::Views};
use thiserror::Error;
use tokio::sync::{OnceCell, Semaphore};

pub use self::difference::{Cause, Changed, Difference};
use self::fold::Folded;
pub use self::moment::{Moment, MomentError};
pub(super) use self::snapshots::Snapshots;
use super::{History, LogPosition};
use crate::{sealing::SealingError, store::StoreError};

/// States that are kept at once: pages of one list are asked for one after the other.
const KEPT: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// States that are folded at once: each reads the whole history of an organization.
const FOLDS: usize = 2;

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
    /// The organization; none when there was none, or none any more.
    pub organization: Option<Arc<Organization>>,
    /// The roles that were in force; none before the first were defined.
    pub roles: Option<Arc<Roles>>,
    /// The rows of the read models.
    pub views: Views,
    /// The accounts that they name.
    people: BTreeSet<UserId>,
}

/// The states that were asked for last. Whoever asks for one that is being folded waits for it.
#[derive(Debug)]
pub(super) struct Kept {
    states: Mutex<LruCache<Key, Arc<OnceCell<Arc<Past>>>>>,
    /// How many may be folded at once.
    folds: Semaphore,
}

/// Incarnation of the log, organization, position.
type Key = (u32, OrganizationId, Position);

impl Default for Kept {
    fn default() -> Self {
        Self { states: Mutex::new(LruCache::new(KEPT)), folds: Semaphore::new(FOLDS) }
    }
}

impl Kept {
    fn at(&self, key: Key) -> Arc<OnceCell<Arc<Past>>> {
        // Nothing panics while it is held.
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(states.get_or_insert(key, Arc::default))
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
        let state = self.kept.at((self.store.incarnation().0, organization, position));
        let folded = state.get_or_try_init(|| async {
            let _one_of_few = self.kept.folds.acquire().await;
            self.fold(organization, position).await.map(Arc::new)
        });
        folded.await.cloned()
    }

    async fn fold(&self, organization: OrganizationId, position: Position) -> Result<Past, PastError> {
        let folded =
            Folded::of(self.store.as_ref(), self.snapshots.as_deref(), organization, position).await?;
        let roles = fold::roles(self.store.as_ref(), position).await?;
        let views = Views::in_memory(&fold::PROJECTIONS, &folded.tables).await?;
        let found = organizations::query::find(&views, organization).await?;
        Ok(Past {
            at: self.at(position),
            recorded_at: moment::recorded_at(self.store.as_ref(), position).await?,
            complete_to: folded.complete_to().map(|position| self.at(position)),
            organization: found.map(|row| Arc::new(row.state)),
            roles,
            views,
            people: folded.people,
        })
    }
}

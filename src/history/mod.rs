//! Reads of the log for people: pages, exports, a tail, server-sent events.
//!
//! All of them show an event in the one form of [`ShownEvent`], ask a [`Viewer`] before each page what he may see by
//! now, and go through the log by positions, so that none of them misses an event or shows it twice. None decodes an
//! event: what is stored is shown, also when this version of the program does not know its type.

mod event;
mod export;
mod feed;
mod format;
mod live;
mod page;
mod past;
mod position;
mod query;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use muster_events::stream::Position;
use muster_projections::views::Views;
use thiserror::Error;

pub use self::{
    event::{ShownEvent, UNREADABLE},
    export::Export,
    feed::Feed,
    format::{Format, UnknownFormat},
    live::Tail,
    page::Page,
    past::{Cause, Changed, Difference, Moment, MomentError, Past, PastError},
    position::{LogPosition, PositionError},
    query::{DEFAULT_LIMIT, FilterError, FilterText, MAX_LIMIT},
};
use crate::{
    sealing::{KeyRing, SealingError},
    store::{Incarnation, LogQuery, Store, StoreError, StoredEvent},
};

/// What a viewer may see of an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sight {
    /// Where a request came from: `ip` and `user_agent`.
    pub network_origin: bool,
}

impl Sight {
    /// All of it: administrators of the organization, superusers, the operator at the command line.
    pub const ALL: Self = Self { network_origin: true };
    /// All but where requests came from.
    pub const WITHOUT_ORIGIN: Self = Self { network_origin: false };
}

/// Who looks. He is asked again before every page that he is shown, so that a revocation or another role has its
/// effect on what is under way.
#[async_trait]
pub trait Viewer: fmt::Debug + Send + Sync {
    /// What he may see now; none when he may see nothing any more.
    async fn sight(&self) -> Option<Sight>;
}

/// Somebody whose permission does not change meanwhile, such as the operator at the command line.
#[async_trait]
impl Viewer for Sight {
    async fn sight(&self) -> Option<Sight> {
        Some(*self)
    }
}

/// Why the log cannot be shown.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// The log is not available.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys are not available. A single key that is missing is no error, see [`UNREADABLE`].
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// An event cannot be written as JSON.
    #[error("an event cannot be written as JSON: {0}")]
    Unwritable(#[from] serde_json::Error),
    /// The viewer lost his permission while he read.
    #[error("the permission to read this history was withdrawn while it was read")]
    NoLongerAllowed,
    /// What goes on for ever starts with what is oldest.
    #[error("order: a stream of events is oldest first; leave order away or make it asc")]
    NewestFirst,
    /// What comes next is of another log than what was shown before.
    #[error("the log was put back to an earlier state while it was read: start again from the beginning")]
    PutBack,
    /// Going on from there would leave out what is appended until then.
    #[error("position {given} lies beyond the end of the log, which is {head}: start again without it")]
    AheadOfLog {
        /// Where to go on from.
        given: LogPosition,
        /// The last event.
        head: LogPosition,
    },
}

/// How long a feed is silent before it says that there is nothing, unless it is said otherwise.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

/// Reads the log of one deployment for people; cheap to clone.
#[derive(Debug, Clone)]
pub struct History {
    store: Arc<dyn Store>,
    keys: KeyRing,
    heartbeat: Duration,
    kept: Arc<past::Kept>,
    snapshots: Option<Arc<past::Snapshots>>,
}

impl History {
    /// Reads `store`, and unseals with `keys`.
    pub fn new(store: Arc<dyn Store>, keys: KeyRing) -> Self {
        Self { store, keys, heartbeat: HEARTBEAT, kept: Arc::default(), snapshots: None }
    }

    /// The same with another [`HEARTBEAT`], for proxies that cut a silent connection off sooner; at least a
    /// millisecond.
    pub fn with_heartbeat(self, heartbeat: Duration) -> Self {
        Self { heartbeat: heartbeat.max(Duration::from_millis(1)), ..self }
    }

    /// The same with states of the past kept beside the read models, so that none costs an organization's whole history
    /// more than once.
    pub fn with_snapshots(self, views: Views) -> Self {
        Self { snapshots: Some(Arc::new(past::Snapshots::new(views))), ..self }
    }

    /// The same with a state kept after fewer or more events of an organization.
    pub fn with_snapshots_every(self, views: Views, events: usize) -> Self {
        Self { snapshots: Some(Arc::new(past::Snapshots::with_interval(views, events))), ..self }
    }

    /// `position` of this log, as it is given to clients.
    pub fn at(&self, position: Position) -> LogPosition {
        LogPosition { incarnation: self.store.incarnation(), position }
    }

    /// That the log is still `known`: what was read of it before this is of no other.
    pub(crate) fn still(&self, known: Incarnation) -> Result<(), HistoryError> {
        if self.store.incarnation() == known { Ok(()) } else { Err(HistoryError::PutBack) }
    }

    /// What `query` finds in the log that was `known` when it was asked for, also when this process hears only now that it is
    /// another one: whoever looks at the head finds that out.
    async fn find(&self, query: LogQuery, known: Incarnation) -> Result<Vec<StoredEvent>, HistoryError> {
        let events = self.store.query(query).await?;
        self.store.head().await?;
        self.still(known)?;
        Ok(events)
    }

    /// The event at `position`; none when there is none.
    pub async fn event(&self, position: Position, sight: Sight) -> Result<Option<ShownEvent>, HistoryError> {
        let Some(before) = position.0.checked_sub(1) else { return Ok(None) };
        let query = LogQuery {
            after: Some(Position(before)),
            up_to: Some(position),
            limit: 1,
            ..LogQuery::default()
        };
        let events = self.store.query(query).await?;
        Ok(self.show(&events, sight).await?.pop())
    }

    /// `events` in the form in which they are shown.
    pub async fn show(&self, events: &[StoredEvent], sight: Sight) -> Result<Vec<ShownEvent>, SealingError> {
        event::show(&self.keys, events, sight).await
    }
}

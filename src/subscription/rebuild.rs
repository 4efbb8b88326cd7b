//! Building the rows of read models anew beside the living ones, in one pass over the log for all that are asked for.
//!
//! Nothing but rows comes of it: a rebuild reads the log, sends nothing and appends nothing. It may be killed at any
//! moment, and goes on from where it was saved last.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use muster_events::stream::Position;
use muster_projections::{
    error::ViewError,
    projection::Projection,
    views::{BUILDER_TTL, Building, Busy, Claim, Views},
};
use thiserror::Error;
use tokio::{sync::watch, task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    CatchUpError,
    entries::{PAGE, Page, Reader},
    pass::Pass,
    verify::VerifyError,
};
use crate::{
    clock::{Clock, event_id, stopwatch},
    store::{Store, StoreError},
};

/// Most rows in memory before they are saved.
const MOST_ROWS: usize = 100_000;
/// How often a builder says that it is still there.
const BEAT: Duration = Duration::from_secs(2);
/// How often is looked whether another builder is still there.
const LOOK: Duration = Duration::from_millis(250);
/// Most events that are left to those who keep the living rows up to date.
pub(super) const NEAR: u64 = 500;

/// Why a rebuild did not come to its end.
#[derive(Debug, Error)]
pub enum RebuildError {
    /// Because of the log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Because of the views.
    #[error(transparent)]
    Views(#[from] ViewError),
    /// The new rows could not be compared with the log.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The living rows could not be brought to where the new ones are.
    #[error(transparent)]
    CatchUp(#[from] CatchUpError),
    /// Another one is under way.
    #[error(
        "the read model {projection} is being rebuilt already, by {}: wait until that one ends, or stop it first",
        .busy.builder
    )]
    Busy {
        /// Of which projection.
        projection: &'static str,
        /// By whom.
        busy: Busy,
    },
    /// Another process has begun the views anew, or goes on with this rebuild.
    #[error("another process builds the read model {0} now")]
    Lost(&'static str),
    /// There are no rows to go back to.
    #[error(
        "there are no earlier rows of the read model {0} that this version of muster can go back to: `muster projections \
         list` shows which are kept"
    )]
    NothingKept(&'static str),
    /// The new rows are not what the log makes them.
    #[error(
        "the new rows of the read model {projection} are not what the log makes them ({differences} differences); the \
         old ones go on being read. This is a fault of muster: report it"
    )]
    NotRight {
        /// Which one.
        projection: &'static str,
        /// How many.
        differences: u64,
    },
}

/// How far a rebuild is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Up to where the log has been folded.
    pub position: Position,
    /// Where it ends.
    pub head: Position,
    /// How many events a second were folded.
    pub rate: u64,
}

/// What became of the rebuild of one projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// Which one.
    pub projection: &'static str,
    /// The version of its rows.
    pub version: u32,
    /// The number of its rows' generation.
    pub generation: u32,
    /// Up to where they are the fold of the log.
    pub position: Position,
    /// How it ended.
    pub ended: Ended,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The new rows are read from now on.
    Switched {
        /// The digest that both had at one position, where their versions are the same and it is.
        digest: Option<String>,
        /// How many rows of the old ones were not what the log makes them.
        wrong: u64,
    },
    /// It was told to stop, and goes on from its position the next time.
    Paused,
}

/// What is to be rebuilt.
#[derive(Debug)]
pub struct Rebuild {
    pub(super) store: Arc<dyn Store>,
    pub(super) views: Views,
    /// All that there are.
    pub(super) known: Vec<&'static Projection>,
    pub(super) clock: Arc<dyn Clock>,
    builder: String,
    pub(super) max_rate: Option<NonZeroU32>,
    pub(super) page: usize,
    pub(super) most_rows: usize,
    pub(super) progress: watch::Sender<Progress>,
}

impl Rebuild {
    /// Nothing happens until it is run. `known` are all read models that are kept in these views.
    pub fn new(
        store: Arc<dyn Store>,
        views: Views,
        known: Vec<&'static Projection>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let id = event_id(clock.now()).simple().to_string();
        let builder = format!("process {} ({})", std::process::id(), id.get(24..).unwrap_or_default());
        let (progress, _) = watch::channel(Progress::default());
        Self {
            store,
            views,
            known,
            clock,
            builder,
            max_rate: None,
            page: PAGE,
            most_rows: MOST_ROWS,
            progress,
        }
    }

    /// Folds at most so many events a second.
    pub fn at_most(self, max_rate: Option<NonZeroU32>) -> Self {
        let page =
            max_rate.map_or(PAGE, |rate| usize::try_from(rate.get() / 5).unwrap_or(PAGE).clamp(1, PAGE));
        Self { max_rate, page, ..self }
    }

    /// Reads so many events at once and saves whenever so many rows are in memory.
    pub fn in_steps_of(self, page: usize, most_rows: usize) -> Self {
        Self { page, most_rows, ..self }
    }

    /// How far it is, from now on.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// By which name others know who builds.
    pub fn builder(&self) -> &str {
        &self.builder
    }

    /// Rebuilds these projections. Until `stop`: then what was done is saved, and the next run goes on there.
    pub async fn run(
        &self,
        projections: &[&'static Projection],
        stop: &CancellationToken,
    ) -> Result<Vec<Rebuilt>, RebuildError> {
        let incarnation = self.store.incarnation().to_string();
        self.views.prepare(&self.known, &incarnation).await?;
        let mut buildings = vec![];
        for projection in projections {
            match self.claim(projection, &incarnation, stop).await {
                Ok(building) => buildings.push(building),
                Err(error) => {
                    self.give_up(&buildings).await;
                    return Err(error);
                }
            }
        }
        self.run_with(buildings, stop).await
    }

    /// Brings the rows that were living before the present ones up to date, and lets them be read again.
    pub async fn roll_back(
        &self,
        projection: &'static Projection,
        stop: &CancellationToken,
    ) -> Result<Rebuilt, RebuildError> {
        let incarnation = self.store.incarnation().to_string();
        self.views.prepare(&self.known, &incarnation).await?;
        let nothing_kept = || RebuildError::NothingKept(projection.name);
        let claim = self.views.reviving(projection, &incarnation, &self.builder).await?;
        let building = match claim.ok_or_else(nothing_kept)? {
            Claim::Ours(building) => *building,
            Claim::Busy(busy) => return Err(RebuildError::Busy { projection: projection.name, busy }),
        };
        let mut rebuilt = self.run_with(vec![building], stop).await?;
        rebuilt.pop().ok_or_else(nothing_kept)
    }

    async fn run_with(
        &self,
        mut buildings: Vec<Building>,
        stop: &CancellationToken,
    ) -> Result<Vec<Rebuilt>, RebuildError> {
        let _beating = self.beat();
        let ended = Pass::new(self, stop).all(&mut buildings).await;
        self.give_up(&buildings).await;
        ended
    }

    /// Takes up or begins a generation. One who was killed is taken for alive for a moment: he is waited for.
    async fn claim(
        &self,
        projection: &'static Projection,
        incarnation: &str,
        stop: &CancellationToken,
    ) -> Result<Building, RebuildError> {
        let mut first: Option<i64> = None;
        let began = stopwatch();
        loop {
            let busy = match self.views.building(projection, incarnation, &self.builder).await? {
                Claim::Ours(building) => return Ok(*building),
                Claim::Busy(busy) => busy,
            };
            let is_alive = *first.get_or_insert(busy.until) != busy.until;
            if is_alive || stop.is_cancelled() || began.elapsed() > BUILDER_TTL + BEAT {
                return Err(RebuildError::Busy { projection: projection.name, busy });
            }
            sleep(LOOK.min(busy.left)).await;
        }
    }

    /// Says that this process is still there, for as long as that lasts.
    fn beat(&self) -> Beating {
        let (views, builder) = (self.views.clone(), self.builder.clone());
        Beating(tokio::spawn(async move {
            loop {
                sleep(BEAT).await;
                if let Err(error) = views.beat(&builder).await {
                    tracing::debug!(%error, "the rebuild could not say that it is still there");
                }
            }
        }))
    }

    async fn give_up(&self, buildings: &[Building]) {
        for building in buildings {
            if let Err(error) = self.views.give_up(building).await {
                tracing::debug!(%error, "the rebuild was not given up; its time runs out");
            }
        }
    }

    /// What is left to be read of the log for this one, when that is little.
    pub(super) async fn rest(&self, building: &Building) -> Result<Page, RebuildError> {
        let (after, head) = (building.saved(), self.store.head().await?.position);
        let limit = usize::try_from(NEAR).unwrap_or(PAGE) * 4;
        let projections = [building.projection()];
        let mut reader = Reader::start(Arc::clone(&self.store), &projections, after, head, limit);
        match reader.next().await {
            Some(page) => Ok(page?),
            None => Ok(Page { end: after, events: 0, entries: vec![] }),
        }
    }
}

/// Ends with the rebuild, in whichever way that ends: who is gone must not seem to be there.
struct Beating(JoinHandle<()>);

impl Drop for Beating {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Rebuilt {
    pub(super) fn of(building: &Building, ended: Ended) -> Self {
        Self {
            projection: building.projection().name,
            version: building.projection().version,
            generation: building.number(),
            position: building.saved(),
            ended,
        }
    }
}

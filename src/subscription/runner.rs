//! The catch-up runner: reads after the lowest checkpoint, in order, and applies a batch with its checkpoints in one
//! transaction.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use muster_events::{stream::Position, time::Timestamp};
use muster_projections::{
    error::ViewError,
    projection::{LogEntry, Projection},
    views::{Generation, Outcome, Views},
};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    CatchUpError, ReadModels, Status, Trouble, read_models::Wanted, rebuild::Rebuild, renewal::Renewal,
    tenure::Tenure,
};
use crate::{
    clock::{Clock, event_id, stopwatch},
    store::{Incarnation, Store},
};

/// Most events that are applied in one transaction.
const BATCH: usize = 500;
/// How often the log is looked at when nobody says that it has grown: what another process appended is found so.
const POLL: Duration = Duration::from_millis(100);
/// How far apart turns are while much is appended and nobody in this process waits for a row: a larger batch costs less than
/// two. What is committed shows that much later at most.
const GATHERING: Duration = Duration::from_millis(20);
/// How often a process without the lease looks how far the one with it has come, while somebody waits for that.
pub(super) const STANDBY_LOOK: Duration = Duration::from_millis(10);
/// The name of the lease.
const LEASE: &str = "projections";
/// How long the runner pauses after a first error; twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause after an error.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often the views are looked at while rows of an older version are read, which another process may replace, or
/// while nothing happens.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Keeps views up to date with a log.
#[derive(Debug)]
pub struct Runner {
    pub(super) store: Arc<dyn Store>,
    pub(super) views: Views,
    pub(super) projections: Vec<&'static Projection>,
    pub(super) clock: Arc<dyn Clock>,
    poll: Duration,
    /// What was recorded before does not count as lag.
    pub(super) started: Timestamp,
    pub(super) incarnation: Incarnation,
    pub(super) tenure: Tenure,
    /// The lowest checkpoint; none when it has to be looked at (again).
    pub(super) position: Option<Position>,
    /// The projections whose rows are of this version: those that are applied to.
    pub(super) current: Vec<&'static Projection>,
    /// The others, and the rows of theirs that are read.
    pub(super) outdated: Vec<&'static Projection>,
    pub(super) outdated_living: Vec<Generation>,
    /// When the views were looked at.
    pub(super) looked: Instant,
    pub(super) status: watch::Sender<Status>,
    pub(super) wanted: Arc<Wanted>,
}

/// How far a turn got.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// A batch was applied; there may be more, and there are as a rule when it was a full one.
    More {
        /// Whether it was.
        full: bool,
    },
    /// There was nothing to read.
    AtHead,
    /// Another process does the work; this one has looked how far that is.
    Standby,
}

impl Runner {
    /// A runner that keeps `projections` in `views` up to date with `store`. Nothing happens until it is run.
    pub fn new(
        store: Arc<dyn Store>,
        views: Views,
        projections: Vec<&'static Projection>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let incarnation = store.incarnation();
        let started = clock.now();
        let holder = event_id(started).to_string();
        let tenure = Tenure::new(views.clone(), LEASE, holder);
        let (status, _) = watch::channel(Status::default());
        let wanted = Arc::default();
        Self {
            store,
            views,
            projections,
            clock,
            poll: POLL,
            started,
            incarnation,
            tenure,
            position: None,
            current: vec![],
            outdated: vec![],
            outdated_living: vec![],
            looked: stopwatch(),
            status,
            wanted,
        }
    }

    /// Looks for what other processes appended this often.
    pub fn poll_every(self, poll: Duration) -> Self {
        Self { poll, ..self }
    }

    /// What readers hold.
    pub fn read_models(&self) -> ReadModels {
        let (store, status) = (Arc::clone(&self.store), self.status.subscribe());
        ReadModels { store, views: self.views.clone(), status, wanted: Arc::clone(&self.wanted) }
    }

    /// Follows the log until `stop`. An error only makes it pause; a batch that has begun is finished first.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut commits = self.store.commits();
        let mut hears_commits = true;
        let mut renewal = Renewal::default();
        while !stop.is_cancelled() {
            renewal.begin(&self.outdated, || self.rebuild());
            if renewal.has_ended() {
                self.position = None;
            }
            // Before the log is read: what is committed from here on wakes the runner again.
            let committed = *commits.borrow_and_update();
            let began = stopwatch();
            match self.turn().await {
                Ok(Turn::More { full: true }) => {}
                Ok(Turn::More { .. }) if !self.is_done_with(*commits.borrow()) => {
                    self.gather(began, &stop).await;
                }
                Ok(Turn::Standby)
                    if !self.status.borrow().has_reached(committed.max(self.wanted.position())) =>
                {
                    sleep(STANDBY_LOOK).await;
                }
                Ok(Turn::More { .. } | Turn::AtHead | Turn::Standby) => {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        committed = commits.changed(), if hears_commits => {
                            hears_commits = committed.is_ok();
                            self.gather(began, &stop).await;
                        }
                        () = self.wanted.now() => {}
                        () = sleep(self.poll) => {}
                    }
                }
                Err(error) => {
                    let attempts = self.in_trouble(&error);
                    if matches!(error, CatchUpError::Views(ViewError::Unusable(_))) {
                        // A process of another version may be able to do the work.
                        self.tenure.give_back().await;
                    }
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = sleep(pause_after(attempts)) => {}
                    }
                }
            }
        }
        renewal.end().await;
        self.tenure.give_back().await;
    }

    /// Whether all is applied that is known to be committed: then the log need not be asked for more, except for what is
    /// looked at beside it now and then.
    fn is_done_with(&self, committed: Position) -> bool {
        let known = committed.max(self.wanted.position());
        self.status.borrow().has_reached(known) && self.looked.elapsed() < LOOK_AGAIN
    }

    /// Rests after the turn that began then, unless somebody waits for a row.
    async fn gather(&self, began: Instant, stop: &CancellationToken) {
        let rest = GATHERING.saturating_sub(began.elapsed());
        if rest.is_zero() || !self.status.borrow().has_reached(self.wanted.position()) {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.wanted.now() => {}
            () = sleep(rest) => {}
        }
    }

    pub(super) fn rebuild(&self) -> Rebuild {
        let (store, views) = (Arc::clone(&self.store), self.views.clone());
        Rebuild::new(store, views, self.projections.clone(), Arc::clone(&self.clock))
    }

    /// Reads and applies one batch, where this process does the work.
    pub(super) async fn turn(&mut self) -> Result<Turn, CatchUpError> {
        let incarnation = self.store.incarnation();
        if incarnation != self.incarnation {
            // The log was put back to an earlier state: the views are those of another one.
            self.incarnation = incarnation;
            self.position = None;
        }
        let Some(lease) = self.tenure.hold().await? else { return self.stand_by().await };
        let after = self.position().await?;
        if self.current.is_empty() {
            return self.without_any().await;
        }
        let stored = self.store.read_on(after, BATCH).await?;
        if stored.is_empty() {
            self.wanted.is_all();
            self.look_again().await?;
            self.out_of_trouble();
            return Ok(Turn::AtHead);
        }
        let entries: Vec<_> = stored.iter().map(LogEntry::from).collect();
        let log = self.incarnation.to_string();
        let applied = self.views.apply(&self.current, &log, after, &entries, Some(&lease)).await?;
        match applied {
            Outcome::Applied(applied) => self.applied(applied, &entries),
            Outcome::Fenced => {
                self.tenure.lost();
                self.position = None;
            }
            Outcome::Behind => self.position = None,
            // Paused like an error, so that two versions of this program that keep the same views do not race.
            Outcome::Moved => return Err(CatchUpError::Moved),
        }
        Ok(Turn::More { full: stored.len() == BATCH })
    }

    /// Publishes the error; says how often it was tried.
    pub(super) fn in_trouble(&mut self, error: &CatchUpError) -> u32 {
        // What the views were believed to be may be the reason.
        self.position = None;
        let error = error.to_string();
        let before = self.status.borrow().trouble.clone();
        let (since, attempts) = before.map_or_else(
            || (self.clock.now(), 1),
            |before| (before.since, before.attempts.saturating_add(1)),
        );
        tracing::warn!(error, attempts, "views cannot go on; trying again");
        self.status.send_modify(|status| status.trouble = Some(Trouble { error, since, attempts }));
        attempts
    }

    pub(super) fn out_of_trouble(&mut self) {
        self.status.send_if_modified(|status| status.trouble.take().is_some());
    }
}

pub(super) fn pause_after(attempts: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1))).min(LONGEST_PAUSE)
}

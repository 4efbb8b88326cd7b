//! Comparing read models with what the log makes of them.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use muster_events::stream::Position;
use muster_projections::{
    error::ViewError,
    projection::Projection,
    views::{Differences, LogFold, Snapshot, Verification, Views},
};
use thiserror::Error;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::entries::{PAGE, Reader};
use crate::{
    clock::{Clock, stopwatch},
    store::{Store, StoreError},
};

/// How often the log is folded again because streams were set aside or taken up meanwhile.
const ATTEMPTS: usize = 5;

/// Why views could not be compared with the log.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// Because of the log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Because of the views.
    #[error(transparent)]
    Views(#[from] ViewError),
    /// The log ends before the view.
    #[error("the log ends at position {log}, and the read model {projection} stands at {view}")]
    Ahead {
        /// Which view.
        projection: &'static str,
        /// Where it stands.
        view: Position,
        /// Where the log ends.
        log: Position,
    },
    /// Streams were set aside and taken up all the time.
    #[error("streams of the read model {0} are set aside and taken up all the time; try again later")]
    Unsteady(&'static str),
}

/// What a comparison has found.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The projection.
    pub projection: &'static str,
    /// The generation of its rows.
    pub generation: u32,
    /// At which position.
    pub position: Position,
    /// How many rows the view has.
    pub rows: u64,
    /// How many streams are set aside in it, and were left out.
    pub parked: usize,
    /// What is not the same.
    pub differences: Differences,
}

/// Compares.
#[derive(Debug, Clone)]
pub struct Verifier {
    store: Arc<dyn Store>,
    views: Views,
    clock: Arc<dyn Clock>,
    max_rate: Option<NonZeroU32>,
}

impl Verifier {
    /// Compares `views` with `store`.
    pub fn new(store: Arc<dyn Store>, views: Views, clock: Arc<dyn Clock>) -> Self {
        Self { store, views, clock, max_rate: None }
    }

    /// Reads at most so many events a second.
    pub fn at_most(self, max_rate: Option<NonZeroU32>) -> Self {
        Self { max_rate, ..self }
    }

    /// Compares the living rows of each of these projections with a fold of the log of its own, and notes what was found.
    /// Those whose rows are of another version are left out.
    pub async fn verify(&self, projections: &[&'static Projection]) -> Result<Vec<Verified>, VerifyError> {
        let mut folds = vec![];
        for projection in projections {
            if let Some(snapshot) = self.views.snapshot(projection, None).await? {
                folds.push((*projection, LogFold::new(projection, snapshot.parked()), snapshot.position()));
            }
        }
        self.fold(&mut folds).await?;
        let mut all = vec![];
        for (projection, fold, _) in folds {
            let Some(verified) = self.finish(projection, None, fold).await? else { continue };
            self.views.note(&self.verification(&verified)).await?;
            all.push(verified);
        }
        Ok(all)
    }

    /// Compares the living rows of these projections so often until `stop`, and tells what it finds.
    pub async fn run_every(
        self,
        every: Duration,
        projections: Vec<&'static Projection>,
        stop: CancellationToken,
    ) {
        loop {
            if stop.run_until_cancelled(sleep(every)).await.is_none() {
                return;
            }
            match stop.run_until_cancelled(self.verify(&projections)).await {
                None => return,
                Some(Ok(all)) => all.iter().for_each(tell),
                Some(Err(error)) => {
                    tracing::warn!(%error, "the read models could not be compared with the log");
                }
            }
        }
    }

    /// Compares the rows of one generation, and notes nothing; none when it is not there.
    pub async fn verify_generation(
        &self,
        projection: &'static Projection,
        number: Option<u32>,
    ) -> Result<Option<Verified>, VerifyError> {
        let Some(snapshot) = self.views.snapshot(projection, number).await? else { return Ok(None) };
        let (fold, position) = (LogFold::new(projection, snapshot.parked()), snapshot.position());
        drop(snapshot);
        let mut folds = vec![(projection, fold, position)];
        self.fold(&mut folds).await?;
        let Some((_, fold, _)) = folds.pop() else { return Ok(None) };
        self.finish(projection, number, fold).await
    }

    /// Compares with the rows as they are now, which are further than the fold by what happened meanwhile: the moment is
    /// kept only for as long as that takes.
    async fn finish(
        &self,
        projection: &'static Projection,
        number: Option<u32>,
        mut fold: LogFold,
    ) -> Result<Option<Verified>, VerifyError> {
        for _ in 0..ATTEMPTS {
            let Some(snapshot) = self.views.snapshot(projection, number).await? else { return Ok(None) };
            if !fold.fits(snapshot.parked()) || fold.position() > snapshot.position() {
                let (parked, position) = (LogFold::new(projection, snapshot.parked()), snapshot.position());
                drop(snapshot);
                let mut folds = vec![(projection, parked, position)];
                self.fold(&mut folds).await?;
                if let Some((_, again, _)) = folds.pop() {
                    fold = again;
                }
                continue;
            }
            fold.leave_out(snapshot.parked());
            let mut folds = vec![(projection, fold, snapshot.position())];
            self.fold(&mut folds).await?;
            let Some((_, fold, _)) = folds.pop() else { return Ok(None) };
            return compare(projection, snapshot, &fold).await.map(Some);
        }
        Err(VerifyError::Unsteady(projection.name))
    }

    /// Folds the log, for each up to its position.
    async fn fold(&self, folds: &mut [(&'static Projection, LogFold, Position)]) -> Result<(), VerifyError> {
        let Some(from) = folds.iter().map(|(_, fold, _)| fold.position()).min() else { return Ok(()) };
        let end = folds.iter().map(|(_, _, end)| *end).max().unwrap_or(from);
        let projections: Vec<_> = folds.iter().map(|(projection, _, _)| *projection).collect();
        let limit =
            self.max_rate.map_or(PAGE, |rate| usize::try_from(rate.get()).unwrap_or(PAGE).clamp(1, PAGE));
        let mut reader = Reader::start(Arc::clone(&self.store), &projections, from, end, limit);
        let (began, mut events, mut reached) = (stopwatch(), 0_u64, from);
        while let Some(page) = reader.next().await {
            let page = page?;
            for (_, fold, end) in folds.iter_mut() {
                fold.take(&page.entries, page.end, *end);
            }
            reached = page.end;
            events += page.events;
            if let Some(pause) = pause(self.max_rate, events, began.elapsed()) {
                sleep(pause).await;
            }
        }
        match folds.iter().find(|(_, _, end)| *end > reached) {
            Some((projection, _, view)) => {
                Err(VerifyError::Ahead { projection: projection.name, view: *view, log: reached })
            }
            None => Ok(()),
        }
    }

    fn verification(&self, verified: &Verified) -> Verification {
        Verification {
            projection: verified.projection.into(),
            generation: verified.generation,
            position: verified.position,
            checked_at: self.clock.now(),
            differences: verified.differences.count,
        }
    }
}

fn tell(verified: &Verified) {
    let (projection, position, differences) =
        (verified.projection, verified.position.0, verified.differences.count);
    if differences == 0 {
        tracing::debug!(projection, position, "the read model is what the log makes it");
    } else {
        tracing::error!(projection, position, differences, "the read model is not what the log makes it");
    }
}

async fn compare(
    projection: &'static Projection,
    snapshot: Snapshot,
    fold: &LogFold,
) -> Result<Verified, VerifyError> {
    let (generation, position) = (snapshot.generation().number, snapshot.position());
    let parked = snapshot.parked().len();
    let (rows, differences) = snapshot.compare(fold).await?;
    Ok(Verified { projection: projection.name, generation, position, rows, parked, differences })
}

/// How long to rest after so many events in so much time, in order not to exceed a rate.
pub(super) fn pause(max_rate: Option<NonZeroU32>, events: u64, elapsed: Duration) -> Option<Duration> {
    let micros = events.saturating_mul(1_000_000) / u64::from(max_rate?.get());
    Duration::from_micros(micros).checked_sub(elapsed)
}

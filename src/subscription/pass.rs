//! One pass over the log for all rows that are built in it: fold, save, and what is left at the end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use muster_events::stream::Position;
use muster_projections::views::{Building, Saved, State};
use tokio::{task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    entries::{PAGE, Page, Reader},
    rebuild::{Ended, NEAR, Progress, Rebuild, RebuildError, Rebuilt},
    reports,
    verify::pause,
};
use crate::{clock::stopwatch, store::StoreError};

/// The longest time between two saves: what a rebuild that is killed has to do again.
const SAVE_EVERY: Duration = Duration::from_secs(20);

/// One pass.
pub(super) struct Pass<'a> {
    rebuild: &'a Rebuild,
    stop: &'a CancellationToken,
    began: Instant,
    saved: Instant,
    events: u64,
}

impl<'a> Pass<'a> {
    /// Nothing is read yet.
    pub(super) fn new(rebuild: &'a Rebuild, stop: &'a CancellationToken) -> Self {
        let began = stopwatch();
        Self { rebuild, stop, began, saved: began, events: 0 }
    }
}

impl Pass<'_> {
    /// Builds all of them. What is not at its end when this returns is left in `buildings`.
    pub(super) async fn all(&mut self, buildings: &mut Vec<Building>) -> Result<Vec<Rebuilt>, RebuildError> {
        let is_begun = |building: &Building| building.state() != State::Following;
        if buildings.iter().any(is_begun) {
            self.catch_up(buildings).await?;
        }
        let mut rebuilt = vec![];
        while !buildings.is_empty() && !self.stop.is_cancelled() {
            let mut one = vec![buildings.remove(0)];
            let ended = self.finish(&mut one).await;
            // Given up with the others, unless it lives.
            buildings.extend(one);
            rebuilt.push(match ended? {
                Some(done) => {
                    buildings.pop();
                    done
                }
                None => break,
            });
        }
        rebuilt.extend(buildings.iter().map(|left| Rebuilt::of(left, Ended::Paused)));
        Ok(rebuilt)
    }

    /// Indexes, the last events, and the switch. None when it was told to stop before.
    async fn finish(&mut self, one: &mut Vec<Building>) -> Result<Option<Rebuilt>, RebuildError> {
        if let [building] = one.as_slice() {
            self.rebuild.views.index(building).await?;
            if building.state() != State::Following {
                self.catch_up(one).await?;
            }
        }
        if self.stop.is_cancelled() {
            return Ok(None);
        }
        match one.as_mut_slice() {
            [building] => self.rebuild.settle(building, self.stop).await,
            _ => Ok(None),
        }
    }

    /// Folds and saves until little is left, or until it is told to stop.
    async fn catch_up(&mut self, buildings: &mut Vec<Building>) -> Result<(), RebuildError> {
        loop {
            let head = self.rebuild.store.head().await?.position;
            let from =
                buildings.iter().filter(|of| of.state() != State::Following).map(Building::position).min();
            let Some(from) = from else { return Ok(()) };
            if head.0.saturating_sub(from.0) <= NEAR {
                return self.save(buildings).await;
            }
            self.fold(buildings, from, head).await?;
            self.save(buildings).await?;
            if self.stop.is_cancelled() {
                return Ok(());
            }
        }
    }

    async fn fold(
        &mut self,
        buildings: &mut Vec<Building>,
        from: Position,
        head: Position,
    ) -> Result<(), RebuildError> {
        let rebuild = self.rebuild;
        let projections: Vec<_> = buildings.iter().map(Building::projection).collect();
        let mut reader = Reader::start(Arc::clone(&rebuild.store), &projections, from, head, rebuild.page);
        loop {
            let page = tokio::select! {
                page = reader.next() => page,
                () = self.stop.cancelled() => return Ok(()),
            };
            let Some(page) = page else { return Ok(()) };
            let page = page?;
            self.take(buildings, page, head).await?;
            let unsaved: usize = buildings.iter().map(Building::unsaved).sum();
            if unsaved >= rebuild.most_rows || self.saved.elapsed() >= SAVE_EVERY {
                self.save(buildings).await?;
            }
            if let Some(pause) = pause(rebuild.max_rate, self.events, self.began.elapsed()) {
                tokio::select! {
                    () = sleep(pause) => {}
                    () = self.stop.cancelled() => return Ok(()),
                }
            }
        }
    }

    /// Folds a page on a thread that may work for a while.
    async fn take(
        &mut self,
        buildings: &mut Vec<Building>,
        page: Page,
        head: Position,
    ) -> Result<(), RebuildError> {
        let (end, events) = (page.end, page.events);
        let mut taking = std::mem::take(buildings);
        let taken = spawn_blocking(move || {
            for building in taking.iter_mut().filter(|of| of.state() != State::Following) {
                building.take(&page.entries, page.end);
            }
            taking
        });
        *buildings =
            taken.await.map_err(|error| StoreError::Unavailable(format!("the fold was cut off: {error}")))?;
        self.events += events;
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = self.events.saturating_mul(1_000) / millis;
        self.rebuild.progress.send_replace(Progress { position: end, head, rate });
        reports::rebuild(buildings.iter().map(|of| of.projection().name), events, end, head);
        Ok(())
    }

    async fn save(&mut self, buildings: &mut [Building]) -> Result<(), RebuildError> {
        for building in buildings.iter_mut().filter(|of| of.saved() < of.position()) {
            let name = building.projection().name;
            match self.rebuild.views.save(building).await? {
                Saved::Saved => {}
                Saved::Lost => return Err(RebuildError::Lost(name)),
                Saved::Refused(error) => {
                    tracing::warn!(
                        projection = name,
                        error,
                        "the rebuild goes on event by event for a while"
                    );
                    self.rebuild.save_each(building).await?;
                }
            }
        }
        self.saved = stopwatch();
        Ok(())
    }
}

impl Rebuild {
    /// Carries out one by one what was folded and is refused as a whole.
    async fn save_each(&self, building: &mut Building) -> Result<(), RebuildError> {
        let (end, projection) = (building.position(), building.projection());
        self.views.forget_folded(building).await?;
        let store = Arc::clone(&self.store);
        let limit = usize::try_from(NEAR).unwrap_or(PAGE);
        let mut reader = Reader::start(store, &[projection], building.saved(), end, limit);
        while let Some(page) = reader.next().await {
            let page = page?;
            if !self.views.save_each(building, &page.entries, page.end).await? {
                return Err(RebuildError::Lost(projection.name));
            }
        }
        Ok(())
    }
}

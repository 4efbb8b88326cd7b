//! Rows of older versions are built anew in the background, while the old ones are read.

use std::time::{Duration, Instant};

use muster_projections::projection::Projection;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::rebuild::{Rebuild, RebuildError};
use crate::clock::stopwatch;

/// How long to wait before it is tried again, because another process does it or something was in the way.
const REST: Duration = Duration::from_secs(5);

/// A rebuild that runs by itself.
#[derive(Debug, Default)]
pub(super) struct Renewal {
    task: Option<JoinHandle<()>>,
    began: Option<Instant>,
    stop: CancellationToken,
}

impl Renewal {
    /// Begins, where none is under way and the last one has not just been tried.
    pub(super) fn begin(&mut self, projections: &[&'static Projection], rebuild: impl FnOnce() -> Rebuild) {
        let rests = self.began.is_some_and(|began| began.elapsed() < REST);
        if projections.is_empty() || self.task.is_some() || rests {
            return;
        }
        let (projections, rebuild, stop) = (projections.to_vec(), rebuild(), self.stop.clone());
        self.began = Some(stopwatch());
        self.task = Some(tokio::spawn(async move {
            for projection in &projections {
                tracing::info!(
                    projection = projection.name,
                    version = projection.version,
                    "rows of an older version are read until those of this one are built"
                );
            }
            match rebuild.run(&projections, &stop).await {
                Ok(all) => tracing::info!(projections = all.len(), "read models were rebuilt"),
                Err(error @ RebuildError::Busy { .. }) => tracing::debug!(%error, "another process rebuilds"),
                Err(error) => tracing::warn!(%error, "the read models could not be rebuilt; trying again"),
            }
        }));
    }

    /// Whether one has ended since this was asked last.
    pub(super) fn has_ended(&mut self) -> bool {
        self.task.take_if(|task| task.is_finished()).is_some()
    }

    /// Stops what is under way, which another process goes on with.
    pub(super) async fn end(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::warn!(%error, "the rebuild of read models ended badly");
        }
    }
}

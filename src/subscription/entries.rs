//! The log as projections are given it, read ahead by a task of its own.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::{
    FutureExt as _, StreamExt as _,
    stream::{self, BoxStream},
};
use muster_events::stream::Position;
use muster_projections::projection::{LogEntry, Projection};

use crate::store::{Scan, ScannedEvent, Store, StoreError, StoredEvent};

/// Most events that are read at once for who reads a long stretch.
pub(super) const PAGE: usize = 10_000;
/// Pages that are read ahead, side by side.
const AHEAD: usize = 3;

impl From<&StoredEvent> for LogEntry {
    fn from(stored: &StoredEvent) -> Self {
        Self {
            position: stored.position,
            stream: stored.stream.clone(),
            sequence: stored.sequence,
            recorded_at: stored.recorded_at,
            organization: stored.organization,
            event: stored.event().map_err(|error| error.to_string()),
        }
    }
}

fn entry(scanned: ScannedEvent) -> LogEntry {
    LogEntry {
        position: scanned.position,
        stream: scanned.stream,
        sequence: scanned.sequence,
        recorded_at: scanned.recorded_at,
        organization: scanned.organization,
        event: scanned.event.map_err(|error| error.to_string()),
    }
}

/// A stretch of the log.
#[derive(Debug)]
pub(super) struct Page {
    /// Its last position.
    pub(super) end: Position,
    /// How long it is.
    pub(super) events: u64,
    /// Those that one of the projections takes, decoded.
    pub(super) entries: Vec<LogEntry>,
}

/// Reads and decodes the log ahead of who asks for it: while one page is taken, the next are read.
pub(super) struct Reader {
    pages: BoxStream<'static, Result<Page, StoreError>>,
}

impl Reader {
    /// Reads everything after `after` up to `end`, for who wants the events of these projections, at most `limit` at
    /// once.
    pub(super) fn start(
        store: Arc<dyn Store>,
        projections: &[&'static Projection],
        after: Position,
        end: Position,
        limit: usize,
    ) -> Self {
        let aggregates: BTreeSet<_> = projections.iter().flat_map(|of| of.aggregates).copied().collect();
        let aggregates: Vec<_> = aggregates.into_iter().collect();
        let limit = limit.max(1);
        let pages = stream::iter((after.0..end.0).step_by(limit)).map(move |after| {
            let up_to = after.saturating_add(u64::try_from(limit).unwrap_or(u64::MAX)).min(end.0);
            let (store, aggregates) = (Arc::clone(&store), aggregates.clone());
            let scan = Scan { after: Position(after), up_to: Position(up_to), aggregates };
            // On a task of its own, which goes on while nobody asks.
            let scanned = tokio::spawn(async move {
                let entries = store.scan(scan).await?.into_iter().map(entry).collect();
                Ok(Page { end: Position(up_to), events: up_to - after, entries })
            });
            let cut_off = |error| Err(StoreError::Unavailable(format!("the read was cut off: {error}")));
            scanned.map(move |page| page.unwrap_or_else(cut_off))
        });
        Self { pages: pages.buffered(AHEAD).boxed() }
    }

    /// The next page; none at the end.
    pub(super) async fn next(&mut self) -> Option<Result<Page, StoreError>> {
        self.pages.next().await
    }
}

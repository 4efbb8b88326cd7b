//! The log as projections are given it, read ahead by a task of its own.

use std::{collections::BTreeSet, iter, sync::Arc};

use futures_util::{StreamExt as _, stream};
use muster_events::stream::Position;
use muster_projections::{projection::LogEntry, projection::Projection};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::store::{Scan, ScannedEvent, Store, StoreError, StoredEvent};

/// Most events that are read at once for who reads a long stretch.
pub(super) const PAGE: usize = 10_000;
/// Pages that are read ahead.
const AHEAD: usize = 2;

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

/// The log from `after` to `end` in pieces of `limit` positions: after which one, up to which one.
fn stretches(after: Position, end: Position, limit: usize) -> impl Iterator<Item = (Position, Position)> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
    let next = move |after: &Position| Some(Position(after.0.saturating_add(limit)).min(end));
    let starts = iter::successors(Some(after), next).take_while(move |after| *after < end);
    starts.map(move |after| (after, Position(after.0.saturating_add(limit)).min(end)))
}

/// Reads and decodes the log ahead of who asks for it.
#[derive(Debug)]
pub(super) struct Reader {
    pages: mpsc::Receiver<Result<Page, StoreError>>,
    task: JoinHandle<()>,
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
        let (send, pages) = mpsc::channel(AHEAD);
        let aggregates: BTreeSet<_> = projections.iter().flat_map(|of| of.aggregates).copied().collect();
        let aggregates: Vec<_> = aggregates.into_iter().collect();
        let task = tokio::spawn(async move {
            let mut stretches = stream::iter(stretches(after, end, limit))
                .map(|(after, up_to)| {
                    let scan = Scan { after, up_to, aggregates: aggregates.clone() };
                    let store = Arc::clone(&store);
                    // On tasks of their own: one is decoded while the next is read.
                    let scanned = tokio::spawn(async move { store.scan(scan).await });
                    async move {
                        let cut_off =
                            |error| StoreError::Unavailable(format!("the read was cut off: {error}"));
                        let entries = scanned.await.map_err(cut_off)??.into_iter().map(entry).collect();
                        Ok(Page { end: up_to, events: up_to.0.saturating_sub(after.0), entries })
                    }
                })
                .buffered(AHEAD);
            while let Some(page) = stretches.next().await {
                let is_last = page.is_err();
                if send.send(page).await.is_err() || is_last {
                    return;
                }
            }
        });
        Self { pages, task }
    }

    /// The next page; none at the end.
    pub(super) async fn next(&mut self) -> Option<Result<Page, StoreError>> {
        self.pages.recv().await
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

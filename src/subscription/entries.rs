//! The log as projections are given it, read ahead by a task of its own.

use std::sync::Arc;

use muster_events::stream::Position;
use muster_projections::{projection::LogEntry, projection::Projection};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
};

use crate::store::{Store, StoreError, StoredEvent};

/// Most events that are read at once for who reads a long stretch.
pub(super) const PAGE: usize = 10_000;
/// Pages that are read ahead.
const AHEAD: usize = 2;

/// An event, decoded.
pub(super) fn entry(stored: &StoredEvent) -> LogEntry {
    given(stored, stored.recorded().map_err(|error| error.to_string()))
}

fn given(stored: &StoredEvent, event: Result<muster_events::recorded::RecordedEvent, String>) -> LogEntry {
    LogEntry {
        position: stored.position,
        stream: stored.stream.clone(),
        sequence: stored.sequence,
        recorded_at: stored.recorded_at,
        organization: stored.organization,
        event,
    }
}

/// A stretch of the log.
#[derive(Debug)]
pub(super) struct Page {
    /// Its last position.
    pub(super) end: Position,
    /// How many events it has.
    pub(super) events: usize,
    /// Those that one of the projections takes, decoded.
    pub(super) entries: Vec<LogEntry>,
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
        projections: Vec<&'static Projection>,
        after: Position,
        end: Position,
        limit: usize,
    ) -> Self {
        let (send, pages) = mpsc::channel(AHEAD);
        let task = tokio::spawn(async move {
            let mut after = after;
            while after < end {
                let page = match store.read_all(after, limit).await {
                    Ok(stored) if stored.is_empty() => return,
                    Ok(stored) => decode(stored, projections.clone(), end).await,
                    Err(error) => Err(error),
                };
                let ends = page.as_ref().map_or(end, |page| page.end);
                if send.send(page).await.is_err() {
                    return;
                }
                after = ends;
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

/// Decodes on a thread that may work for a while.
async fn decode(
    mut stored: Vec<StoredEvent>,
    projections: Vec<&'static Projection>,
    end: Position,
) -> Result<Page, StoreError> {
    let decoded = spawn_blocking(move || {
        stored.retain(|event| event.position <= end);
        let is_wanted = |event: &&StoredEvent| projections.iter().any(|of| of.takes(&event.stream));
        Page {
            end: stored.last().map_or(end, |last| last.position),
            events: stored.len(),
            entries: stored.iter().filter(is_wanted).map(entry).collect(),
        }
    });
    decoded.await.map_err(|error| StoreError::Unavailable(format!("the read was cut off: {error}")))
}

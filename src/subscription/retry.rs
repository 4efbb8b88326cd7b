//! Giving read models the events of a stream that they had set aside.

use muster_events::stream::Sequence;
use muster_projections::{
    projection::{LogEntry, Projection},
    views::{ParkedStream, Retried, Views},
};

use super::CatchUpError;
use crate::store::Store;

/// Events that are read at once.
const PAGE: usize = 1_000;
/// How often it is tried again because more of the stream came meanwhile.
const ATTEMPTS: usize = 10;

/// Re-runs what waits of a stream, in order, and takes it up again where that succeeds.
pub async fn retry(
    store: &dyn Store,
    views: &Views,
    projection: &'static Projection,
    parked: &ParkedStream,
) -> Result<Retried, CatchUpError> {
    let mut parked = parked.clone();
    for _ in 0..ATTEMPTS {
        let mut after = Sequence(parked.first_sequence.0.saturating_sub(1));
        let mut entries = vec![];
        loop {
            let stored = store.read_stream(&parked.stream, after, PAGE).await?;
            entries.extend(stored.iter().map(LogEntry::from));
            match stored.last() {
                Some(last) if stored.len() == PAGE => after = last.sequence,
                _ => break,
            }
        }
        match views.retry(projection, &parked, &entries).await? {
            Retried::Moved => {}
            retried => return Ok(retried),
        }
        let now = views.parked().await?;
        let is_same =
            |now: &&ParkedStream| now.projection == parked.projection && now.stream == parked.stream;
        let Some(now) = now.iter().find(is_same).cloned() else { break };
        parked = now;
    }
    Ok(Retried::Moved)
}

//! One stream for each aggregate, for the server's own tools and other programs to read: events under their own names and
//! identities, with what led to them where such programs look for it.
//!
//! They follow from the log and are written behind it, in its order, by one process at a time. Everything is repeated
//! without effect: an event has its identity and its revision, and whoever finds it there goes on.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use eventstore::EventData;
use muster_events::stream::{Position, Sequence};
use serde_json::{Map, Value, json};
use tokio::{select, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    EventStoreStore,
    server::{Appended, NewEvent, new_id},
};
use crate::store::{Lease, Store as _, StoreError, StoredEvent};

/// The name of its checkpoint.
const SUBSCRIBER: &str = "streams";
/// Events that are read at once.
const PAGE: usize = 100;
/// Bytes of one append, and of them what an event has beside its payload and metadata.
const MOST_BYTES: usize = 700 * 1024;
const FRAME_BYTES: usize = 500;
/// How often an append is tried because another process writes the same.
const ATTEMPTS: usize = 4;
/// How long another process may be silent before its work is taken over.
const TTL: Duration = Duration::from_secs(4);
/// How long it is waited for more events to be written along.
const GATHERED: Duration = Duration::from_millis(200);
/// How often it is looked whether there is work.
const POLL: Duration = Duration::from_secs(1);

impl EventStoreStore {
    /// Writes the streams of aggregates until it is told to stop; troubles are told in the log of the process, and tried
    /// again.
    pub(super) async fn publish(self: Arc<Self>, stop: CancellationToken) {
        let holder = new_id().to_string();
        let (mut commits, mut streams, mut held) = (self.commits(), Known::new(), None);
        while !stop.is_cancelled() {
            if let Err(error) = self.publish_all(&holder, &mut streams, &mut held, &stop).await {
                tracing::warn!(%error, "the streams of aggregates cannot be written now");
            }
            select! {
                () = stop.cancelled() => {}
                () = sleep(POLL) => {}
                changed = commits.changed() => match changed {
                    // Nobody waits for it, so more may come meanwhile and be written along.
                    Ok(()) => sleep(GATHERED).await,
                    Err(_) => break,
                },
            }
        }
        if let Some(lease) = held
            && let Err(error) = self.release(&lease).await
        {
            tracing::debug!(%error, "another process has to wait for the streams of aggregates");
        }
    }

    /// Writes all that is missing, if nobody else does.
    async fn publish_all(
        &self,
        holder: &str,
        streams: &mut Known,
        held: &mut Option<Lease>,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        while let Some(lease) = self.lease_streams(holder).await? {
            *held = Some(lease.clone());
            let events = self.read_all(lease.checkpoint, PAGE).await?;
            let Some(last) = events.last() else { return Ok(()) };
            for run in events.chunk_by(|one, next| one.stream == next.stream) {
                let holds = self.lease_streams(holder).await?.is_some_and(|now| now.epoch == lease.epoch);
                if !holds || stop.is_cancelled() {
                    return Ok(());
                }
                for part in parts(run, MOST_BYTES) {
                    self.publish_part(part, streams).await?;
                }
            }
            if !self.advance(&lease, last.position).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The lease of this work; a new one begins with the first event.
    async fn lease_streams(&self, holder: &str) -> Result<Option<Lease>, StoreError> {
        let head = || async { Ok(self.head().await?.position) };
        let (incarnation, begin) = (self.incarnation(), Some(Position::ZERO));
        self.subscribers.lease(&self.server, incarnation, (SUBSCRIBER, holder), TTL, begin, head).await
    }

    /// Appends events that follow each other in one stream, unless they are there. A stream that another program wrote to,
    /// or that was ended, is given up: what is ours is in the log, and the other streams do not wait.
    async fn publish_part(&self, part: &[StoredEvent], streams: &mut Known) -> Result<(), StoreError> {
        let Some(first) = part.first() else { return Ok(()) };
        let stream = self.server.streams.of_aggregate(&first.stream);
        let is_ours = match streams.get(&stream) {
            Some(is_ours) => *is_ours,
            None => self.is_ours_before(&stream, first).await?,
        };
        let is_ours = is_ours && self.is_published(&stream, part).await?;
        if !is_ours && streams.get(&stream) != Some(&false) {
            let position = first.position.0;
            tracing::error!(
                stream,
                position,
                "another program wrote to this stream, or ended it: it gets no more of our events"
            );
        }
        streams.insert(stream, is_ours);
        Ok(())
    }

    /// Whether what stands before an event in its stream is the event that is before it in the log.
    async fn is_ours_before(&self, stream: &str, event: &StoredEvent) -> Result<bool, StoreError> {
        let Some(before) = event.sequence.0.checked_sub(2) else { return Ok(true) };
        let ours = self.mirror.read_stream(&event.stream, Sequence(before), 1).await?;
        let there = self.server.read(stream, before, 1).await?;
        Ok(ours.first().map(|ours| ours.event_id) == there.first().map(|there| there.id))
    }

    /// Appends what is missing of a part; false when that is not possible, because something else is there.
    async fn is_published(&self, stream: &str, part: &[StoredEvent]) -> Result<bool, StoreError> {
        let mut new = Vec::with_capacity(part.len());
        for event in part {
            new.push(published(event).map_err(|error| {
                StoreError::Damaged(format!("the event at position {} is no JSON: {error}", event.position))
            })?);
        }
        let Some(before) = part.first().map(|first| first.sequence.0.saturating_sub(1)) else {
            return Ok(true);
        };
        let (mut there, mut at_once, mut attempts) = (0, new.len(), 0);
        while attempts < ATTEMPTS {
            let missing = &new[there..new.len().min(there + at_once)];
            if missing.is_empty() {
                return Ok(true);
            }
            match self.server.append(stream, before + there as u64, missing).await {
                Ok(Appended::Yes) => {
                    there += missing.len();
                    continue;
                }
                Ok(Appended::Closed) => return Ok(false),
                Ok(Appended::Conflict) => attempts += 1,
                // A server may take less at once than is usual.
                Err(StoreError::TooLarge(_)) if missing.len() > 1 => {
                    at_once = missing.len().div_ceil(2);
                    continue;
                }
                Err(error) => return Err(error),
            }
            let found = self.server.read(stream, before, new.len()).await?;
            if found.iter().zip(&new).any(|(found, new)| found.id != new.id) {
                return Ok(false);
            }
            there = found.len();
        }
        Ok(false)
    }
}

/// The streams that were looked at, and whether they have our events and no others.
type Known = BTreeMap<String, bool>;

/// Events in parts of so many bytes at most, small enough for one append.
pub(super) fn parts(run: &[StoredEvent], most_bytes: usize) -> Vec<&[StoredEvent]> {
    let (mut parts, mut begin, mut bytes) = (vec![], 0, 0);
    for (end, event) in run.iter().enumerate() {
        let more = event.payload.len() + event.metadata.len() + FRAME_BYTES;
        if end > begin && bytes + more > most_bytes {
            parts.push(&run[begin..end]);
            (begin, bytes) = (end, 0);
        }
        bytes += more;
    }
    parts.push(&run[begin..]);
    parts
}

/// An event as other programs read it: its payload, sealed where it is a person's; as metadata its own with its place in
/// the log, and the two that the server's tools know.
fn published(event: &StoredEvent) -> serde_json::Result<NewEvent> {
    let payload: Value = serde_json::from_str(&event.payload)?;
    let mut metadata: Map<String, Value> = serde_json::from_str(&event.metadata)?;
    for (conventional, own) in [("$correlationId", "correlation_id"), ("$causationId", "causation_id")] {
        if let Some(id) = metadata.get(own).filter(|id| !id.is_null()).cloned() {
            metadata.insert(conventional.to_owned(), id);
        }
    }
    metadata.insert(
        "muster".to_owned(),
        json!({
            "position": event.position,
            "sequence": event.sequence,
            "schemaVersion": event.schema_version,
            "recordedAt": event.recorded_at,
            "organization": event.organization,
            "leaf": hex::encode(event.leaf),
        }),
    );
    let data = EventData::json(&event.event_type, &payload)?;
    Ok(NewEvent::new(event.event_id, data.metadata_as_json(&metadata)?))
}

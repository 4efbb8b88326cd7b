//! One stream for each aggregate, for the server's own tools and other programs to read: events under their own names and
//! identities, with what led to them where such programs look for it.
//!
//! They follow from the log and are written behind it, in its order, by one process at a time. Everything is repeated
//! without effect: an event has its identity and its revision, and whoever finds it there goes on.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use eventstore::EventData;
use muster_events::stream::{Position, Sequence};
use serde_json::{Map, Value, json};
use tokio::{select, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    EventStoreStore,
    server::{Appended, NewEvent},
};
use crate::{
    clock::{Clock as _, SystemClock, event_id},
    store::{Lease, Store as _, StoreError, StoredEvent},
};

/// The name of its checkpoint.
pub(super) const SUBSCRIBER: &str = "streams";
/// Events that are read at once.
const PAGE: usize = 500;
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
        let holder = event_id(SystemClock.now()).to_string();
        let (mut commits, mut given_up) = (self.commits(), BTreeSet::new());
        while !stop.is_cancelled() {
            if let Err(error) = self.publish_all(&holder, &mut given_up, &stop).await {
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
        if let Ok(Some(lease)) = self.lease_streams(&holder, Duration::ZERO).await
            && let Err(error) = self.release(&lease).await
        {
            tracing::debug!(%error, "another process has to wait for the streams of aggregates");
        }
    }

    /// Writes all that is missing, if nobody else does.
    async fn publish_all(
        &self,
        holder: &str,
        given_up: &mut BTreeSet<String>,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        while let Some(lease) = self.lease_streams(holder, TTL).await? {
            let events = self.read_all(lease.checkpoint, PAGE).await?;
            let Some(last) = events.last() else { return Ok(()) };
            for run in events.chunk_by(|one, next| one.stream == next.stream) {
                if stop.is_cancelled() {
                    return Ok(());
                }
                self.publish_run(run, given_up).await?;
            }
            if !self.advance(&lease, last.position).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The lease of this work; a new one begins with the first event.
    async fn lease_streams(&self, holder: &str, ttl: Duration) -> Result<Option<Lease>, StoreError> {
        let beginning = || async { Ok(Position::ZERO) };
        self.subscribers.lease(&self.server, self.incarnation(), (SUBSCRIBER, holder), ttl, beginning).await
    }

    /// Appends events that follow each other in one stream, unless they are there. A stream that another program wrote to is
    /// given up: what is ours is in the log, and the other streams do not wait.
    async fn publish_run(
        &self,
        run: &[StoredEvent],
        given_up: &mut BTreeSet<String>,
    ) -> Result<(), StoreError> {
        let Some(first) = run.first() else { return Ok(()) };
        let stream = self.server.streams.of_aggregate(&first.stream);
        if given_up.contains(&stream) {
            return Ok(());
        }
        let mut events = Vec::with_capacity(run.len());
        for event in run {
            events.push(published(event).map_err(|error| {
                StoreError::Damaged(format!("the event at position {} is no JSON: {error}", event.position))
            })?);
        }
        let after = first.sequence.0.saturating_sub(1);
        if self.server.append(&stream, after, &events).await? == Appended::Yes {
            return Ok(());
        }
        if !self.publish_rest(&stream, run, &events).await? {
            let position = first.position.0;
            tracing::error!(
                stream,
                position,
                "another program wrote to this stream: it has no more of our events"
            );
            given_up.insert(stream);
        }
        Ok(())
    }

    /// The stream does not end where the first event follows: what is there is to be these events, and the rest goes
    /// behind. False when something else is there.
    async fn publish_rest(
        &self,
        stream: &str,
        run: &[StoredEvent],
        events: &[NewEvent],
    ) -> Result<bool, StoreError> {
        let Some(Sequence(first)) = run.first().map(|event| event.sequence) else { return Ok(true) };
        let there = self.server.read(stream, first.saturating_sub(1), run.len()).await?;
        let differs = run.iter().zip(&there).any(|(event, there)| event.event_id != there.id);
        if differs {
            return Ok(false);
        }
        let (rest, events) = (&run[there.len()..], &events[there.len()..]);
        let Some(next) = rest.first() else { return Ok(true) };
        Ok(self.server.append(stream, next.sequence.0 - 1, events).await? == Appended::Yes)
    }
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

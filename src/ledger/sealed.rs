//! From what was decided to what is stored: personal values sealed, payloads and metadata written down.

use std::sync::Arc;

use muster_events::{
    event::Event,
    personal::Personal,
    recorded::{Actor, ActorKind, Metadata},
    stream::StreamId,
};

use super::{CommandMeta, Ledger, unit::Staged};
use crate::{
    clock::event_id,
    sealing::SealingError,
    store::{KeyedOutcome, NewEvent, StreamWrite},
};

impl Ledger {
    /// The writes of one append. Keys that it needs are durable before it returns.
    pub(super) async fn seal(
        &self,
        staged: Vec<Staged>,
        meta: &CommandMeta,
        key: Option<&KeyedOutcome>,
    ) -> Result<Vec<StreamWrite>, SealingError> {
        if staged.is_empty() {
            return Ok(vec![]);
        }
        let metadata: Arc<str> = self.metadata(meta, key).await?.into();
        let actor = Arc::new(meta.actor.clone());
        let mut writes = Vec::with_capacity(staged.len());
        for Staged { stream, expected, organization, events, .. } in staged {
            let mut sealed = Vec::with_capacity(events.len());
            for event in events {
                let (event, payload) = self.write_down(&stream, event).await?;
                sealed.push(NewEvent {
                    event_id: event_id(self.clock().now()),
                    organization,
                    event: Arc::new(event),
                    payload,
                    metadata: Arc::clone(&metadata),
                    actor: Arc::clone(&actor),
                });
            }
            writes.push(StreamWrite { stream, expected, events: sealed });
        }
        Ok(writes)
    }

    async fn write_down(&self, stream: &StreamId, mut event: Event) -> Result<(Event, String), SealingError> {
        self.keys().seal_event(stream, &mut event).await?;
        let payload = event.encode().map_err(|error| SealingError::Unavailable(error.to_string()))?;
        Ok((event, payload))
    }

    /// The metadata as JSON. Address and program of the caller are a person's, and kept only where he can have
    /// them erased.
    async fn metadata(&self, meta: &CommandMeta, key: Option<&KeyedOutcome>) -> Result<String, SealingError> {
        let mut metadata = Metadata {
            actor: meta.actor.clone(),
            request_id: meta.request_id.clone(),
            correlation_id: meta.correlation_id.clone(),
            causation_id: meta.causation_id,
            idempotency_key: key.map(|key| key.key.as_str().into()),
            ip: meta.ip.clone(),
            user_agent: None,
        };
        if let Actor { kind: ActorKind::User, id: Some(id), .. } = &meta.actor
            && let Ok(user) = id.parse()
        {
            metadata.user_agent = meta.user_agent.clone().map(|agent| Personal::open(agent, None));
            self.keys().seal_metadata(&mut metadata, user).await?;
        } else {
            metadata.ip = metadata.ip.filter(|ip| ip.envelope().is_some());
        }
        serde_json::to_string(&metadata).map_err(|error| SealingError::Unavailable(error.to_string()))
    }
}

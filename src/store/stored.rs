//! What is read of the log.

use std::sync::Arc;

use muster_events::{
    event::{DecodeError, Event},
    id::OrganizationId,
    recorded::{Metadata, RecordedEvent},
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use uuid::Uuid;

/// An event as it stands in the log.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Its place in the whole log.
    pub position: Position,
    /// Its identity.
    pub event_id: Uuid,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in its stream.
    pub sequence: Sequence,
    /// Stored type name.
    pub event_type: String,
    /// Stored schema version.
    pub schema_version: u32,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The organization that it belongs to.
    pub organization: Option<OrganizationId>,
    /// The payload as stored, sealed.
    pub payload: Arc<str>,
    /// The metadata as stored, sealed.
    pub metadata: Arc<str>,
    /// SHA-256 over all of the above but the position; see [`leaf`](super::leaf).
    pub leaf: [u8; 32],
    /// The event, where it need not be decoded because this process has just appended it.
    pub decoded: Option<Arc<Event>>,
}

impl StoredEvent {
    /// The event, decoded.
    pub fn event(&self) -> Result<Arc<Event>, DecodeError> {
        if let Some(event) = &self.decoded {
            return Ok(Arc::clone(event));
        }
        let kind = &self.stream.aggregate_type;
        Event::decode(kind, &self.event_type, self.schema_version, &self.payload).map(Arc::new)
    }

    /// The whole record, decoded.
    pub fn recorded(&self) -> Result<RecordedEvent, DecodeError> {
        let event = self.event()?;
        let metadata: Metadata = serde_json::from_str(&self.metadata)
            .map_err(|error| DecodeError::Malformed { event_type: self.event_type.clone(), error })?;
        Ok(RecordedEvent {
            position: self.position,
            event_id: self.event_id,
            stream: self.stream.clone(),
            sequence: self.sequence,
            recorded_at: self.recorded_at,
            organization: self.organization,
            event: Arc::unwrap_or_clone(event),
            metadata,
        })
    }
}

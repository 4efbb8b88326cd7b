//! What a log that is kept elsewhere is to the store that mirrors it: one ordered sequence of records, one for each append.
//!
//! The mirror decides; the source says whether what was decided still stands, by accepting a record only right behind the
//! last one that the mirror has seen.

use std::{fmt, sync::Arc};

use muster_events::{
    claims::ClaimChange,
    id::OrganizationId,
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{HeldClaim, KeyedOutcome, StoreError, StoredEvent};

/// How many records a source has, or a mirror has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Records(pub(crate) u64);

/// What one append did, as it is kept in the source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    /// Its identity, which stands beside it.
    #[serde(skip)]
    pub(crate) id: Uuid,
    /// When it was recorded.
    pub(crate) recorded_at: Timestamp,
    /// Its events, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) events: Vec<RecordedEvent>,
    /// What it did to the claims, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) claims: Vec<ClaimChange>,
    /// How the request with this key ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<KeyedOutcome>,
    /// Not of an append: these claims take the place of all that are held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) held: Option<Held>,
}

/// Claims that take the place of all others. They may be too many for one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Held {
    /// Whether this is the first record of them, before which all others go.
    pub(crate) is_first: bool,
    /// The claims.
    pub(crate) claims: Vec<HeldClaim>,
}

/// An event as it stands in a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RecordedEvent {
    position: Position,
    id: Uuid,
    aggregate_type: String,
    aggregate_id: String,
    sequence: Sequence,
    #[serde(rename = "type")]
    event_type: String,
    schema_version: u32,
    recorded_at: Timestamp,
    organization: Option<OrganizationId>,
    /// Who acted, for filters.
    pub(crate) actor_kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor_id: Option<String>,
    /// JSON, byte for byte as its leaf covers it.
    payload: String,
    metadata: String,
    leaf: String,
}

impl RecordedEvent {
    /// Of an event at its place, and who acted.
    pub(crate) fn new(event: &StoredEvent, actor_kind: &str, actor_id: Option<&str>) -> Self {
        Self {
            actor_kind: actor_kind.into(),
            actor_id: actor_id.map(Into::into),
            position: event.position,
            id: event.event_id,
            aggregate_type: event.stream.aggregate_type.to_string(),
            aggregate_id: event.stream.aggregate_id.to_string(),
            sequence: event.sequence,
            event_type: event.event_type.clone(),
            schema_version: event.schema_version,
            recorded_at: event.recorded_at,
            organization: event.organization,
            payload: event.payload.to_string(),
            metadata: event.metadata.to_string(),
            leaf: hex::encode(event.leaf),
        }
    }

    /// The event as it was stored.
    pub(crate) fn stored(&self) -> Result<StoredEvent, StoreError> {
        let mut leaf = [0; 32];
        hex::decode_to_slice(&self.leaf, &mut leaf).map_err(|error| {
            StoreError::Damaged(format!("the leaf at position {} is none: {error}", self.position))
        })?;
        Ok(StoredEvent {
            position: self.position,
            event_id: self.id,
            stream: StreamId::new(&self.aggregate_type, &self.aggregate_id),
            sequence: self.sequence,
            event_type: self.event_type.clone(),
            schema_version: self.schema_version,
            recorded_at: self.recorded_at,
            organization: self.organization,
            payload: Arc::from(self.payload.as_str()),
            metadata: Arc::from(self.metadata.as_str()),
            leaf,
            decoded: None,
        })
    }
}

/// What became of records that were to be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// They are there, durable.
    Yes,
    /// Nothing of them is there: the source does not end where it was seen to end.
    Moved,
}

/// Where the log is. Asked from threads that may block.
pub(crate) trait Source: fmt::Debug + Send + Sync {
    /// How many records it has.
    fn count(&self) -> Result<Records, StoreError>;

    /// How often the connection to it was lost: as long as that is the same, it was not put back to an earlier state.
    fn losses(&self) -> u64;

    /// Appends records right behind the first `after`: all of them, or none. It is known what became of them when this
    /// returns, unless it is an error.
    fn append(&self, after: Records, records: &[Record]) -> Result<Accepted, StoreError>;

    /// The records behind the first `after`, in order, at most `limit`.
    fn read(&self, after: Records, limit: usize) -> Result<Vec<Record>, StoreError>;

    /// The most bytes that one append takes.
    fn most_bytes(&self) -> usize;
}

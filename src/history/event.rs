//! The one form in which people are shown an event.

use compact_str::CompactString;
use muster_events::{
    id::OrganizationId,
    personal::Envelope,
    stream::{Position, Sequence},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Sight;
use crate::{
    sealing::{KeyRing, SealingError},
    store::StoredEvent,
};

/// What is shown in the place of a sealed value that cannot be opened though nobody erased it: its key is lost, or it
/// is damaged. `[erased]` is shown for what was erased.
pub const UNREADABLE: &str = "[unreadable]";

/// What metadata says of how a change came about, in the order in which it is shown.
const WHO_AND_WHY: [&str; 5] = ["actor", "request_id", "correlation_id", "causation_id", "idempotency_key"];
/// Always shown, null where no event was the cause.
const CAUSE: &str = "causation_id";

/// An event as people see it, as JSON in this order of fields.
///
/// Payload and metadata are what is stored, in the shape of the stored schema version, with every envelope replaced
/// by the text in it, by `[erased]`, or by [`UNREADABLE`]. What is no JSON is shown as one text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownEvent {
    /// Its place in the whole log.
    pub position: Position,
    /// Its identity.
    pub event_id: Uuid,
    /// Which kind of aggregate it happened to.
    pub aggregate_type: CompactString,
    /// Which one of that kind.
    pub aggregate_id: CompactString,
    /// Its place in its stream.
    pub sequence: Sequence,
    /// Stored type name.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Stored schema version.
    pub schema_version: u32,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The organization that it belongs to, where it belongs to one.
    pub organization: Option<OrganizationId>,
    /// What happened.
    pub payload: Value,
    /// Who asked, and how.
    pub metadata: Value,
    /// SHA-256 over what is stored, in hexadecimal digits.
    pub leaf: String,
}

impl ShownEvent {
    /// Who asked: `kind:id` or `kind`; empty when the metadata does not say.
    pub fn actor(&self) -> String {
        let part = |name: &str| self.metadata.get("actor")?.get(name)?.as_str();
        match (part("kind"), part("id")) {
            (Some(kind), Some(id)) => format!("{kind}:{id}"),
            (kind, id) => kind.or(id).unwrap_or_default().to_owned(),
        }
    }
}

/// Shows `events`; the keys for all of them are asked for at once.
pub(super) async fn show(
    keys: &KeyRing,
    events: &[StoredEvent],
    sight: Sight,
) -> Result<Vec<ShownEvent>, SealingError> {
    let mut documents = Vec::with_capacity(2 * events.len());
    for event in events {
        documents.push(parsed(&event.payload));
        documents.push(metadata(&event.metadata, sight));
    }
    let faults = keys.unseal_json(&mut documents).await?;
    if let Some(first) = faults.first() {
        tracing::warn!(values = faults.len(), %first, "sealed values cannot be read and are shown as {UNREADABLE}");
        documents.iter_mut().for_each(mark_unreadable);
    }
    let mut documents = documents.into_iter();
    let mut next = || documents.next().unwrap_or_default();
    Ok(events.iter().map(|event| shown(event, next(), next())).collect())
}

fn shown(event: &StoredEvent, payload: Value, metadata: Value) -> ShownEvent {
    ShownEvent {
        position: event.position,
        event_id: event.event_id,
        aggregate_type: event.stream.aggregate_type.clone(),
        aggregate_id: event.stream.aggregate_id.clone(),
        sequence: event.sequence,
        event_type: event.event_type.clone(),
        schema_version: event.schema_version,
        recorded_at: event.recorded_at,
        organization: event.organization,
        payload,
        metadata,
        leaf: hex::encode(event.leaf),
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// What `sight` lets be seen of metadata. What no version of this program wrote may say anything, also where a request
/// came from, and is treated as if it did.
fn metadata(text: &str, sight: Sight) -> Value {
    let mut stored = match parsed(text) {
        Value::Object(stored) => stored,
        other if sight.network_origin => return other,
        _ => return Value::String(UNREADABLE.into()),
    };
    let mut shown = Map::new();
    for name in WHO_AND_WHY {
        let value = stored.shift_remove(name).or_else(|| (name == CAUSE).then_some(Value::Null));
        if let Some(value) = value {
            shown.insert(name.into(), value);
        }
    }
    if sight.network_origin {
        shown.extend(stored);
    }
    Value::Object(shown)
}

/// Replaces the envelopes that are still there after unsealing.
fn mark_unreadable(json: &mut Value) {
    if json.is_object() && Envelope::deserialize(&*json).is_ok() {
        *json = Value::String(UNREADABLE.into());
        return;
    }
    match json {
        Value::Array(values) => values.iter_mut().for_each(mark_unreadable),
        Value::Object(fields) => fields.values_mut().for_each(mark_unreadable),
        _ => (),
    }
}

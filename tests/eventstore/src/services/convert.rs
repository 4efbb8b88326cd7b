//! Between the messages of the protocol and what the log keeps.

use std::{collections::HashMap, sync::Arc};

use prost::bytes::Bytes;
use tonic::Status;
use uuid::Uuid;

use super::refusals;
use crate::log::{Event, Proposed};
use crate::protocol::event_store::client::{
    StreamIdentifier, Uuid as ProtocolUuid,
    streams::{
        ReadResp,
        read_resp::{
            Content, ReadEvent,
            read_event::{Position, RecordedEvent},
        },
    },
    uuid::{Structured, Value},
};

const JSON: &str = "application/json";

/// The stream that a request names.
pub(super) fn stream_name(identifier: Option<StreamIdentifier>) -> Result<String, Status> {
    let identifier = identifier.ok_or_else(|| refusals::malformed("no stream"))?;
    let name = String::from_utf8(identifier.stream_name.into());
    name.ok().filter(|name| !name.is_empty()).ok_or_else(|| refusals::malformed("a stream without a name"))
}

pub(super) fn identifier(stream: &str) -> StreamIdentifier {
    StreamIdentifier { stream_name: Bytes::copy_from_slice(stream.as_bytes()) }
}

pub(super) fn event_id(id: Option<&ProtocolUuid>) -> Result<Uuid, Status> {
    match id.and_then(|id| id.value.as_ref()) {
        Some(Value::String(text)) => text.parse().map_err(|_| refusals::malformed("an id that is no UUID")),
        Some(Value::Structured(halves)) => Ok(Uuid::from_u64_pair(
            halves.most_significant_bits.cast_unsigned(),
            halves.least_significant_bits.cast_unsigned(),
        )),
        None => Err(refusals::malformed("an event without an id")),
    }
}

/// An event as proposed; the first required property that it lacks otherwise.
pub(super) fn proposed(
    id: Uuid,
    properties: &HashMap<String, String>,
    metadata: Bytes,
    data: Bytes,
) -> Result<Proposed, &'static str> {
    let event_type = properties.get("type").ok_or("type")?.clone();
    let is_json = properties.get("content-type").ok_or("content-type")? == JSON;
    Ok(Proposed { id, event_type, is_json, data, metadata })
}

/// An event as clients read it, with its id as text or as two numbers.
pub(super) fn read_event(event: &Arc<Event>, id_as_text: bool) -> ReadResp {
    let value = if id_as_text {
        Value::String(event.id.to_string())
    } else {
        let (most, least) = event.id.as_u64_pair();
        Value::Structured(Structured {
            most_significant_bits: most.cast_signed(),
            least_significant_bits: least.cast_signed(),
        })
    };
    let content_type = if event.is_json { JSON } else { "application/octet-stream" };
    let recorded = RecordedEvent {
        id: Some(ProtocolUuid { value: Some(value) }),
        stream_identifier: Some(identifier(&event.stream)),
        stream_revision: event.revision,
        prepare_position: event.position,
        commit_position: event.position,
        metadata: HashMap::from([
            ("type".into(), event.event_type.clone()),
            ("created".into(), event.created.to_string()),
            ("content-type".into(), content_type.into()),
        ]),
        custom_metadata: event.metadata.clone(),
        data: event.data.clone(),
    };
    let position = Some(Position::CommitPosition(event.position));
    content(Content::Event(ReadEvent { event: Some(recorded), link: None, position }))
}

pub(super) fn content(content: Content) -> ReadResp {
    ReadResp { content: Some(content) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_refused_without_its_type_and_without_its_content_type() {
        let missing = |properties: &[(&str, &str)]| {
            let properties =
                properties.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            proposed(Uuid::nil(), &properties, Bytes::new(), Bytes::new()).err()
        };
        assert_eq!(missing(&[("content-type", JSON)]), Some("type"));
        assert_eq!(missing(&[("type", "One")]), Some("content-type"));
        assert_eq!(missing(&[("type", "One"), ("content-type", "application/octet-stream")]), None);
    }

    #[test]
    fn ids_come_as_text_and_as_two_numbers() {
        let id = Uuid::from_u128(0xf000_0000_0000_0001_8000_0000_0000_0002);
        let (most, least) = id.as_u64_pair();
        let halves = Structured {
            most_significant_bits: most.cast_signed(),
            least_significant_bits: least.cast_signed(),
        };
        for value in [Value::String(id.to_string()), Value::Structured(halves)] {
            assert_eq!(event_id(Some(&ProtocolUuid { value: Some(value) })).unwrap(), id);
        }
        assert!(event_id(None).is_err());
    }
}

//! The leaf of an event, a digest of all that is stored of it, and the running digest of all leaves.
//!
//! A leaf is SHA-256 over ten fields, in this order: event id, aggregate type, aggregate id, sequence, type, schema
//! version, recorded-at in microseconds since 1970, organization, payload, metadata. Each field is its length in
//! bytes as an unsigned 64-bit little-endian integer, then its bytes. Texts are UTF-8, as stored. Numbers are
//! decimal text in shortest form, with `-` before a negative one. The event id is its hyphenated lower-case form. A
//! missing organization is the length 2^64 - 1 with no bytes after it, which no text can have.
//!
//! The position is left out, so that a log keeps its leaves when it is copied into another store.

use std::fmt;

use compact_str::ToCompactString;
use sha2::{Digest, Sha256};

use super::StoredEvent;

/// The length that stands for a missing field.
const MISSING: u64 = u64::MAX;

/// The leaf of `event`, computed from everything but its position and the leaf that it carries.
pub fn leaf_of(event: &StoredEvent) -> [u8; 32] {
    let mut fields = Fields(Sha256::new());
    fields.text(event.event_id.as_hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
    fields.text(&event.stream.aggregate_type);
    fields.text(&event.stream.aggregate_id);
    fields.text(&event.sequence.0.to_compact_string());
    fields.text(&event.event_type);
    fields.text(&event.schema_version.to_compact_string());
    fields.text(&event.recorded_at.as_micros().to_compact_string());
    match event.organization {
        Some(organization) => fields.text(&organization.get().to_compact_string()),
        None => fields.0.update(MISSING.to_le_bytes()),
    }
    fields.text(&event.payload);
    fields.text(&event.metadata);
    fields.0.finalize().into()
}

struct Fields(Sha256);

impl Fields {
    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }
}

/// The digest of a whole log up to some position: SHA-256 over the digest before and the leaf, starting from 32 zero
/// bytes. Two logs have the same one only when they hold the same events in the same order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunningDigest([u8; 32]);

impl RunningDigest {
    /// Goes on to the next event.
    pub fn add(&mut self, leaf: &[u8; 32]) {
        self.0 = Sha256::new().chain_update(self.0).chain_update(leaf).finalize().into();
    }

    /// The digest itself.
    pub fn bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for RunningDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use muster_events::{
        id::OrganizationId,
        stream::{Position, Sequence, StreamId},
        time::Timestamp,
    };
    use sha2::{Digest, Sha256};

    use super::{RunningDigest, StoredEvent, leaf_of};

    fn event(organization: Option<u64>) -> StoredEvent {
        StoredEvent {
            position: Position(7),
            event_id: uuid::Uuid::from_u128(0xAB),
            stream: StreamId::new("team", "42"),
            sequence: Sequence(3),
            event_type: "TeamFlagged".into(),
            schema_version: 2,
            recorded_at: Timestamp::from_micros(-5).unwrap(),
            organization: organization.map(|number| OrganizationId::new(number).unwrap()),
            payload: "{\"é\":1}".into(),
            metadata: "{}".into(),
            leaf: [0; 32],
            decoded: None,
        }
    }

    /// The layout is written out by hand: whoever changes it breaks every digest that an auditor has kept.
    #[test]
    fn the_leaf_is_the_digest_of_the_documented_bytes() {
        let mut bytes = Vec::new();
        let fields: [&[u8]; 10] = [
            b"00000000-0000-0000-0000-0000000000ab",
            b"team",
            b"42",
            b"3",
            b"TeamFlagged",
            b"2",
            b"-5",
            b"9",
            "{\"é\":1}".as_bytes(),
            b"{}",
        ];
        for field in fields {
            bytes.extend(u64::try_from(field.len()).unwrap().to_le_bytes());
            bytes.extend(field);
        }
        let by_hand: [u8; 32] = Sha256::digest(&bytes).into();
        assert_eq!(leaf_of(&event(Some(9))), by_hand);
    }

    #[test]
    fn the_position_is_not_part_of_the_leaf_and_the_organization_is() {
        let moved = StoredEvent { position: Position(8), ..event(Some(9)) };
        assert_eq!(leaf_of(&moved), leaf_of(&event(Some(9))));
        assert_ne!(leaf_of(&event(None)), leaf_of(&event(Some(9))));
    }

    #[test]
    fn the_running_digest_depends_on_the_order() {
        let (mut one, mut other) = (RunningDigest::default(), RunningDigest::default());
        let (first, second) = ([1; 32], [2; 32]);
        one.add(&first);
        one.add(&second);
        other.add(&second);
        other.add(&first);
        assert_ne!(one, other);
        assert_eq!(RunningDigest::default().to_string(), "0".repeat(64));
    }
}

//! One value, sealed and opened.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use compact_str::format_compact;
use muster_events::personal::{Envelope, KeyedHash};

use super::{SealingError, cache::PersonKey, cipher::frame};

const PURPOSE: &[u8] = b"muster personal value";

/// Seals `text` as field `field` of an event of type `event_type`.
pub(super) fn seal(
    key: &PersonKey,
    event_type: &str,
    field: &str,
    text: &str,
    hash: Option<KeyedHash>,
) -> Envelope {
    let context = context(&key.id, event_type, field, hash.as_ref());
    Envelope {
        key: key.id.clone(),
        sealed_for: format_compact!("{event_type}.{field}"),
        sealed: BASE64.encode(key.secret.seal(text.as_bytes(), &context)),
        hash,
    }
}

/// Opens it; an error unless every part of it is as it was sealed.
pub(super) fn open(key: &PersonKey, envelope: &Envelope) -> Result<String, SealingError> {
    let opened = || {
        let (event_type, field) = envelope.sealed_for.split_once('.')?;
        let context = context(&envelope.key, event_type, field, envelope.hash.as_ref());
        let text = key.secret.open(&BASE64.decode(&envelope.sealed).ok()?, &context)?;
        str::from_utf8(&text).ok().map(str::to_owned)
    };
    opened().ok_or_else(|| SealingError::Tampered {
        key: envelope.key.to_string(),
        sealed_for: envelope.sealed_for.to_string(),
    })
}

/// All that the ciphertext is tied to. The keyed hash is part of it: moved to another envelope it would lead a
/// look-up to the wrong person.
fn context(key: &str, event_type: &str, field: &str, hash: Option<&KeyedHash>) -> Vec<u8> {
    let hash = hash.map(|hash| hash.0.as_bytes());
    let parts = [PURPOSE, key.as_bytes(), event_type.as_bytes(), field.as_bytes()];
    frame(&parts.into_iter().chain(hash).collect::<Vec<_>>())
}

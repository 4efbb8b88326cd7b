//! The relays whose reports are trusted: the one option whose items are objects.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::value::{InvalidValue, items};
use crate::time::Timestamp;

/// The name of the option.
pub(in crate::organization) const TRUSTED_RELAYS: &str = "trustedRelays";

/// Length of a relay's public key: 32 bytes in base64, as relays print it.
const PUBLIC_KEY_LENGTH: usize = 43;

/// Checks a list of relays, each a name and a public key of its own, and answers it as it is stored.
pub(super) fn trusted_relays(sent: &Value) -> Result<Value, InvalidValue> {
    let mut keys = BTreeSet::new();
    let mut relays = Vec::new();
    for relay in items(sent)? {
        let (key, relay) = trusted_relay(relay)?;
        if !keys.insert(key) {
            return Err(InvalidValue::RelayKeyDuplicated(key.to_owned()));
        }
        relays.push(relay);
    }
    Ok(relays.into())
}

/// The public key, and the entry as it is stored: whatever else a client sends back (times) is the server's
/// to say.
fn trusted_relay(sent: &Value) -> Result<(&str, Value), InvalidValue> {
    let relay = sent.as_object().ok_or(InvalidValue::RelayStructure)?;
    let text = |field: &str| match relay.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim())),
        Some(_) => Err(InvalidValue::RelayStructure),
    };
    let name = match text("name")? {
        None => return Err(InvalidValue::RelayNameMissing),
        Some("") => return Err(InvalidValue::RelayNameEmpty),
        Some(name) => name,
    };
    let is_key_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let key = match text("publicKey")? {
        None | Some("") => return Err(InvalidValue::RelayKeyMissing(name.to_owned())),
        Some(key) if key.len() == PUBLIC_KEY_LENGTH && key.bytes().all(is_key_byte) => key,
        Some(_) => return Err(InvalidValue::RelayKeyInvalid(name.to_owned())),
    };
    let description = text("description")?.unwrap_or_default();
    Ok((key, json!({ "name": name, "publicKey": key, "description": description })))
}

/// The relays as a client sends them.
pub(in crate::organization) fn without_times(stored: &Value) -> Value {
    let plain = |relay: &Value| json!({ "name": relay["name"], "publicKey": relay["publicKey"], "description": relay["description"] });
    stored.as_array().map_or_else(|| stored.clone(), |relays| relays.iter().map(plain).collect())
}

/// The relays with the times at which each was added and changed: those that stay as they were keep theirs.
pub(in crate::organization) fn stamped(stored: Option<&Value>, sent: &Value, now: Timestamp) -> Value {
    let known = |key: &Value| stored?.as_array()?.iter().find(|relay| relay["publicKey"] == *key);
    let stamp = |relay: &Value| {
        let before = known(&relay["publicKey"]);
        let is_same = |before: &&Value| {
            before["name"] == relay["name"] && before["description"] == relay["description"]
        };
        let time = |before: Option<&Value>, field: &str| {
            let kept = before.and_then(|before| before.get(field)).cloned();
            kept.unwrap_or_else(|| now.to_string().into())
        };
        json!({
            "name": relay["name"],
            "publicKey": relay["publicKey"],
            "description": relay["description"],
            "created": time(before, "created"),
            "lastModified": time(before.filter(is_same), "lastModified"),
        })
    };
    sent.as_array().map_or_else(|| sent.clone(), |relays| relays.iter().map(stamp).collect())
}

//! Unsealing: at the edge only, for those who may read it.

use std::{collections::HashMap, fmt};

use compact_str::CompactString;
use muster_events::personal::Envelope;
use serde::Deserialize;
use serde_json::Value;

use super::{KeyRing, SealingError, cache::Held, envelope};

/// What is shown in the place of a value whose key was erased.
pub const ERASED: &str = "[erased]";

/// What was in an envelope.
#[derive(Clone, PartialEq, Eq)]
pub enum Unsealed {
    /// The value.
    Value(String),
    /// Nothing any more: the person's key was erased.
    Erased,
}

impl Unsealed {
    /// The value, or [`ERASED`].
    pub fn into_text(self) -> String {
        match self {
            Self::Value(text) => text,
            Self::Erased => ERASED.into(),
        }
    }
}

impl fmt::Debug for Unsealed {
    /// Without the value, which is not for log lines.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(text) => write!(out, "Value({} bytes)", text.len()),
            Self::Erased => out.write_str("Erased"),
        }
    }
}

/// Keys fetched at once, for many envelopes. It sees no later erasure: it is for one answer, not to be kept.
#[derive(Debug)]
pub struct Opener {
    keys: HashMap<CompactString, Result<Held, SealingError>>,
}

impl Opener {
    /// What is in `envelope`.
    pub fn unseal(&self, envelope: &Envelope) -> Result<Unsealed, SealingError> {
        match self.keys.get(&envelope.key) {
            Some(Ok(held)) => open(held, envelope),
            Some(Err(error)) => Err(error.clone()),
            None => Err(SealingError::KeyMissing(envelope.key.to_string())),
        }
    }

    /// Replaces each envelope inside `json` by the text in it. One that cannot be opened stays, and `faults` says
    /// why.
    fn unseal_json(&self, json: &mut Value, faults: &mut Vec<SealingError>) {
        if let Some(envelope) = as_envelope(json) {
            match self.unseal(&envelope) {
                Ok(unsealed) => *json = Value::String(unsealed.into_text()),
                Err(error) => faults.push(error),
            }
            return;
        }
        match json {
            Value::Array(values) => values.iter_mut().for_each(|value| self.unseal_json(value, faults)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|value| self.unseal_json(value, faults));
            }
            _ => (),
        }
    }
}

impl KeyRing {
    /// What is in one envelope; for many, an [`Opener`] asks once for all keys.
    pub async fn unseal(&self, envelope: &Envelope) -> Result<Unsealed, SealingError> {
        if let Some(held) = self.cached(&envelope.key).await? {
            return open(&held, envelope);
        }
        self.opener([envelope]).await?.unseal(envelope)
    }

    /// Fetches the keys of all `envelopes` at once.
    pub async fn opener(
        &self,
        envelopes: impl IntoIterator<Item = &Envelope>,
    ) -> Result<Opener, SealingError> {
        self.opener_with(envelopes.into_iter().map(|envelope| envelope.key.clone()).collect()).await
    }

    /// Replaces each envelope inside the stored payloads or metadata `documents` by the text in it, or by
    /// [`ERASED`]. One that cannot be opened stays as it is, so that a single damaged value does not hide a history;
    /// the answer names these faults.
    pub async fn unseal_json(&self, documents: &mut [Value]) -> Result<Vec<SealingError>, SealingError> {
        let (mut ids, mut faults) = (Vec::new(), Vec::new());
        for document in &*documents {
            key_ids(document, &mut ids);
        }
        let opener = self.opener_with(ids).await?;
        for document in documents {
            opener.unseal_json(document, &mut faults);
        }
        Ok(faults)
    }

    async fn opener_with(&self, mut ids: Vec<CompactString>) -> Result<Opener, SealingError> {
        ids.sort_unstable();
        ids.dedup();
        Ok(Opener { keys: self.held(ids).await? })
    }
}

fn open(held: &Held, envelope: &Envelope) -> Result<Unsealed, SealingError> {
    match held {
        Held::Living(key) => envelope::open(key, envelope).map(Unsealed::Value),
        Held::Erased => Ok(Unsealed::Erased),
    }
}

/// The object that has exactly the fields of an envelope.
fn as_envelope(json: &Value) -> Option<Envelope> {
    json.as_object().filter(|fields| fields.contains_key("sealed"))?;
    Envelope::deserialize(json).ok()
}

fn key_ids(json: &Value, ids: &mut Vec<CompactString>) {
    if let Some(envelope) = as_envelope(json) {
        ids.push(envelope.key);
        return;
    }
    match json {
        Value::Array(values) => values.iter().for_each(|value| key_ids(value, ids)),
        Value::Object(fields) => fields.values().for_each(|value| key_ids(value, ids)),
        _ => (),
    }
}

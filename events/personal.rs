//! What is a person's: e-mail addresses, names, user names, IP addresses, user agents.
//!
//! The log is for ever; people are not. So such a value is [`Personal`] in the type. It is *open* on its way
//! from a command to the append, and *sealed* in the log, in views and in aggregates loaded from the log.
//! An open value refuses to be serialized: it cannot be stored by mistake.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};

/// Keyed hash of an address or a user name, `<hash key id>:<hex>`; what claims, views and look-ups compare.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyedHash(pub CompactString);

impl fmt::Display for KeyedHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// A sealed value as it stands in the stored payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// Id of the person's key that opens it.
    pub key: CompactString,
    /// What it was sealed as, `<event type>.<field>`; authenticated, so a value cannot be passed off as another.
    #[serde(rename = "for")]
    pub sealed_for: CompactString,
    /// Nonce, ciphertext and authentication tag, base64.
    pub sealed: String,
    /// Keyed hash, where the value is an address or a user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<KeyedHash>,
}

/// A kind of personal value: a newtype over text.
pub trait PersonalText: Clone + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The text that is sealed.
    fn as_text(&self) -> &str;
    /// The value from the text that was sealed.
    fn from_text(text: String) -> Self;
    /// The form whose keyed hash identifies the value, when values of this kind are looked up.
    fn identity(&self) -> Option<String>;
}

/// An e-mail address, stored as given, matched without regard to case (behaviour.md D6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress(pub String);

/// A user name, matched without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserName(pub String);

impl PersonalText for EmailAddress {
    fn as_text(&self) -> &str {
        &self.0
    }
    fn from_text(text: String) -> Self {
        Self(text)
    }
    fn identity(&self) -> Option<String> {
        Some(format!("email:{}", self.0.to_lowercase()))
    }
}

impl PersonalText for UserName {
    fn as_text(&self) -> &str {
        &self.0
    }
    fn from_text(text: String) -> Self {
        Self(text)
    }
    fn identity(&self) -> Option<String> {
        Some(format!("username:{}", self.0.to_lowercase()))
    }
}

impl PersonalText for String {
    fn as_text(&self) -> &str {
        self
    }
    fn from_text(text: String) -> Self {
        text
    }
    fn identity(&self) -> Option<String> {
        None
    }
}

/// A value that is a person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Personal<T> {
    /// Readable; between a command and the append only.
    Open {
        /// The value.
        value: T,
        /// Its keyed hash, where [`PersonalText::identity`] gives something to hash.
        hash: Option<KeyedHash>,
    },
    /// As stored.
    Sealed(Envelope),
}

impl<T: PersonalText> Personal<T> {
    /// A readable value with its keyed hash (none for kinds that are never looked up).
    pub fn open(value: T, hash: Option<KeyedHash>) -> Self {
        Self::Open { value, hash }
    }

    /// The keyed hash; none for kinds that are never looked up.
    pub fn hash(&self) -> Option<&KeyedHash> {
        match self {
            Self::Open { hash, .. } => hash.as_ref(),
            Self::Sealed(envelope) => envelope.hash.as_ref(),
        }
    }

    /// The envelope, when it is sealed.
    pub fn envelope(&self) -> Option<&Envelope> {
        match self {
            Self::Open { .. } => None,
            Self::Sealed(envelope) => Some(envelope),
        }
    }
}

impl<T> Serialize for Personal<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Open { .. } => {
                Err(S::Error::custom("a personal value must be sealed before it is written"))
            }
            Self::Sealed(envelope) => envelope.serialize(serializer),
        }
    }
}

impl<'de, T> Deserialize<'de> for Personal<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Envelope::deserialize(deserializer).map(Self::Sealed)
    }
}

/// Visits the personal values of an event, each with the name of its field; sealing replaces them in place.
pub trait PersonalVisitor {
    /// Why a visit can end early.
    type Error;
    /// One value.
    fn visit<T: PersonalText>(&mut self, field: &str, value: &mut Personal<T>) -> Result<(), Self::Error>;
}

#[cfg(test)]
#[path = "personal_tests.rs"]
mod tests;

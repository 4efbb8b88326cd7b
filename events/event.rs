//! Every event of every aggregate, and how it is written down.
//!
//! A stored payload is the JSON object of the event's fields, without its name: name and schema version stand
//! in columns beside it. Stored names are constants that never change; a new shape is a new schema version
//! with an upcaster in `upcast.rs` and a fixture in `fixtures/` that is never edited.

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::{
    definitions::RolesEvent,
    letter::{self, LetterEvent},
    member::{self, MemberEvent},
    organization::{self, OrganizationEvent},
    personal::PersonalVisitor,
    team::{self, TeamEvent},
    token::{self, TokenEvent},
    upcast::{self, UpcastError},
    user::{self, UserEvent},
};

/// What happened, to any aggregate.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// To a member.
    Member(MemberEvent),
    /// To an organization.
    Organization(OrganizationEvent),
    /// To a team.
    Team(TeamEvent),
    /// To a person's account.
    User(UserEvent),
    /// To a bearer token.
    Token(TokenEvent),
    /// To the roles of the deployment.
    Roles(RolesEvent),
    /// To a letter.
    Letter(LetterEvent),
}

/// Why a stored event cannot be read.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The aggregate type is none of ours.
    #[error("aggregate type \"{0}\" is not known to this version of muster")]
    UnknownAggregate(String),
    /// The type is none of the aggregate's, or its schema version is newer than this program.
    #[error("{event_type} with schema version {version} is not known to this version of muster")]
    Unknown {
        /// Stored type name.
        event_type: String,
        /// Stored schema version.
        version: u32,
    },
    /// The payload is not what the type and version say.
    #[error("the payload of {event_type} cannot be read: {error}")]
    Malformed {
        /// Stored type name.
        event_type: String,
        /// What the JSON reader says.
        error: serde_json::Error,
    },
    /// An old shape could not be brought up to date.
    #[error(transparent)]
    Upcast(#[from] UpcastError),
}

/// Names the stored type and current schema version of each variant of one aggregate's events.
macro_rules! stored {
    ($events:ident { $($variant:ident = $version:literal),* $(,)? }) => {
        impl $events {
            /// Stored type name and current schema version of every event of this aggregate.
            pub const STORED: &'static [(&'static str, u32)] = &[$((stringify!($variant), $version)),*];

            /// Stored type name.
            pub fn event_type(&self) -> &'static str {
                match self { $(Self::$variant { .. } => stringify!($variant)),* }
            }

            /// Current schema version.
            pub fn schema_version(&self) -> u32 {
                match self { $(Self::$variant { .. } => $version),* }
            }
        }
    };
}
pub(crate) use stored;

/// Calls `$body` with the aggregate's own event bound to `$inner`, whichever aggregate it is.
macro_rules! each {
    ($event:expr, $inner:ident => $body:expr) => {
        match $event {
            Event::Member($inner) => $body,
            Event::Organization($inner) => $body,
            Event::Team($inner) => $body,
            Event::User($inner) => $body,
            Event::Token($inner) => $body,
            Event::Roles($inner) => $body,
            Event::Letter($inner) => $body,
        }
    };
}

impl Event {
    /// Stored type name.
    pub fn event_type(&self) -> &'static str {
        each!(self, event => event.event_type())
    }

    /// Current schema version.
    pub fn schema_version(&self) -> u32 {
        each!(self, event => event.schema_version())
    }

    /// The payload to store; an error while a personal value is not sealed.
    pub fn encode(&self) -> Result<String, serde_json::Error> {
        each!(self, event => encode(event, event.event_type()))
    }

    /// Reads a stored payload, bringing an old shape up to date first.
    pub fn decode(
        aggregate_type: &str,
        event_type: &str,
        version: u32,
        payload: &str,
    ) -> Result<Self, DecodeError> {
        let stored = Stored { event_type, version, payload };
        match aggregate_type {
            member::TYPE => stored.decode(MemberEvent::STORED).map(Self::Member),
            organization::TYPE => stored.decode(OrganizationEvent::STORED).map(Self::Organization),
            team::TYPE => stored.decode(TeamEvent::STORED).map(Self::Team),
            user::TYPE => stored.decode(UserEvent::STORED).map(Self::User),
            token::TYPE => stored.decode(TokenEvent::STORED).map(Self::Token),
            crate::definitions::TYPE => stored.decode(RolesEvent::STORED).map(Self::Roles),
            letter::TYPE => stored.decode(LetterEvent::STORED).map(Self::Letter),
            other => Err(DecodeError::UnknownAggregate(other.into())),
        }
    }

    /// Visits the personal values, each with the name of its field.
    pub fn visit_personal<V: PersonalVisitor>(&mut self, visitor: &mut V) -> Result<(), V::Error> {
        match self {
            Self::Member(event) => event.visit_personal(visitor),
            Self::User(event) => event.visit_personal(visitor),
            Self::Letter(event) => event.visit_personal(visitor),
            Self::Organization(_) | Self::Team(_) | Self::Token(_) | Self::Roles(_) => Ok(()),
        }
    }

    /// What another program may append to the log by itself: aggregate type and event type. Such an event makes no claim
    /// and holds nothing that is a person's, because nobody checks and seals there, and its organization is its stream.
    pub const FOREIGN_MAY: [(&'static str, &'static str); 7] = [
        (organization::TYPE, "DefaultRoleChanged"),
        (organization::TYPE, "FeatureSet"),
        (organization::TYPE, "OrganizationFlagChanged"),
        (organization::TYPE, "OrganizationOptionChanged"),
        (organization::TYPE, "SsoEnabled"),
        (organization::TYPE, "TwoFactorRequired"),
        (organization::TYPE, "TwoFactorRequirementLifted"),
    ];

    /// Every stored type: aggregate type, event type, current schema version.
    pub fn stored_types() -> impl Iterator<Item = (&'static str, &'static str, u32)> {
        [
            (member::TYPE, MemberEvent::STORED),
            (organization::TYPE, OrganizationEvent::STORED),
            (team::TYPE, TeamEvent::STORED),
            (user::TYPE, UserEvent::STORED),
            (token::TYPE, TokenEvent::STORED),
            (crate::definitions::TYPE, RolesEvent::STORED),
            (letter::TYPE, LetterEvent::STORED),
        ]
        .into_iter()
        .flat_map(|(aggregate, stored)| {
            stored.iter().map(move |(name, version)| (aggregate, *name, *version))
        })
    }
}

/// The derived form is `{"Name":{...}}`; the name stands in its own column, so only the inside is stored.
fn encode(event: &impl Serialize, event_type: &str) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string(event)?;
    text.pop();
    text.drain(..event_type.len() + 4);
    Ok(text)
}

struct Stored<'a> {
    event_type: &'a str,
    version: u32,
    payload: &'a str,
}

impl Stored<'_> {
    fn decode<E: DeserializeOwned>(&self, known: &[(&str, u32)]) -> Result<E, DecodeError> {
        let current = known.iter().find(|(name, _)| *name == self.event_type).map(|(_, version)| *version);
        let Some(current) = current.filter(|current| *current >= self.version) else {
            return Err(DecodeError::Unknown { event_type: self.event_type.into(), version: self.version });
        };
        let malformed = |error| DecodeError::Malformed { event_type: self.event_type.into(), error };
        // The derived reader would take a list for an object, field by field.
        if !self.payload.trim_start().starts_with('{') {
            return Err(malformed(serde::de::Error::custom("it is not an object")));
        }
        if self.version == current {
            // `{"Name":{...}}`, put together by hand: this is done for every event of the log.
            let mut tagged = String::with_capacity(self.event_type.len() + self.payload.len() + 5);
            for part in ["{\"", self.event_type, "\":", self.payload, "}"] {
                tagged.push_str(part);
            }
            return serde_json::from_str(&tagged).map_err(malformed);
        }
        let old = serde_json::from_str(self.payload).map_err(malformed)?;
        let new = upcast::upcast(upcast::UPCASTERS, self.event_type, self.version, current, old)?;
        serde_json::from_value(serde_json::json!({ self.event_type: new })).map_err(malformed)
    }
}

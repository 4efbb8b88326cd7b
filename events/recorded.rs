//! An event with where, when and by whom it was recorded.

use std::{fmt, str::FromStr};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    event::Event,
    id::{OrganizationId, TokenId, UserId},
    personal::{Personal, PersonalVisitor},
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};

/// What kind of actor asked for a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person with an account.
    User,
    /// An organization's own token, no person behind it.
    Integration,
    /// The ledger itself: the first event, a sweeper, the command line of the operator.
    System,
    /// `muster import`.
    Import,
    /// A policy that answers an event.
    Policy,
    /// Somebody without a token.
    Anonymous,
}

impl ActorKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::User, Self::Integration, Self::System, Self::Import, Self::Policy, Self::Anonymous];

    /// The name in JSON and in filters.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Integration => "integration",
            Self::System => "system",
            Self::Import => "import",
            Self::Policy => "policy",
            Self::Anonymous => "anonymous",
        }
    }
}

/// A text that names no kind of actor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no kind of actor; there are user, integration, system, import, policy and anonymous")]
pub struct UnknownActorKind(pub String);

impl FromStr for ActorKind {
    type Err = UnknownActorKind;

    fn from_str(text: &str) -> Result<Self, UnknownActorKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| UnknownActorKind(text.into()))
    }
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// What kind.
    pub kind: ActorKind,
    /// Which one of that kind; none where there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<CompactString>,
    /// The token that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<TokenId>,
    /// Whose command caused this, when a policy acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Box<Actor>>,
}

impl Actor {
    /// A person, through the token `via` where one was used.
    pub fn user(id: UserId, via: Option<TokenId>) -> Self {
        Self { kind: ActorKind::User, id: Some(String::from(id).into()), via, on_behalf_of: None }
    }

    /// An organization's own token.
    pub fn integration(organization: OrganizationId, via: TokenId) -> Self {
        let id = Some(String::from(organization).into());
        Self { kind: ActorKind::Integration, id, via: Some(via), on_behalf_of: None }
    }

    /// The person who acted, or on whose behalf a policy did.
    pub fn person(&self) -> Option<UserId> {
        match self.kind {
            ActorKind::User => self.id.as_ref()?.parse().ok(),
            ActorKind::Policy => self.on_behalf_of.as_ref()?.person(),
            ActorKind::Integration | ActorKind::System | ActorKind::Import | ActorKind::Anonymous => None,
        }
    }

    /// An actor of which there is only one, such as the ledger itself or an import.
    pub fn only(kind: ActorKind) -> Self {
        Self { kind, id: None, via: None, on_behalf_of: None }
    }
}

impl fmt::Display for Actor {
    /// `kind:id`, or the kind alone.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.kind.name())?;
        self.id.as_ref().map_or(Ok(()), |id| write!(out, ":{id}"))
    }
}

/// What is known about how a change came to be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Who asked.
    pub actor: Actor,
    /// The request that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<CompactString>,
    /// The whole conversation that the change belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<CompactString>,
    /// The event that this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<Uuid>,
    /// Keyed hash of the idempotency key, where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<CompactString>,
    /// The caller's address; only where the actor is a person, who can have it erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<Personal<String>>,
    /// The caller's program; only where the actor is a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<Personal<String>>,
}

impl Metadata {
    /// Nothing known but who.
    pub fn by(actor: Actor) -> Self {
        Self {
            actor,
            request_id: None,
            correlation_id: None,
            causation_id: None,
            idempotency_key: None,
            ip: None,
            user_agent: None,
        }
    }

    /// Visits the personal values.
    pub fn visit_personal<V: PersonalVisitor>(&mut self, visitor: &mut V) -> Result<(), V::Error> {
        if let Some(ip) = &mut self.ip {
            visitor.visit("ip", ip)?;
        }
        self.user_agent.as_mut().map_or(Ok(()), |agent| visitor.visit("user_agent", agent))
    }
}

/// An event as the log holds it, decoded; what projections and policies are functions of.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedEvent {
    /// Its place in the whole log.
    pub position: Position,
    /// Its identity; orders nothing.
    pub event_id: Uuid,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in its stream.
    pub sequence: Sequence,
    /// When it was recorded; never runs backwards along positions.
    pub recorded_at: Timestamp,
    /// The organization that it belongs to, where it belongs to one.
    pub organization: Option<OrganizationId>,
    /// What happened.
    pub event: Event,
    /// Who asked, and how.
    pub metadata: Metadata,
}

#[cfg(test)]
#[path = "recorded_tests.rs"]
mod tests;

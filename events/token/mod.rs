//! `ApiToken`: a bearer token. The secret never enters the log; what is kept is a keyed digest of it.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{
    aggregate::Aggregate,
    event::{Event, stored},
    id::{OrganizationId, UserId},
    refusal::Refusal,
    roles::ScopeSet,
    time::Timestamp,
};

/// The stored name of this kind of aggregate.
pub const TYPE: &str = "api_token";

/// Whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenOwner {
    /// A person's.
    User(UserId),
    /// An organization's own.
    Organization(OrganizationId),
}

/// A command on a token.
#[derive(Debug, Clone)]
pub enum TokenCommand {
    /// Issue it.
    Issue {
        /// Whose it is.
        owner: TokenOwner,
        /// What it is limited to; none for no limit.
        scopes: Option<ScopeSet>,
        /// Keyed digest of the secret.
        digest: CompactString,
        /// The key of the digest.
        key_id: CompactString,
    },
    /// Make it unusable; nothing when it is already.
    Revoke,
}

/// A fact about a token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum TokenEvent {
    /// It was issued.
    TokenIssued {
        /// Whose it is.
        owner: TokenOwner,
        /// What it is limited to; none for no limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scopes: Option<ScopeSet>,
        /// Keyed digest of the secret.
        digest: CompactString,
        /// The key of the digest.
        key_id: CompactString,
    },
    /// It cannot be used any more. Its secret stays claimed, so that no import brings it back.
    TokenRevoked {},
}

stored!(TokenEvent { TokenIssued = 1, TokenRevoked = 1 });

impl From<TokenEvent> for Event {
    fn from(event: TokenEvent) -> Self {
        Self::Token(event)
    }
}

/// A bearer token.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ApiToken {
    /// Whose it is; none before the first event.
    pub owner: Option<TokenOwner>,
    /// What it is limited to; none for no limit.
    pub scopes: Option<ScopeSet>,
    /// Whether it cannot be used any more.
    pub revoked: bool,
    /// When it was issued.
    pub created_at: Timestamp,
}

impl Aggregate for ApiToken {
    const TYPE: &'static str = TYPE;
    type Command = TokenCommand;
    type Event = TokenEvent;

    fn decide(&self, command: TokenCommand) -> Result<Vec<TokenEvent>, Refusal> {
        match command {
            TokenCommand::Issue { .. } if self.owner.is_some() => Err(Refusal::AlreadyExists),
            TokenCommand::Issue { owner, scopes, digest, key_id } => {
                Ok(vec![TokenEvent::TokenIssued { owner, scopes, digest, key_id }])
            }
            TokenCommand::Revoke if self.owner.is_none() => Err(Refusal::NotFound),
            TokenCommand::Revoke if self.revoked => Ok(vec![]),
            TokenCommand::Revoke => Ok(vec![TokenEvent::TokenRevoked {}]),
        }
    }

    fn evolve(&mut self, event: &TokenEvent, at: Timestamp) {
        match event {
            TokenEvent::TokenIssued { owner, scopes, .. } => {
                self.owner = Some(*owner);
                self.scopes.clone_from(scopes);
                self.created_at = at;
            }
            TokenEvent::TokenRevoked {} => self.revoked = true,
        }
    }

    fn event_of(event: &Event) -> Option<&TokenEvent> {
        match event {
            Event::Token(event) => Some(event),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;

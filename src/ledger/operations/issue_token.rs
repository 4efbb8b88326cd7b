//! Issuing and revoking bearer tokens.

use std::fmt;

use async_trait::async_trait;
use muster_events::{
    id::TokenId,
    roles::ScopeSet,
    token::{ApiToken, TokenCommand, TokenOwner},
    user::User,
};

use crate::ledger::{Failure, Operation, Unit};
use muster_events::{organization::Organization, refusal::Refusal};

/// The secret of a token; not shown where a program shows its values.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret")
    }
}

/// Issue a token with a secret that is known already.
#[derive(Debug)]
pub struct IssueToken {
    /// The id of the new token.
    pub token: TokenId,
    /// Whose it is.
    pub owner: TokenOwner,
    /// What it is limited to; none for no limit.
    pub scopes: Option<ScopeSet>,
    /// The secret; only its keyed digest is kept.
    pub secret: Secret,
}

#[async_trait]
impl Operation for IssueToken {
    type Answer = TokenId;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<TokenId, Failure> {
        let (exists, organization) = match self.owner {
            TokenOwner::User(id) => (unit.read::<User>(id).await?.state.exists(), None),
            TokenOwner::Organization(id) => (unit.read::<Organization>(id).await?.state.exists(), Some(id)),
        };
        if !exists {
            return Err(Failure::Refused(Refusal::NotFound));
        }
        let (digest, key_id) = unit.ledger().keys().token_digest(&self.secret.0);
        let command = TokenCommand::Issue {
            owner: self.owner,
            scopes: self.scopes.clone(),
            digest: digest.as_str().into(),
            key_id: key_id.as_str().into(),
        };
        unit.decide::<ApiToken>(self.token, organization, vec![command]).await?;
        Ok(self.token)
    }
}

/// Make a token unusable.
#[derive(Debug)]
pub struct RevokeToken {
    /// Which.
    pub token: TokenId,
}

#[async_trait]
impl Operation for RevokeToken {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let owner = unit.read::<ApiToken>(self.token).await?.state.owner;
        let organization = match owner {
            Some(TokenOwner::Organization(id)) => Some(id),
            Some(TokenOwner::User(_)) | None => None,
        };
        unit.decide::<ApiToken>(self.token, organization, vec![TokenCommand::Revoke]).await
    }
}

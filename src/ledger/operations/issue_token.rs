//! Issuing and revoking bearer tokens.

use std::fmt;

use async_trait::async_trait;
use muster_events::{
    id::TokenId,
    organization::Organization,
    refusal::{FieldError, Refusal},
    roles::ScopeSet,
    stream::Sequence,
    token::{ApiToken, TokenCommand, TokenOwner},
    user::User,
};

use crate::{
    clock,
    ledger::{Caller, Failure, Operation, Unit},
};

/// The secret of a token; not shown where a program shows its values.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl Secret {
    /// A new one, recognizable where it should not be, in a commit or a log line.
    pub fn random() -> Self {
        Self(format!("muster_{}", hex::encode(clock::random_bytes::<32>())))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret")
    }
}

/// Issue a token with a secret that is known already.
#[derive(Debug, Clone)]
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

/// Issue a token for somebody who asks for it.
#[derive(Debug)]
pub struct IssueTokenBy {
    /// Who asks.
    pub caller: Caller,
    /// The token, or what is wrong with the request.
    pub token: Result<IssueToken, Refusal>,
}

#[async_trait]
impl Operation for IssueTokenBy {
    type Answer = TokenId;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<TokenId, Failure> {
        let requester = unit.asker(&self.caller).await?;
        let issue = self.token.clone()?;
        requester.issue_token(issue.owner, issue.scopes.as_ref())?;
        let field = match issue.owner {
            TokenOwner::User(_) => "user",
            TokenOwner::Organization(_) => "organization",
        };
        match issue.attempt(unit).await {
            Err(Failure::Refused(Refusal::NotFound)) => {
                let errors = vec![FieldError::new(field, "Object does not exist.")];
                Err(Refusal::InvalidFields { errors }.into())
            }
            outcome => outcome,
        }
    }

    fn resource(&self, answer: &TokenId) -> Option<String> {
        Some(answer.to_string())
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

/// Make a token unusable for somebody who asks for it.
#[derive(Debug)]
pub struct RevokeTokenBy {
    /// Who asks.
    pub caller: Caller,
    /// Which; none when what was named is none.
    pub token: Option<TokenId>,
    /// The sequence that the requester last saw, when he wants nothing else to be changed.
    pub if_match: Option<Sequence>,
}

#[async_trait]
impl Operation for RevokeTokenBy {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let requester = unit.asker(&self.caller).await?;
        let token = self.token.ok_or(Refusal::NotFound)?;
        let found = unit.read::<ApiToken>(token).await?;
        requester.revoke_token(found.state.owner)?;
        RevokeToken { token }.attempt(unit).await?;
        if self.if_match.is_some_and(|seen| seen != found.sequence) {
            return Err(Refusal::Stale.into());
        }
        Ok(())
    }
}

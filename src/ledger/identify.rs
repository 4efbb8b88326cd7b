//! Who a bearer token belongs to, and what slugs and ids in paths name.

use std::{str::FromStr, sync::Arc};

use compact_str::{CompactString, ToCompactString};
use muster_events::{
    claims::Claim,
    id::{MemberId, OrganizationId, TeamId, TokenId, UserId},
    organization::Organization,
    refusal::Refusal,
    token::{ApiToken, TokenOwner},
    user::User,
};

use super::{Failure, Ledger};

/// Who asks, by the token that was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The token.
    pub token: TokenId,
    /// Whose it is.
    pub kind: CallerKind,
}

/// Whose token was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallerKind {
    /// A person's.
    User(UserId),
    /// An organization's own.
    Integration(OrganizationId),
}

/// The id that the holder of a claim is; a holder that is no id is a damaged log, seen as not there by `doctor`.
fn id<T: FromStr>(holder: &str) -> Option<T> {
    holder.parse().ok()
}

impl Ledger {
    /// Who the secret belongs to; none when no token in use has it. Never older than the log was when it is
    /// called, but for what another process wrote in the last [`super::CONFIRMED_FOR`].
    pub async fn identify(&self, secret: &str) -> Result<Option<Caller>, Failure> {
        self.confirm().await?;
        let (digest, _) = self.keys().token_digest(secret);
        let Some(token) =
            self.holder(&Claim::token(&digest)).await?.and_then(|holder| id::<TokenId>(&holder))
        else {
            return Ok(None);
        };
        let found = self.state::<ApiToken>(&token.into()).await?.state;
        let kind = match found.owner.filter(|_| !found.revoked) {
            None => return Ok(None),
            Some(TokenOwner::Organization(organization)) => {
                if !self.state::<Organization>(&organization.into()).await?.state.exists() {
                    return Ok(None);
                }
                CallerKind::Integration(organization)
            }
            Some(TokenOwner::User(user)) => {
                if !self.state::<User>(&user.into()).await?.state.active {
                    return Ok(None);
                }
                CallerKind::User(user)
            }
        };
        Ok(Some(Caller { token, kind }))
    }

    /// The organization that `slug_or_id` names: one that is there, by its id or by the slug that it has now.
    pub async fn find_organization(&self, slug_or_id: &str) -> Result<OrganizationId, Failure> {
        Ok(self.look().organization(slug_or_id).await?.0)
    }

    /// The organization that has this id or holds this slug, which it may have had before.
    pub(super) async fn organization_of(&self, slug_or_id: &str) -> Result<OrganizationId, Failure> {
        if let Ok(id) = slug_or_id.parse() {
            return Ok(id);
        }
        let held = self.holder(&Claim::organization_slug(slug_or_id)).await?;
        held.and_then(|holder| id(&holder)).ok_or(Failure::Refused(Refusal::NotFound))
    }

    /// The member that `user` is in `organization`.
    pub async fn find_membership(
        &self,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<Option<MemberId>, Failure> {
        Ok(self.holder(&Claim::membership(organization, user)).await?.and_then(|holder| id(&holder)))
    }

    /// The team of `organization` that has `slug`.
    pub async fn find_team(
        &self,
        organization: OrganizationId,
        slug: &str,
    ) -> Result<Option<TeamId>, Failure> {
        Ok(self.holder(&Claim::team_slug(organization, slug)).await?.and_then(|holder| id(&holder)))
    }

    /// The members who are owners of `organization`, at most two: nobody, the only one, or one of several and another.
    pub async fn owners(&self, organization: OrganizationId) -> Result<Arc<[CompactString]>, Failure> {
        self.cache.owners(&**self.store(), &organization.to_compact_string()).await
    }

    /// In how many organizations `user` is.
    pub async fn organizations_of(&self, user: UserId) -> Result<usize, Failure> {
        self.cache.memberships(&**self.store(), &user.to_compact_string()).await
    }
}

//! Who asks, and what he may do in an organization (behaviour.md 1.3 and the generic errors).

use std::sync::Arc;

use crate::{
    id::{MemberId, OrganizationId, UserId},
    member::{Member, MemberFlag},
    organization::Organization,
    recorded::Actor,
    refusal::Refusal,
    roles::{RoleId, Roles, ScopeSet, known_scopes},
    user::User,
};

/// Who asks something of an organization.
#[derive(Debug, Clone)]
pub struct Requester {
    /// The actor that the events will name.
    pub actor: Actor,
    /// The person, when a person's token is used.
    pub user: Option<(UserId, Arc<User>)>,
    /// The organization whose own token is used.
    pub integration: Option<OrganizationId>,
    /// The person's membership of the organization that he asks something of.
    pub membership: Option<(MemberId, Arc<Member>)>,
    /// What the token is limited to; none for no limit.
    pub token_scopes: Option<ScopeSet>,
}

impl Requester {
    /// Whether a superuser asks.
    pub fn is_superuser(&self) -> bool {
        self.user.as_ref().is_some_and(|(_, user)| user.superuser)
    }

    /// The scopes, as far as the token gives them.
    pub(crate) fn limited(&self, scopes: ScopeSet) -> ScopeSet {
        match &self.token_scopes {
            Some(limit) => scopes.intersection(&limit.with_implied()),
            None => scopes,
        }
    }

    /// What the requester may do in `organization`: the scopes of his role, as far as the token gives them.
    pub fn scopes(&self, id: OrganizationId, organization: &Organization, roles: &Roles) -> ScopeSet {
        if self.is_superuser() {
            return self.limited(known_scopes());
        }
        if let Some(own) = self.integration {
            let granted = self.token_scopes.as_ref().map_or_else(known_scopes, ScopeSet::with_implied);
            return if own == id { granted } else { ScopeSet::default() };
        }
        let role = self.membership.as_ref().and_then(|(_, member)| member.org_role.as_ref());
        role.map_or_else(ScopeSet::default, |role| {
            self.limited(roles.org_scopes(role, &organization.scope_options()))
        })
    }

    /// Lets the requester into the organization, whatever he may do there, else says why not. `restricted_may` lets
    /// members pass who are suspended because the organization is over its limit, so that they can leave.
    pub fn admit(
        &self,
        id: OrganizationId,
        organization: &Organization,
        restricted_may: bool,
    ) -> Result<(), Refusal> {
        if !organization.exists() {
            return Err(Refusal::NotFound);
        }
        if self.is_superuser() {
            return Ok(());
        }
        if let Some(own) = self.integration {
            return if own == id { Ok(()) } else { Err(Refusal::NoPermission) };
        }
        let Some((_, member)) = &self.membership else { return Err(Refusal::NoPermission) };
        if !restricted_may && member.flags.contains(&MemberFlag::MemberLimitRestricted) {
            return Err(Refusal::MemberOverLimit { organization: organization.slug.clone() });
        }
        let second_factor = self.user.as_ref().is_some_and(|(_, user)| user.has_second_factor());
        if organization.flag("require_2fa") && !second_factor {
            return Err(Refusal::TwoFactorRequired);
        }
        Ok(())
    }

    /// Lets the requester pass when he has any of the scopes `needs`, else says why not.
    pub fn gate(
        &self,
        id: OrganizationId,
        organization: &Organization,
        roles: &Roles,
        needs: &[&str],
        restricted_may: bool,
    ) -> Result<ScopeSet, Refusal> {
        if !organization.exists() {
            return Err(Refusal::NotFound);
        }
        self.admit(id, organization, restricted_may)?;
        let scopes = self.scopes(id, organization, roles);
        if scopes.any_of(needs) { Ok(scopes) } else { Err(Refusal::NoPermission) }
    }

    /// The organization roles that the requester may give and take. `inviting` drops the need for
    /// `member:admin`.
    pub fn allowed_org_roles(
        &self,
        scopes: &ScopeSet,
        organization: &Organization,
        roles: &Roles,
        inviting: bool,
    ) -> Vec<RoleId> {
        if self.is_superuser() {
            return roles.org_roles().iter().map(|role| role.id.clone()).collect();
        }
        if !inviting && !scopes.contains("member:admin") {
            return vec![];
        }
        let options = organization.scope_options();
        let role = self.membership.as_ref().and_then(|(_, member)| member.org_role.as_ref());
        role.map_or_else(Vec::new, |role| roles.given_by(role, options).to_vec())
    }
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;

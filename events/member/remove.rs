//! The whole of DELETE member as one decision (behaviour.md 3.2, D2, D29).

use std::sync::Arc;

use super::{
    InviteStatus, Member, MemberEvent, MemberFlag, RemovalReason, RevocationReason, decide::removed,
};
use crate::{
    access::Requester,
    id::{MemberId, OrganizationId},
    organization::Organization,
    personal::KeyedHash,
    refusal::Refusal,
    roles::{Roles, ScopeSet},
};

/// What the decision looks at besides the member.
#[derive(Debug, Clone)]
pub struct RemovalContext {
    /// Who asks.
    pub requester: Requester,
    /// The organization that the path names.
    pub organization: (OrganizationId, Arc<Organization>),
    /// The member that the path names.
    pub member: MemberId,
    /// The roles in force.
    pub roles: Arc<Roles>,
    /// Keyed hashes of all addresses of the member's account: those that were added since he joined are free again
    /// too. None for a pending member.
    pub addresses: Vec<KeyedHash>,
    /// Whether somebody else is an owner too. The claim decides in the end; this keeps the order of refusals.
    pub other_owners: bool,
}

/// What a DELETE does to `member`.
pub(super) fn remove_by(member: &Member, context: &RemovalContext) -> Result<Vec<MemberEvent>, Refusal> {
    let needs = ["member:read", "member:write", "member:admin"];
    let (id, organization) = &context.organization;
    let scopes = context.requester.gate(*id, organization, &context.roles, &needs, true)?;
    let here = member.exists() && member.organization == Some(*id);
    if !here || member.invite_status != InviteStatus::Approved {
        return Err(Refusal::NotFound);
    }
    let leaving = context.requester.membership.as_ref().is_some_and(|(acting, _)| *acting == context.member);
    if !leaving {
        may_remove(member, context, &scopes)?;
    }
    if member.owner && !context.other_owners {
        return Err(Refusal::LastOwnerRemoved);
    }
    if member.flags.contains(&MemberFlag::IdpProvisioned) {
        return Err(Refusal::IdentityProviderManaged);
    }
    if member.flags.contains(&MemberFlag::PartnershipRestricted) {
        return Err(Refusal::PartnershipRestricted);
    }
    if member.is_pending() {
        return Ok(vec![revoked(member)?]);
    }
    let reason = if leaving { RemovalReason::Left } else { RemovalReason::Removed };
    Ok(vec![removed(member, reason, &context.addresses)?])
}

/// The end of an invitation, which gives back its address.
fn revoked(member: &Member) -> Result<MemberEvent, Refusal> {
    Ok(MemberEvent::InviteRevoked {
        reason: RevocationReason::Revoked,
        role: member.org_role.clone().ok_or(Refusal::NotFound)?,
        teams: member.teams.keys().copied().collect(),
        addresses: member.addresses.iter().cloned().collect(),
    })
}

/// Whether the requester may remove somebody else.
fn may_remove(member: &Member, context: &RemovalContext, scopes: &ScopeSet) -> Result<(), Refusal> {
    let requester = &context.requester;
    if requester.integration.is_some() {
        return Err(Refusal::RemovalOfHigher);
    }
    let is_admin = scopes.contains("member:admin");
    if requester.is_superuser() {
        return if is_admin { Ok(()) } else { Err(Refusal::RemovalWithoutScope) };
    }
    if is_admin {
        let acting = requester.membership.as_ref().and_then(|(_, acting)| acting.org_role.as_ref());
        let manages = acting
            .zip(member.org_role.as_ref())
            .is_some_and(|(acting, role)| context.roles.can_manage(acting, role));
        return if manages { Ok(()) } else { Err(Refusal::RemovalOfHigher) };
    }
    let may_invite =
        !context.organization.1.flag("disable_member_invite") && scopes.contains("member:invite");
    if !may_invite || !member.is_pending() {
        return Err(Refusal::RemovalWithoutScope);
    }
    let user = requester.user.as_ref().map(|(id, _)| *id);
    if member.inviter.is_some() && member.inviter == user {
        Ok(())
    } else {
        Err(Refusal::RemovalOfAnothersInvitation)
    }
}

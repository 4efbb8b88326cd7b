//! The transfer of ownership (behaviour.md D25): one decision over two members, whose events are appended together.

use std::sync::Arc;

use super::{
    InviteStatus, Member, MemberEvent, MemberFlag, TeamNames,
    decide::{allow_teams, role_change},
    teams::{Wanted, change_teams},
};
use crate::{
    access::Requester,
    id::{MemberId, OrganizationId},
    organization::{Feature, Organization},
    refusal::{FieldError, Refusal},
    roles::{RoleId, Roles},
};

const NOT_A_MEMBER: &str = "The new owner must be a member of the organization whose account is active.";
const ALREADY_OWNER: &str = "You are an owner of the organization already.";

/// What the decision looks at besides the two members.
#[derive(Debug, Clone)]
pub struct TransferContext {
    /// Who asks: an owner.
    pub requester: Requester,
    /// The organization that the path names.
    pub organization: (OrganizationId, Arc<Organization>),
    /// The roles in force.
    pub roles: Arc<Roles>,
    /// The member who is to be an owner.
    pub to: MemberId,
    /// Whether his account is active.
    pub active: bool,
    /// The names of the teams of both, for the order of events.
    pub names: TeamNames,
    /// What was wrong with the form of the body.
    pub malformed: Option<FieldError>,
}

/// What it means for `member`, who is to be an owner; all checks of the transfer.
pub(super) fn take_ownership(
    member: &Member,
    context: &TransferContext,
) -> Result<Vec<MemberEvent>, Refusal> {
    let (id, organization) = &context.organization;
    let requester = &context.requester;
    requester.gate(*id, organization, &context.roles, &["org:admin"], false)?;
    if requester.user.is_none() {
        return Err(Refusal::UserTokenRequired);
    }
    let top = context.roles.top();
    let own = requester.membership.as_ref().filter(|(_, own)| own.org_role.as_ref() == Some(top));
    let Some((own_id, own)) = own else { return Err(Refusal::NoPermission) };
    if let Some(error) = &context.malformed {
        return Err(Refusal::InvalidFields { errors: vec![error.clone()] });
    }
    if *own_id == context.to {
        return Err(wrong_member(ALREADY_OWNER));
    }
    let is_here = member.exists() && member.organization == Some(*id);
    let is_claimed = member.user.is_some() && member.invite_status == InviteStatus::Approved;
    let is_suspended = member.flags.contains(&MemberFlag::MemberLimitRestricted);
    if !is_here || !is_claimed || !context.active || is_suspended {
        return Err(wrong_member(NOT_A_MEMBER));
    }
    if [member, own].iter().any(|one| one.flags.contains(&MemberFlag::PartnershipRestricted)) {
        return Err(Refusal::PartnershipRestricted);
    }
    allow_teams(top, !member.teams.is_empty(), &context.roles)?;
    allow_teams(below_top(context)?, !own.teams.is_empty(), &context.roles)?;
    Ok(change(member, top, context.active, context))
}

/// What it means for the requester, whose role becomes the one below. Decided after [`take_ownership`].
pub(super) fn yield_ownership(
    member: &Member,
    context: &TransferContext,
) -> Result<Vec<MemberEvent>, Refusal> {
    Ok(change(member, below_top(context)?, true, context))
}

fn wrong_member(text: &str) -> Refusal {
    Refusal::InvalidFields { errors: vec![FieldError::new("member", text)] }
}

/// The highest role below the top one that can be given.
fn below_top(context: &TransferContext) -> Result<&RoleId, Refusal> {
    let retired = |role: &RoleId| {
        context.organization.1.has_feature(Feature::TeamRoles) && context.roles.is_retired(role)
    };
    let mut lower = context.roles.org_roles().iter().rev().skip(1).map(|role| &role.id);
    lower.find(|role| !retired(role)).ok_or(Refusal::RoleNotAssignable)
}

fn change(member: &Member, to: &RoleId, active: bool, context: &TransferContext) -> Vec<MemberEvent> {
    let Some(changed) = role_change(member, to, active, &context.roles) else { return vec![] };
    let wanted = Wanted { org_role: Some((to, &context.roles)), teams: None };
    [changed].into_iter().chain(change_teams(member, &wanted, &context.names)).collect()
}

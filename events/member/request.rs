//! Requests: a member proposes to invite an address, somebody asks to be let in, and what becomes of either
//! (behaviour.md 4.6). Each is the whole of an endpoint as one decision: all checks in their order, then all events.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Assignment, InviteStatus, Member, MemberEvent, MemberUpdate, NewInvitation, UpdateContext,
    decide::{request_invite, request_to_join, role_change},
    fields::names,
    teams::{Wanted, change_teams},
    update::{Checked, check_fields, check_teams},
};
use crate::{
    id::OrganizationId,
    organization::{Feature, Organization},
    personal::{EmailAddress, Personal},
    refusal::{FieldError, Refusal},
    roles::{RoleId, Roles, ScopeSet},
    time::Timestamp,
};

/// Any of these lets somebody see requests, and propose an address.
const SEEING: &[&str] = &["member:read", "member:write", "member:admin"];

/// Any of these lets somebody edit, approve and reject requests.
const ANSWERING: &[&str] = &["member:write", "member:admin"];

/// What a PUT of a request asks for.
#[derive(Debug, Clone, Default)]
pub struct RequestUpdate {
    /// Role and teams that the request is to have.
    pub fields: MemberUpdate,
    /// Whether it becomes an invitation.
    pub approve: bool,
    /// When the token of the invitation stops being valid.
    pub expires_at: Timestamp,
}

/// What the decision about somebody who asks to be let in looks at.
#[derive(Debug, Clone)]
pub struct JoinContext {
    /// The organization that the path names.
    pub organization: (OrganizationId, Arc<Organization>),
    /// The roles in force.
    pub roles: Arc<Roles>,
    /// His address.
    pub email: Personal<EmailAddress>,
    /// Whether a member, an invitation or a request has this address in the organization.
    pub is_known: bool,
}

/// Whether requests to join are taken and shown: unless the organization has said no.
pub fn takes_join_requests(organization: &Organization) -> bool {
    organization.options.get("allowJoinRequests") != Some(&Value::Bool(false))
}

/// Whether anybody may ask to be let in at all, whoever he is.
pub fn may_ask_to_join(organization: &Organization) -> Result<(), Refusal> {
    if !takes_join_requests(organization) {
        return Err(Refusal::JoinRequestsNotTaken);
    }
    if organization.sso.is_some() { Err(Refusal::JoinedThroughProvider) } else { Ok(()) }
}

/// What asking to be let in does: nothing for an address that is known, which is not told either.
pub(super) fn ask_to_join(member: &Member, context: &JoinContext) -> Result<Vec<MemberEvent>, Refusal> {
    let (id, organization) = &context.organization;
    may_ask_to_join(organization)?;
    if context.is_known {
        return Ok(vec![]);
    }
    // A role that is no longer defined is nobody's: who asks is not told what the organization has to mend.
    let defined = |role: &&RoleId| context.roles.org_role(role.as_str()).is_some();
    let org_role = organization.default_role.as_ref().filter(defined);
    let asked = NewInvitation {
        organization: *id,
        email: context.email.clone(),
        org_role: org_role.unwrap_or_else(|| context.roles.default_org_role()).clone(),
        teams: vec![],
        inviter: None,
        imported: false,
        roles: Arc::clone(&context.roles),
    };
    request_to_join(member, asked)
}

/// What a POST of a request does. Any role may be proposed: who approves it is asked whether he may give it.
pub(super) fn propose(
    member: &Member,
    proposal: &MemberUpdate,
    context: &UpdateContext,
) -> Result<Vec<MemberEvent>, Refusal> {
    let (id, organization) = &context.organization;
    context.requester.gate(*id, organization, &context.roles, SEEING, false)?;
    let checked = check(proposal, context, errors_of_address(proposal, context))?;
    if organization.sso.as_ref().is_some_and(|provider| !provider.allow_unlinked) {
        return Err(Refusal::ProviderRegisters);
    }
    let email = proposal.email.clone().ok_or(Refusal::NotFound)?;
    let proposed = NewInvitation {
        organization: *id,
        email,
        org_role: checked.org_role.unwrap_or_else(|| context.roles.default_org_role().clone()),
        teams: checked.teams.unwrap_or_default(),
        inviter: context.requester.user.as_ref().map(|(id, _)| *id),
        imported: false,
        roles: Arc::clone(&context.roles),
    };
    request_invite(member, proposed)
}

/// What a PUT of a request does. An edit that is refused together with its approval changes nothing.
pub(super) fn update_request(
    member: &Member,
    update: &RequestUpdate,
    context: &UpdateContext,
) -> Result<Vec<MemberEvent>, Refusal> {
    let scopes = answerable(member, context)?;
    let checked = check(&update.fields, context, None)?;
    check_teams(member, &checked, context)?;
    let Checked { org_role, teams } = checked;
    let current = member.org_role.as_ref().ok_or(Refusal::NotFound)?;
    if update.approve {
        let role = org_role.as_ref().unwrap_or(current);
        if let Some(message) = against_approval(member, role, &scopes, context) {
            return Err(Refusal::InvalidFields { errors: vec![FieldError::new("approve", message)] });
        }
    }
    let role = org_role.as_ref().filter(|role| *role != current);
    let change = role.and_then(|role| role_change(member, role, false, &context.roles));
    let wanted = Wanted { org_role: role.map(|role| (role, &*context.roles)), teams: teams.as_deref() };
    let edits = change.into_iter().chain(change_teams(member, &wanted, &names(&context.teams)));
    let approved = MemberEvent::InviteApproved { generation: 1, expires_at: update.expires_at };
    Ok(edits.chain(update.approve.then_some(approved)).collect())
}

/// What a DELETE of a request does.
pub(super) fn reject_by(member: &Member, context: &UpdateContext) -> Result<Vec<MemberEvent>, Refusal> {
    answerable(member, context)?;
    Ok(vec![rejected(member)?])
}

/// The rejection of the request that `member` is.
pub(super) fn rejected(member: &Member) -> Result<MemberEvent, Refusal> {
    Ok(MemberEvent::InviteRequestRejected {
        status: member.invite_status,
        role: member.org_role.clone().ok_or(Refusal::NotFound)?,
        teams: member.teams.keys().copied().collect(),
        addresses: member.addresses.iter().cloned().collect(),
    })
}

/// Lets the requester pass who may answer requests, when this is one.
fn answerable(member: &Member, context: &UpdateContext) -> Result<ScopeSet, Refusal> {
    let (id, organization) = &context.organization;
    let scopes = context.requester.gate(*id, organization, &context.roles, ANSWERING, false)?;
    let here = member.exists() && member.organization == Some(*id);
    if here && member.invite_status != InviteStatus::Approved { Ok(scopes) } else { Err(Refusal::NotFound) }
}

/// The body, checked, together with what else is wrong. Team roles are kept where invitations give them (D24).
fn check(
    fields: &MemberUpdate,
    context: &UpdateContext,
    besides: Option<FieldError>,
) -> Result<Checked, Refusal> {
    let every_role: Vec<_> = context.roles.org_roles().iter().map(|role| role.id.clone()).collect();
    let Checked { org_role, teams } = match (check_fields(fields, context, &every_role), besides) {
        (checked, None) => checked?,
        (Ok(_), Some(error)) => return Err(Refusal::InvalidFields { errors: vec![error] }),
        (Err(Refusal::InvalidFields { mut errors }), Some(error)) => {
            errors.push(error);
            return Err(Refusal::InvalidFields { errors });
        }
        (Err(refusal), Some(_)) => return Err(refusal),
    };
    let given = context.organization.1.has_feature(Feature::InviteTeamRoles);
    let kept = |entry: Assignment| Assignment { role: entry.role.filter(|_| given), ..entry };
    Ok(Checked { org_role, teams: teams.map(|teams| teams.into_iter().map(kept).collect()) })
}

/// What is wrong with the address of a proposal besides its form, and besides being a member's.
fn errors_of_address(proposal: &MemberUpdate, context: &UpdateContext) -> Option<FieldError> {
    let is_malformed = proposal.malformed.iter().any(|error| error.field == "email");
    if proposal.email.is_none() {
        return (!is_malformed).then(|| FieldError::new("email", "This field is required."));
    }
    let holder = context.email_holder.as_ref()?;
    let is_request = holder.member.invite_status != InviteStatus::Approved;
    let text = format!("There is an existing invite request for {}", holder.address);
    is_request.then(|| FieldError::new("email", text))
}

/// What stands against making the request an invitation with this role.
fn against_approval(
    member: &Member,
    role: &RoleId,
    scopes: &ScopeSet,
    context: &UpdateContext,
) -> Option<String> {
    let organization = &context.organization.1;
    if !organization.has_feature(Feature::InviteMembers) {
        return Some("Your organization is not allowed to invite members.".into());
    }
    if member.invite_status == InviteStatus::RequestedToJoin && !takes_join_requests(organization) {
        return Some("Your organization does not allow requests to join.".into());
    }
    let allowed = context.requester.allowed_org_roles(scopes, organization, &context.roles, false);
    if !allowed.contains(role) {
        return Some(format!(
            "You do not have permission to approve a member invitation with the role {role}."
        ));
    }
    // Nobody is invited as it (behaviour.md 1.3), and this is an invitation now.
    let is_retired = organization.has_feature(Feature::TeamRoles) && context.roles.is_retired(role);
    is_retired.then(|| format!("The role '{role}' is deprecated and may no longer be assigned."))
}

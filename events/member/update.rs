//! The whole of PUT member as one decision: all checks in their order, then all events (behaviour.md 2.3, D3-D5).

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Assignment, InviteStatus, Member, MemberEvent, MemberFlag,
    decide::{allow_teams, role_change},
    fields::{Named, check_email, names, without_roles},
    reinvite::reinvite,
    teams::{Wanted, change_teams},
};
use crate::{
    access::Requester,
    id::{MemberId, OrganizationId, TeamId},
    organization::{Feature, Organization},
    personal::{EmailAddress, Personal},
    refusal::{FieldError, Refusal},
    roles::{RoleId, Roles, ScopeSet},
    team::Team,
    time::Timestamp,
};

/// One entry of `teamRoles`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamRoleEntry {
    /// Slug of the team.
    pub team: String,
    /// Id of the explicit role; none to have none.
    pub role: Option<String>,
}

/// What a PUT asks for. Absent is unchanged; an empty list is none.
#[derive(Debug, Clone, Default)]
pub struct MemberUpdate {
    /// An address; checked, then ignored.
    pub email: Option<Personal<EmailAddress>>,
    /// The organization role.
    pub org_role: Option<String>,
    /// The same under its old name; `org_role` wins.
    pub role: Option<String>,
    /// Slugs of the teams, without roles.
    pub teams: Option<Vec<String>>,
    /// The teams with roles; wins over `teams`.
    pub team_roles: Option<Vec<TeamRoleEntry>>,
    /// Send the invitation again.
    pub reinvite: bool,
    /// With a new token; means nothing without `reinvite`.
    pub regenerate: bool,
    /// Whether the body had any key besides `reinvite` and `regenerate`.
    pub has_other_keys: bool,
    /// What was wrong with the form of the body; reported together with what is wrong with its content.
    pub malformed: Vec<FieldError>,
}

/// Who has the address that the body names in the organization already.
#[derive(Debug, Clone)]
pub struct EmailHolder {
    /// The address as the request wrote it.
    pub address: String,
    /// The member.
    pub member: Arc<Member>,
}

/// What the decision looks at besides the member.
#[derive(Debug, Clone)]
pub struct UpdateContext {
    /// Who asks.
    pub requester: Requester,
    /// The organization that the path names.
    pub organization: (OrganizationId, Arc<Organization>),
    /// The member that the path names.
    pub member: MemberId,
    /// The roles in force.
    pub roles: Arc<Roles>,
    /// The member's teams and those that the body names, as far as they exist.
    pub teams: BTreeMap<TeamId, Arc<Team>>,
    /// Whether the member's account is active.
    pub active: bool,
    /// Who has the address that the body names.
    pub email_holder: Option<EmailHolder>,
    /// When.
    pub at: Timestamp,
}

impl UpdateContext {
    fn feature(&self, feature: Feature) -> bool {
        self.organization.1.has_feature(feature)
    }
}

/// The body, checked: ids instead of slugs.
pub(super) struct Checked {
    pub(super) org_role: Option<RoleId>,
    pub(super) teams: Option<Vec<Assignment>>,
}

/// What a PUT of `changes` does to `member`.
pub(super) fn update(
    member: &Member,
    changes: &MemberUpdate,
    context: &UpdateContext,
) -> Result<Vec<MemberEvent>, Refusal> {
    let needs = ["member:invite", "member:write", "member:admin"];
    let (id, organization) = &context.organization;
    let scopes = context.requester.gate(*id, organization, &context.roles, &needs, true)?;
    let here = member.exists() && member.organization == Some(*id);
    if !here || member.invite_status != InviteStatus::Approved {
        return Err(Refusal::NotFound);
    }
    if context.requester.user.is_none() {
        return Err(Refusal::UserTokenRequired);
    }
    let allowed = context.requester.allowed_org_roles(&scopes, organization, &context.roles, false);
    let checked = check_fields(changes, context, &allowed)?;
    if member.flags.contains(&MemberFlag::PartnershipRestricted) {
        return Err(Refusal::PartnershipRestricted);
    }
    gate_plain(member, changes, context, &scopes)?;
    if changes.reinvite {
        return reinvite(member, changes, context, &scopes);
    }
    check_teams(member, &checked, context)?;
    let role = checked.org_role.as_ref().filter(|role| member.org_role.as_ref() != Some(*role));
    if let Some(role) = role {
        check_role(member, role, context, &allowed)?;
    }
    let change = role.and_then(|role| role_change(member, role, context.active, &context.roles));
    let wanted =
        Wanted { org_role: role.map(|role| (role, &*context.roles)), teams: checked.teams.as_deref() };
    Ok(change.into_iter().chain(change_teams(member, &wanted, &names(&context.teams))).collect())
}

/// All errors of all fields together.
pub(super) fn check_fields(
    changes: &MemberUpdate,
    context: &UpdateContext,
    allowed: &[RoleId],
) -> Result<Checked, Refusal> {
    let mut errors = changes.malformed.clone();
    let (organization, roles) = (context.organization.0, &*context.roles);
    let named = Named { organization, roles, allowed, teams: &context.teams };
    let mut role_of = |field, value: &Option<String>| {
        let role = value.as_deref().map(|value| named.org_role(field, value)).transpose();
        role.unwrap_or_else(|error| {
            errors.push(error);
            None
        })
    };
    let org_role = role_of("orgRole", &changes.org_role);
    let role = role_of("role", &changes.role);
    let teams = check_team_fields(changes, context, &named).unwrap_or_else(|error| {
        errors.push(error);
        None
    });
    errors.extend(check_email(context.email_holder.as_ref()));
    if errors.is_empty() {
        Ok(Checked { org_role: org_role.or(role), teams })
    } else {
        Err(Refusal::InvalidFields { errors })
    }
}

/// The teams asked for; without roles on them, where team roles do not count.
fn check_team_fields(
    changes: &MemberUpdate,
    context: &UpdateContext,
    named: &Named<'_>,
) -> Result<Option<Vec<Assignment>>, FieldError> {
    let mut teams = match (&changes.team_roles, &changes.teams) {
        (Some(entries), _) => named.teams("teamRoles", entries)?,
        (None, Some(slugs)) => named.teams("teams", &without_roles(slugs))?,
        (None, None) => return Ok(None),
    };
    if !context.feature(Feature::TeamRoles) {
        for entry in &mut teams {
            entry.role = None;
        }
    }
    Ok(Some(teams))
}

/// Somebody who has `member:invite` but not `member:admin` may only send his own invitations again.
fn gate_plain(
    member: &Member,
    changes: &MemberUpdate,
    context: &UpdateContext,
    scopes: &ScopeSet,
) -> Result<(), Refusal> {
    if scopes.contains("member:admin") || !scopes.contains("member:invite") {
        return Ok(());
    }
    let may_invite = !context.organization.1.flag("disable_member_invite");
    if !may_invite || !member.is_pending() || changes.has_other_keys {
        return Err(Refusal::NoPermission);
    }
    let requester = context.requester.user.as_ref().map(|(id, _)| *id);
    if member.inviter.is_some() && member.inviter == requester {
        Ok(())
    } else {
        Err(Refusal::InvitationOfAnother)
    }
}

/// The role that results goes together with the teams that result.
pub(super) fn check_teams(
    member: &Member,
    checked: &Checked,
    context: &UpdateContext,
) -> Result<(), Refusal> {
    let any_teams = match &checked.teams {
        Some(teams) => !teams.is_empty(),
        None => member.teams.keys().any(|team| context.teams.get(team).is_some_and(|team| team.active)),
    };
    let role = checked.org_role.as_ref().or(member.org_role.as_ref()).ok_or(Refusal::NotFound)?;
    allow_teams(role, any_teams, &context.roles)
}

fn check_role(
    member: &Member,
    role: &RoleId,
    context: &UpdateContext,
    allowed: &[RoleId],
) -> Result<(), Refusal> {
    if !allowed.contains(role) {
        return Err(Refusal::RoleNotAssignable);
    }
    if !member.org_role.as_ref().is_some_and(|current| allowed.contains(current)) {
        return Err(Refusal::RoleNotChangeable);
    }
    if member.user.is_some() && context.requester.user.as_ref().map(|(id, _)| *id) == member.user {
        return Err(Refusal::OwnRole);
    }
    if context.feature(Feature::TeamRoles) && context.roles.is_retired(role) {
        return Err(Refusal::RoleRetired { role: role.clone() });
    }
    Ok(())
}

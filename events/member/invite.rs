//! The whole of POST members as one decision: all checks in their order, then all events (behaviour.md 4.2, 4.3, D24,
//! D39).

use std::{collections::BTreeMap, sync::Arc};

use compact_str::{CompactString, format_compact};

use super::{
    AssignedHow, Assignment, EmailHolder, InvitationCount, InviteStatus, Member, MemberEvent, TeamRoleEntry,
    fields::{Named, check_email, names, without_roles},
    teams::{Wanted, change_teams},
};
use crate::{
    access::Requester,
    id::{OrganizationId, TeamId},
    organization::{Feature, Organization},
    personal::{EmailAddress, KeyedHash, Personal},
    refusal::{FieldError, Refusal},
    roles::{RoleId, Roles, ScopeSet},
    team::{Standing, Team},
    time::Timestamp,
};

/// For how many days the token of an invitation is valid.
pub const INVITATION_DAYS: i64 = 30;

/// What a POST asks for.
#[derive(Debug, Clone, Default)]
pub struct InvitationRequest {
    /// The address; none where what was sent is none, which is in `malformed` then.
    pub email: Option<Personal<EmailAddress>>,
    /// The organization role.
    pub org_role: Option<String>,
    /// The same under its old name; `org_role` wins.
    pub role: Option<String>,
    /// Slugs of the teams, without roles.
    pub teams: Vec<String>,
    /// The teams with roles; wins over `teams`, unless it is empty.
    pub team_roles: Vec<TeamRoleEntry>,
    /// No letter is to be sent.
    pub without_letter: bool,
    /// Where the invitation came from, for the link in the letter.
    pub referrer: Option<CompactString>,
    /// What was wrong with the form of the body; reported together with what is wrong with its content.
    pub malformed: Vec<FieldError>,
}

/// What the decision looks at besides the member.
#[derive(Debug, Clone)]
pub struct InvitationContext {
    /// Who asks.
    pub requester: Requester,
    /// The organization that the path names.
    pub organization: (OrganizationId, Arc<Organization>),
    /// The roles in force.
    pub roles: Arc<Roles>,
    /// The teams that the body names and those of the row that goes on, as far as they exist.
    pub teams: BTreeMap<TeamId, Arc<Team>>,
    /// Who has the address.
    pub email_holder: Option<EmailHolder>,
    /// When.
    pub at: Timestamp,
}

impl InvitationContext {
    fn feature(&self, feature: Feature) -> bool {
        self.organization.1.has_feature(feature)
    }

    fn members_may_invite(&self) -> bool {
        !self.organization.1.flag("disable_member_invite")
    }
}

/// The body, checked.
struct Checked {
    email: Personal<EmailAddress>,
    org_role: RoleId,
    teams: Vec<Assignment>,
}

/// What a POST does to `member`: a new row, or a request for the address, which goes on as the invitation.
pub(super) fn invite_by(
    member: &Member,
    asked: &InvitationRequest,
    context: &InvitationContext,
) -> Result<Vec<MemberEvent>, Refusal> {
    let needs = ["member:write", "member:admin", "member:invite"];
    let (id, organization) = &context.organization;
    let (requester, roles) = (&context.requester, &context.roles);
    let scopes = requester.gate(*id, organization, roles, &needs, false)?;
    if !scopes.any_of(&["member:write", "member:admin"]) && !context.members_may_invite() {
        return Err(Refusal::NoPermission);
    }
    if !context.feature(Feature::InviteMembers) {
        return Err(Refusal::InvitationsNotAllowed);
    }
    let allowed = assignable(asked, context, &scopes)?;
    let checked = check_fields(asked, context, &allowed)?;
    let is_request = member.exists() && member.invite_status != InviteStatus::Approved;
    if member.organization.is_some() && !is_request {
        return Err(Refusal::AlreadyExists);
    }
    check_teams(&checked, context, &scopes)?;
    let Checked { email, org_role, teams } = checked;
    let wanted: Vec<_> = teams.into_iter().map(|team| with_granted_role(team, &org_role, context)).collect();
    let change =
        change_teams(member, &Wanted { org_role: None, teams: Some(&wanted) }, &names(&context.teams));
    let invited = MemberEvent::MemberInvited {
        organization: *id,
        counted: email.hash().and_then(|address| counted(requester, organization, address)),
        email,
        org_role,
        inviter: requester.user.as_ref().map(|(id, _)| *id),
        generation: 1,
        expires_at: context.at.plus_days(INVITATION_DAYS),
        imported: false,
        without_letter: asked.without_letter,
        referrer: asked.referrer.clone(),
    };
    Ok([invited].into_iter().chain(change.into_iter().map(by_invitation)).collect())
}

fn by_invitation(event: MemberEvent) -> MemberEvent {
    match event {
        MemberEvent::TeamAssigned { team, role, .. } => {
            MemberEvent::TeamAssigned { team, role, how: AssignedHow::Invited }
        }
        other => other,
    }
}

/// What an invitation by `requester` counts for; nothing where the organization has no limits (behaviour.md 2.5).
pub(super) fn counted(
    requester: &Requester,
    organization: &Organization,
    address: &KeyedHash,
) -> Option<InvitationCount> {
    let by = match (&requester.user, requester.actor.via) {
        (Some((user, _)), _) => format_compact!("user:{user}"),
        (None, Some(token)) => format_compact!("token:{token}"),
        (None, None) => return None,
    };
    let limited = organization.has_feature(Feature::InviteMembersRateLimits);
    limited.then(|| InvitationCount { by, address: address.clone() })
}

/// The roles that the requester may invite with. An organization's own token has no role of its own: it invites with the
/// default one only.
fn assignable(
    asked: &InvitationRequest,
    context: &InvitationContext,
    scopes: &ScopeSet,
) -> Result<Vec<RoleId>, Refusal> {
    let (requester, roles) = (&context.requester, &context.roles);
    let allowed = requester.allowed_org_roles(scopes, &context.organization.1, roles, true);
    if !allowed.is_empty() || requester.integration.is_none() {
        return Ok(allowed);
    }
    let default = roles.default_org_role();
    match asked.org_role.as_ref().or(asked.role.as_ref()) {
        Some(role) if role != default.as_str() => Err(Refusal::IntegrationInvitesDefaultRole),
        _ => Ok(vec![default.clone()]),
    }
}

/// All errors of all fields together.
fn check_fields(
    asked: &InvitationRequest,
    context: &InvitationContext,
    allowed: &[RoleId],
) -> Result<Checked, Refusal> {
    let mut errors = asked.malformed.clone();
    let (organization, roles) = (context.organization.0, &*context.roles);
    let named = Named { organization, roles, allowed, teams: &context.teams };
    let mut checked = |checked: Result<Vec<Assignment>, FieldError>| {
        checked.unwrap_or_else(|error| {
            errors.push(error);
            vec![]
        })
    };
    let teams = checked(named.teams("teams", &without_roles(&asked.teams)));
    let with_roles = checked(named.teams("teamRoles", &asked.team_roles));
    let mut role_of = |field: &str, value: &Option<String>| {
        let value = value.as_deref().unwrap_or(roles.default_org_role().as_str());
        let role = named.org_role(field, value).and_then(|role| still_given(field, role, context));
        role.map_err(|error| errors.push(error)).ok()
    };
    let (org_role, role) = (role_of("orgRole", &asked.org_role), role_of("role", &asked.role));
    errors.extend(check_email(context.email_holder.as_ref()));
    let role = if asked.org_role.is_none() && asked.role.is_some() { role } else { org_role };
    match (asked.email.clone(), role) {
        (Some(email), Some(org_role)) if errors.is_empty() => {
            let teams = if with_roles.is_empty() { teams } else { with_roles };
            Ok(Checked { email, org_role, teams })
        }
        _ => Err(Refusal::InvalidFields { errors }),
    }
}

/// A retired role is kept by those who have it, and given to nobody.
fn still_given(field: &str, role: RoleId, context: &InvitationContext) -> Result<RoleId, FieldError> {
    if context.feature(Feature::TeamRoles) && context.roles.is_retired(&role) {
        let text = format!("The role '{role}' is deprecated and may no longer be assigned.");
        return Err(FieldError::new(field, text));
    }
    Ok(role)
}

fn check_teams(checked: &Checked, context: &InvitationContext, scopes: &ScopeSet) -> Result<(), Refusal> {
    if checked.teams.is_empty() {
        return Ok(());
    }
    let is_plain = !scopes.contains("member:admin") && scopes.contains("member:invite");
    let is_closed = !context.organization.1.flag("allow_joinleave");
    if is_plain && is_closed && context.members_may_invite() {
        let acting = context.requester.membership.as_ref().map(|(_, acting)| acting);
        let is_on = |team: &TeamId| acting.is_some_and(|acting| acting.teams.contains_key(team));
        if !checked.teams.iter().all(|entry| is_on(&entry.team)) {
            return Err(Refusal::TeamsOfOthers);
        }
    }
    if context.roles.allows_teams(&checked.org_role) {
        Ok(())
    } else {
        Err(Refusal::InvitationWithTeams { role: checked.org_role.clone() })
    }
}

/// The team with the role that was asked for on it, where invitations give team roles, this requester could give it, and
/// it says something beside the organization role (behaviour.md D24); else without one.
fn with_granted_role(
    Assignment { team, role }: Assignment,
    org_role: &RoleId,
    context: &InvitationContext,
) -> Assignment {
    let given = context.feature(Feature::InviteTeamRoles) && context.feature(Feature::TeamRoles);
    let (id, organization) = &context.organization;
    let standing = Standing::new(&context.requester, (*id, organization), &context.roles, team);
    let role = role
        .filter(|role| given && !context.roles.redundant_team_role(org_role, role) && standing.may_set(role));
    Assignment { team, role }
}

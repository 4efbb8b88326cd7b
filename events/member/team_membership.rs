//! One member on one team: the whole of POST, PUT and DELETE team membership and of the answer to a request to join,
//! each as one decision (behaviour.md 5.1 to 5.5).

use std::sync::Arc;

use super::{
    AssignedHow, Member, MemberEvent,
    decide::{change_team_role, leave_team},
};
use crate::{
    access::Requester,
    id::{MemberId, OrganizationId, TeamId},
    organization::{Feature, Organization},
    refusal::{FieldError, Refusal},
    roles::{RoleId, Roles},
    team::{Standing, Team},
};

/// The scopes of which one lets somebody ask what a membership is.
pub const MAY_LOOK: &[&str] =
    &["org:read", "org:write", "org:admin", "member:read", "member:write", "member:admin", "member:invite"];
/// The scopes of which one lets somebody ask to join, or to add another.
pub const MAY_ADD: &[&str] = &["org:read", "org:write", "team:write"];
/// The scopes of which one lets somebody ask to change a role on a team.
pub const MAY_CHANGE: &[&str] = &[
    "org:read",
    "org:write",
    "org:admin",
    "member:read",
    "member:write",
    "member:admin",
    "member:invite",
    "team:write",
    "team:admin",
];
/// The scopes of which one lets somebody ask to leave, or to take another off.
pub const MAY_REMOVE: &[&str] = &["org:read", "org:write", "org:admin", "team:admin"];

/// What a decision about one member on one team looks at besides the member.
#[derive(Debug, Clone)]
pub struct OnTeamContext {
    /// Who asks.
    pub requester: Requester,
    /// The organization that the path names.
    pub organization: (OrganizationId, Arc<Organization>),
    /// The member that the path names.
    pub member: MemberId,
    /// The team that the path names.
    pub team: (TeamId, Arc<Team>),
    /// The roles in force.
    pub roles: Arc<Roles>,
}

impl OnTeamContext {
    /// The requester in the face of the team.
    pub fn standing(&self) -> Standing<'_> {
        let (id, organization) = &self.organization;
        Standing::new(&self.requester, (*id, organization), &self.roles, self.team.0)
    }

    /// Whether the requester asks for himself.
    pub fn is_own(&self) -> bool {
        self.requester.membership.as_ref().is_some_and(|(acting, _)| *acting == self.member)
    }

    /// Lets the requester pass who has one of the scopes, when there is such a member and such a team.
    fn pass(&self, member: &Member, needs: &[&str]) -> Result<(), Refusal> {
        let (id, organization) = &self.organization;
        self.requester.gate(*id, organization, &self.roles, needs, false)?;
        self.find(member)
    }

    fn find(&self, member: &Member) -> Result<(), Refusal> {
        let (id, _) = &self.organization;
        let (_, team) = &self.team;
        let member_is_here = member.exists() && member.organization == Some(*id);
        let team_is_here = team.active && team.organization == Some(*id);
        if member_is_here && team_is_here { Ok(()) } else { Err(Refusal::NotFound) }
    }
}

/// The role that a PUT asks for.
#[derive(Debug, Clone, Default)]
pub struct TeamRoleWanted {
    /// Id of the role; none to change nothing.
    pub role: Option<String>,
    /// What was wrong with the form of the body.
    pub malformed: Vec<FieldError>,
}

/// Puts the member onto the team, or asks those who may (behaviour.md 5.2).
pub(super) fn join_by(member: &Member, context: &OnTeamContext) -> Result<Vec<MemberEvent>, Refusal> {
    context.pass(member, MAY_ADD)?;
    let role = member.org_role.as_ref().ok_or(Refusal::NotFound)?;
    if !context.roles.allows_teams(role) {
        return Err(Refusal::TeamMembershipNotAllowed { role: role.clone() });
    }
    let team = context.team.0;
    if member.teams.contains_key(&team) {
        return Ok(vec![]);
    }
    if context.team.1.idp_provisioned {
        return Err(Refusal::TeamIdentityProviderManaged);
    }
    if context.standing().may_add() {
        return Ok(vec![MemberEvent::TeamAssigned { team, role: None, how: AssignedHow::Joined }]);
    }
    if member.access_requests.contains_key(&team) {
        return Ok(vec![]);
    }
    let requester = context.requester.user.as_ref().map(|(id, _)| *id).filter(|_| !context.is_own());
    Ok(vec![MemberEvent::TeamAccessRequested { team, requester }])
}

/// Takes the member off the team (behaviour.md 5.3).
pub(super) fn leave_by(member: &Member, context: &OnTeamContext) -> Result<Vec<MemberEvent>, Refusal> {
    context.pass(member, MAY_REMOVE)?;
    if !context.is_own() && !context.standing().may_remove() {
        return Err(Refusal::TeamMembershipNotEditable);
    }
    if context.team.1.idp_provisioned {
        return Err(Refusal::TeamIdentityProviderManaged);
    }
    Ok(leave_team(member, context.team.0))
}

/// Changes the explicit role on the team (behaviour.md 5.4).
pub(super) fn change_role_by(
    member: &Member,
    wanted: &TeamRoleWanted,
    context: &OnTeamContext,
) -> Result<Vec<MemberEvent>, Refusal> {
    context.pass(member, MAY_CHANGE)?;
    let team = context.team.0;
    let explicit = member.teams.get(&team).ok_or(Refusal::NotFound)?;
    let Some(role) = context.role_to_set(wanted)? else { return Ok(vec![]) };
    let org_role = member.org_role.as_ref().ok_or(Refusal::NotFound)?;
    let current = explicit.as_ref().unwrap_or_else(|| context.roles.minimum_team_role(org_role));
    let standing = context.standing();
    if !standing.may_set(&role) || !standing.may_set(current) {
        return Err(Refusal::TeamMembershipNotEditable);
    }
    change_team_role(member, team, role, &context.roles)
}

impl OnTeamContext {
    /// The role that is to be set; none when nothing is: none is given, or roles on teams are off.
    pub fn role_to_set(&self, wanted: &TeamRoleWanted) -> Result<Option<RoleId>, Refusal> {
        let mut errors = wanted.malformed.clone();
        let role = wanted.role.as_deref().and_then(|text| {
            let found = self.roles.team_role(text).map(|role| role.id.clone());
            if found.is_none() {
                errors.push(FieldError::new("teamRole", format!("\"{text}\" is not a valid choice.")));
            }
            found
        });
        if !errors.is_empty() {
            return Err(Refusal::InvalidFields { errors });
        }
        Ok(role.filter(|_| self.organization.1.has_feature(Feature::TeamRoles)))
    }
}

/// What a PUT says about a request to join a team.
#[derive(Debug, Clone, Default)]
pub struct AccessAnswer {
    /// Whether the member may join.
    pub is_approved: Option<bool>,
    /// What was wrong with the form of the body.
    pub malformed: Vec<FieldError>,
}

/// Answers the request that the member may join the team (behaviour.md 5.5). Granting what he has already changes
/// nothing: whoever else let him in has answered the request.
pub(super) fn answer_by(
    member: &Member,
    answer: &AccessAnswer,
    context: &OnTeamContext,
) -> Result<Vec<MemberEvent>, Refusal> {
    let (id, organization) = &context.organization;
    context.requester.admit(*id, organization, false)?;
    context.find(member)?;
    let team = context.team.0;
    let is_on = member.teams.contains_key(&team);
    let is_open = member.access_requests.contains_key(&team) && !is_on;
    if !is_open && !is_on {
        return Err(Refusal::NotFound);
    }
    let standing = context.standing();
    let may = standing.has_in_organization(&["org:admin", "org:write", "member:admin", "member:write"])
        || standing.has_any(&["team:admin", "team:write"]).is_some();
    if !may {
        return Err(Refusal::NoPermission);
    }
    let mut errors = answer.malformed.clone();
    if answer.is_approved.is_none() && errors.is_empty() {
        errors.push(FieldError::new("isApproved", "This field is required."));
    }
    if !errors.is_empty() {
        return Err(Refusal::InvalidFields { errors });
    }
    let granted = MemberEvent::TeamAccessApproved { team };
    let assigned = MemberEvent::TeamAssigned { team, role: None, how: AssignedHow::Joined };
    match (answer.is_approved == Some(true), is_open) {
        (true, true) => Ok(vec![granted, assigned]),
        (true, false) => Ok(vec![]),
        (false, true) => Ok(vec![MemberEvent::TeamAccessDenied { team }]),
        (false, false) => Err(Refusal::NotFound),
    }
}

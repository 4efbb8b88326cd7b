//! What each command does. One function per command; the two that are whole endpoints have files of their own.

use std::collections::BTreeSet;

use super::{
    AssignedHow, Assignment, Member, MemberCommand, MemberEvent, MemberFlag, NewInvitation, NewMember,
    Ownership, RemovalReason, TeamNames, UnassignedHow,
    accept::accept,
    consequence::follow,
    end::expire,
    invite::invite_by,
    remove::remove_by,
    request::{ask_to_join, propose, reject_by, update_request},
    team_membership,
    teams::{Wanted, change_teams},
    transfer::{take_ownership, yield_ownership},
    update::update,
};
use crate::{
    id::TeamId,
    personal::KeyedHash,
    refusal::Refusal,
    roles::{RoleId, Roles},
    time::Timestamp,
};

pub(super) fn decide(member: &Member, command: MemberCommand) -> Result<Vec<MemberEvent>, Refusal> {
    match command {
        MemberCommand::Invite(new, expires_at) => invite(member, new, expires_at),
        MemberCommand::AddMember(new) => add(member, new),
        MemberCommand::RequestInvite(new) => request_invite(member, new),
        MemberCommand::RequestToJoin(new) => request_to_join(member, new),
        MemberCommand::InviteBy(asked, context) => invite_by(member, &asked, &context),
        MemberCommand::AcceptInvite(context) => accept(member, &context),
        MemberCommand::Update(changes, context) => update(member, &changes, &context),
        MemberCommand::RemoveBy(context) => remove_by(member, &context),
        MemberCommand::Follow(cause) => follow(member, cause),
        MemberCommand::AskToJoin(context) => ask_to_join(member, &context),
        MemberCommand::Propose(proposal, context) => propose(member, &proposal, &context),
        MemberCommand::UpdateRequest(changes, context) => update_request(member, &changes, &context),
        MemberCommand::RejectBy(context) => reject_by(member, &context),
        MemberCommand::JoinTeamBy(context) => team_membership::join_by(member, &context),
        MemberCommand::LeaveTeamBy(context) => team_membership::leave_by(member, &context),
        MemberCommand::ChangeTeamRoleBy(wanted, context) => {
            team_membership::change_role_by(member, &wanted, &context)
        }
        MemberCommand::AnswerTeamAccess(answer, context) => {
            team_membership::answer_by(member, &answer, &context)
        }
        MemberCommand::TakeOwnership(context) => take_ownership(member, &context),
        _ if !member.exists() => Err(Refusal::NotFound),
        MemberCommand::ChangeOrgRole { to, active, roles, names } => {
            change_org_role(member, &to, active, &roles, &names)
        }
        MemberCommand::AssignTeams { teams, names } => Ok(assign_teams(member, &teams, &names)),
        MemberCommand::JoinTeam { team, roles } => join_team(member, team, &roles),
        MemberCommand::LeaveTeam { team } => Ok(leave_team(member, team)),
        MemberCommand::ChangeTeamRole { team, role, roles } => change_team_role(member, team, role, &roles),
        MemberCommand::LinkSso { provider } => {
            Ok(unless(member.flags.contains(&MemberFlag::SsoLinked), MemberEvent::SsoLinked { provider }))
        }
        MemberCommand::SetFlag(flag) => {
            Ok(unless(member.flags.contains(&flag), MemberEvent::MemberFlagSet { flag }))
        }
        MemberCommand::ClearFlag(flag) => {
            Ok(unless(!member.flags.contains(&flag), MemberEvent::MemberFlagCleared { flag }))
        }
        MemberCommand::ExpireInvite { now } => Ok(expire(member, now)),
        MemberCommand::YieldOwnership(context) => yield_ownership(member, &context),
        MemberCommand::Remove { reason, addresses } => Ok(vec![removed(member, reason, &addresses)?]),
    }
}

fn unless(already: bool, event: MemberEvent) -> Vec<MemberEvent> {
    if already { vec![] } else { vec![event] }
}

fn known(role: &RoleId, roles: &Roles) -> Result<(), Refusal> {
    if roles.org_role(role.as_str()).is_some() {
        Ok(())
    } else {
        Err(Refusal::RoleUnknown { role: role.clone() })
    }
}

/// The role goes together with having teams.
pub(super) fn allow_teams(role: &RoleId, any_teams: bool, roles: &Roles) -> Result<(), Refusal> {
    if !any_teams || roles.allows_teams(role) {
        Ok(())
    } else {
        Err(Refusal::TeamRolesNotAllowed { role: role.clone() })
    }
}

fn begin(member: &Member, org_role: &RoleId, teams: &[Assignment], roles: &Roles) -> Result<(), Refusal> {
    if member.organization.is_some() {
        return Err(Refusal::AlreadyExists);
    }
    known(org_role, roles)?;
    let mut team_roles = teams.iter().filter_map(|entry| entry.role.as_ref());
    if let Some(role) = team_roles.find(|role| roles.team_role(role.as_str()).is_none()) {
        return Err(Refusal::RoleUnknown { role: role.clone() });
    }
    allow_teams(org_role, !teams.is_empty(), roles)
}

/// A team that is named twice is joined once, as its first entry says.
fn assigned(mut teams: Vec<Assignment>, imported: bool) -> impl Iterator<Item = MemberEvent> {
    let how = if imported { AssignedHow::Imported } else { AssignedHow::Invited };
    let mut seen = BTreeSet::new();
    teams.retain(|entry| seen.insert(entry.team));
    teams.into_iter().map(move |Assignment { team, role }| MemberEvent::TeamAssigned { team, role, how })
}

fn invite(member: &Member, new: NewInvitation, expires_at: Timestamp) -> Result<Vec<MemberEvent>, Refusal> {
    begin(member, &new.org_role, &new.teams, &new.roles)?;
    let invited = MemberEvent::MemberInvited {
        organization: new.organization,
        email: new.email,
        org_role: new.org_role,
        inviter: new.inviter,
        generation: 1,
        expires_at,
        imported: new.imported,
        counted: None,
        without_letter: false,
        referrer: None,
    };
    Ok([invited].into_iter().chain(assigned(new.teams, new.imported)).collect())
}

fn add(member: &Member, new: NewMember) -> Result<Vec<MemberEvent>, Refusal> {
    begin(member, &new.org_role, &new.teams, &new.roles)?;
    let owner = new.active && new.org_role == *new.roles.top();
    let added = MemberEvent::MemberAdded {
        organization: new.organization,
        user: new.user,
        org_role: new.org_role,
        addresses: new.addresses,
        ownership: owner.then_some(Ownership::Gained),
    };
    Ok([added].into_iter().chain(assigned(new.teams, new.imported)).collect())
}

pub(super) fn request_invite(member: &Member, new: NewInvitation) -> Result<Vec<MemberEvent>, Refusal> {
    begin(member, &new.org_role, &new.teams, &new.roles)?;
    let requested = MemberEvent::InviteRequested {
        organization: new.organization,
        email: new.email,
        org_role: new.org_role,
        inviter: new.inviter,
    };
    Ok([requested].into_iter().chain(assigned(new.teams, new.imported)).collect())
}

pub(super) fn request_to_join(member: &Member, new: NewInvitation) -> Result<Vec<MemberEvent>, Refusal> {
    begin(member, &new.org_role, &new.teams, &new.roles)?;
    let NewInvitation { organization, email, org_role, .. } = new;
    let requested = MemberEvent::JoinRequested { organization, email, org_role };
    Ok([requested].into_iter().chain(assigned(new.teams, new.imported)).collect())
}

/// The change of role itself, without what it does to teams; none when the role stays.
pub(super) fn role_change(member: &Member, to: &RoleId, active: bool, roles: &Roles) -> Option<MemberEvent> {
    let from = member.org_role.clone().filter(|from| from != to)?;
    let gains = active && member.user.is_some() && to == roles.top();
    // Whoever got the top role while his account could not be used is an owner since it can be used again.
    let was = member.owner || (member.user.is_some() && from == *roles.top());
    let ownership = match (was, gains) {
        (false, true) => Some(Ownership::Gained),
        (true, false) => Some(Ownership::Lost),
        _ => None,
    };
    Some(MemberEvent::OrgRoleChanged { from, to: to.clone(), ownership })
}

fn change_org_role(
    member: &Member,
    to: &RoleId,
    active: bool,
    roles: &Roles,
    names: &TeamNames,
) -> Result<Vec<MemberEvent>, Refusal> {
    known(to, roles)?;
    allow_teams(to, !member.teams.is_empty(), roles)?;
    let Some(change) = role_change(member, to, active, roles) else { return Ok(vec![]) };
    let wanted = Wanted { org_role: Some((to, roles)), teams: None };
    Ok([change].into_iter().chain(change_teams(member, &wanted, names)).collect())
}

fn assign_teams(member: &Member, teams: &[Assignment], names: &TeamNames) -> Vec<MemberEvent> {
    let wanted = Wanted { org_role: None, teams: Some(teams) };
    change_teams(member, &wanted, names)
}

fn join_team(member: &Member, team: TeamId, roles: &Roles) -> Result<Vec<MemberEvent>, Refusal> {
    let role = member.org_role.as_ref().ok_or(Refusal::NotFound)?;
    allow_teams(role, true, roles)?;
    let joined = MemberEvent::TeamAssigned { team, role: None, how: AssignedHow::Joined };
    Ok(unless(member.teams.contains_key(&team), joined))
}

pub(super) fn leave_team(member: &Member, team: TeamId) -> Vec<MemberEvent> {
    let role = member.teams.get(&team).cloned();
    role.map(|role| MemberEvent::TeamUnassigned { team, role, how: UnassignedHow::Left })
        .into_iter()
        .collect()
}

/// Stores the role if it is strictly above what the organization role gives, else none (behaviour.md 5.4).
pub(super) fn change_team_role(
    member: &Member,
    team: TeamId,
    role: RoleId,
    roles: &Roles,
) -> Result<Vec<MemberEvent>, Refusal> {
    let from = member.teams.get(&team).cloned().ok_or(Refusal::NotFound)?;
    if roles.team_role(role.as_str()).is_none() {
        return Err(Refusal::RoleUnknown { role });
    }
    let org_role = member.org_role.as_ref().ok_or(Refusal::NotFound)?;
    let to = (!roles.redundant_team_role(org_role, &role)).then_some(role);
    let unchanged = from == to;
    Ok(unless(unchanged, MemberEvent::TeamRoleChanged { team, from, to }))
}

/// The removal of `member`, who gives back the addresses that he joined with and the `addresses` of his account.
pub(super) fn removed(
    member: &Member,
    reason: RemovalReason,
    addresses: &[KeyedHash],
) -> Result<MemberEvent, Refusal> {
    let addresses: BTreeSet<_> = member.addresses.iter().chain(addresses).cloned().collect();
    Ok(MemberEvent::MemberRemoved {
        reason,
        role: member.org_role.clone().ok_or(Refusal::NotFound)?,
        teams: member.teams.keys().copied().collect(),
        user: member.user,
        addresses: addresses.into_iter().collect(),
        ownership: member.owner.then_some(Ownership::Lost),
    })
}

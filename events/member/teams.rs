//! Changes of teams and team roles, in their fixed order.

use std::collections::BTreeMap;

use super::{AssignedHow, Assignment, Member, MemberEvent, UnassignedHow};
use crate::{
    id::TeamId,
    roles::{RoleId, Roles},
};

/// The slugs of the teams that a change touches; a team that is not named sorts last, by id.
pub type TeamNames = BTreeMap<TeamId, String>;

fn by_slug(names: &TeamNames, teams: impl IntoIterator<Item = TeamId>) -> Vec<TeamId> {
    let mut teams: Vec<_> = teams.into_iter().collect();
    teams.sort_by_key(|team| (names.get(team).is_none(), names.get(team), *team));
    teams
}

/// What is to be true of a member's role and teams after a change.
pub(super) struct Wanted<'a> {
    /// The new organization role, when it changes, with the roles in force.
    pub(super) org_role: Option<(&'a RoleId, &'a Roles)>,
    /// All teams, when they are replaced.
    pub(super) teams: Option<&'a [Assignment]>,
}

/// The events that lead from the member's teams to the wanted ones: roles cleared (by team slug), teams left,
/// teams joined, team roles changed. When the organization role changes, explicit roles that it makes redundant
/// end as none, kept and new ones alike (behaviour.md 6.1, 6.2, D5).
pub(super) fn change_teams(member: &Member, wanted: &Wanted<'_>, names: &TeamNames) -> Vec<MemberEvent> {
    let keep_or_clear = |role: Option<RoleId>| match (wanted.org_role, role) {
        (Some((org_role, roles)), Some(role)) if roles.redundant_team_role(org_role, &role) => None,
        (_, role) => role,
    };
    let after: BTreeMap<TeamId, Option<RoleId>> = match wanted.teams {
        Some(teams) => teams.iter().map(|entry| (entry.team, keep_or_clear(entry.role.clone()))).collect(),
        None => member.teams.iter().map(|(team, role)| (*team, keep_or_clear(role.clone()))).collect(),
    };
    let mut cleared = vec![];
    let mut left = vec![];
    let mut changed = vec![];
    for team in by_slug(names, member.teams.keys().copied()) {
        let before = member.teams[&team].clone();
        match (before, after.get(&team).cloned()) {
            (role, None) => {
                left.push(MemberEvent::TeamUnassigned { team, role, how: UnassignedHow::Replaced });
            }
            (Some(was), Some(None)) if keep_or_clear(Some(was.clone())).is_none() => {
                if let Some((org_role, _)) = wanted.org_role {
                    cleared.push(MemberEvent::TeamRoleCleared {
                        team,
                        was,
                        because_of_org_role: org_role.clone(),
                    });
                }
            }
            (from, Some(to)) if from != to => changed.push(MemberEvent::TeamRoleChanged { team, from, to }),
            (_, Some(_)) => {}
        }
    }
    let joined = by_slug(names, after.keys().copied().filter(|team| !member.teams.contains_key(team)))
        .into_iter()
        .map(|team| MemberEvent::TeamAssigned {
            team,
            role: after[&team].clone(),
            how: AssignedHow::Replaced,
        });
    cleared.into_iter().chain(left).chain(joined.collect::<Vec<_>>()).chain(changed).collect()
}

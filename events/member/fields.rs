//! What requests about members name, checked: roles by id, teams by slug, an address (behaviour.md 2.2).

use std::{collections::BTreeMap, sync::Arc};

use super::{Assignment, EmailHolder, InviteStatus, TeamNames, TeamRoleEntry};
use crate::{
    id::{OrganizationId, TeamId},
    refusal::FieldError,
    roles::{RoleId, Roles},
    team::Team,
};

/// The roles and teams that a request may name.
pub(super) struct Named<'a> {
    /// The organization.
    pub(super) organization: OrganizationId,
    /// The roles in force.
    pub(super) roles: &'a Roles,
    /// The organization roles that the requester may give.
    pub(super) allowed: &'a [RoleId],
    /// The teams that were looked up, as far as they exist.
    pub(super) teams: &'a BTreeMap<TeamId, Arc<Team>>,
}

impl Named<'_> {
    /// The organization role that `value` names, when the requester may give it.
    pub(super) fn org_role(&self, field: &str, value: &str) -> Result<RoleId, FieldError> {
        let Some(role) = self.roles.org_role(value) else {
            return Err(FieldError::new(field, format!("\"{value}\" is not a valid choice.")));
        };
        if self.allowed.contains(&role.id) {
            return Ok(role.id.clone());
        }
        Err(FieldError::new(field, "You do not have permission to set that org-level role"))
    }

    /// The teams that `entries` name: every role defined, every slug an active team of the organization, none twice.
    pub(super) fn teams(
        &self,
        field: &str,
        entries: &[TeamRoleEntry],
    ) -> Result<Vec<Assignment>, FieldError> {
        let defined = |role: &str| self.roles.team_role(role).map(|role| role.id.clone());
        if entries.iter().filter_map(|entry| entry.role.as_deref()).any(|role| defined(role).is_none()) {
            return Err(FieldError::new(field, "Invalid team-role"));
        }
        let mut found: BTreeMap<TeamId, Assignment> = BTreeMap::new();
        for TeamRoleEntry { team, role } in entries {
            let Some(team) = self.active_team(team) else {
                return Err(FieldError::new(field, "Invalid teams"));
            };
            let role = role.as_deref().and_then(defined);
            if found.insert(team, Assignment { team, role }).is_some() {
                return Err(FieldError::new(field, "Invalid teams"));
            }
        }
        Ok(found.into_values().collect())
    }

    fn active_team(&self, slug: &str) -> Option<TeamId> {
        let here = Some(self.organization);
        let mut active = self.teams.iter().filter(|(_, team)| team.organization == here && team.active);
        active.find(|(_, team)| team.slug == slug).map(|(id, _)| *id)
    }
}

/// Teams that are named without roles.
pub(super) fn without_roles(slugs: &[String]) -> Vec<TeamRoleEntry> {
    slugs.iter().map(|slug| TeamRoleEntry { team: slug.clone(), role: None }).collect()
}

/// The slugs of the teams, for the order of events.
pub(super) fn names(teams: &BTreeMap<TeamId, Arc<Team>>) -> TeamNames {
    teams.iter().map(|(id, team)| (*id, team.slug.clone())).collect()
}

/// Whether somebody else stands in the way of the address that a request names.
pub(super) fn check_email(holder: Option<&EmailHolder>) -> Option<FieldError> {
    let EmailHolder { address, member } = holder?;
    let state = match (member.invite_status, member.is_pending()) {
        (InviteStatus::Approved, true) => "has already been invited",
        (InviteStatus::Approved, false) => "is already a member",
        (InviteStatus::RequestedToBeInvited | InviteStatus::RequestedToJoin, _) => return None,
    };
    Some(FieldError::new("email", format!("The user {address} {state}")))
}

//! The lists of roles in a member's details and in an organization.

use muster_events::roles::{OrgRole, RoleId, Roles, ScopeSet, TeamRole};
use serde::Serialize;
use utoipa::ToSchema;

/// An organization role, as a requester sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct OrgRoleShape {
    id: String,
    name: String,
    desc: String,
    #[schema(value_type = Vec<String>)]
    scopes: ScopeSet,
    allowed: bool,
    is_allowed: bool,
    is_retired: bool,
    is_team_roles_allowed: bool,
    #[serde(rename = "is_global")]
    is_global_deprecated: bool,
    is_global: bool,
    minimum_team_role: String,
}

/// A team role, as a requester sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct TeamRoleShape {
    id: String,
    name: String,
    desc: String,
    #[schema(value_type = Vec<String>)]
    scopes: ScopeSet,
    allowed: bool,
    is_allowed: bool,
    is_retired: bool,
    is_team_roles_allowed: bool,
    #[schema(required)]
    is_minimum_role_for: Option<String>,
}

/// All organization roles by priority; `allowed` are those that the requester may give.
pub(in crate::http) fn org_roles(
    roles: &Roles,
    allowed: &[RoleId],
    team_roles_feature: bool,
) -> Vec<OrgRoleShape> {
    let shape = |role: &OrgRole| {
        let is_allowed = allowed.contains(&role.id);
        OrgRoleShape {
            id: role.id.to_string(),
            name: role.name.to_string(),
            desc: role.description.clone(),
            scopes: role.scopes.clone(),
            allowed: is_allowed,
            is_allowed,
            is_retired: role.retired && team_roles_feature,
            is_team_roles_allowed: role.team_roles_allowed,
            is_global_deprecated: role.global,
            is_global: role.global,
            minimum_team_role: roles.minimum_team_role(&role.id).to_string(),
        }
    };
    roles.org_roles().iter().map(shape).collect()
}

/// All team roles by priority. A requester may give those that his organization role has everywhere, or below.
pub(in crate::http) fn team_roles(
    roles: &Roles,
    own_role: Option<&RoleId>,
    superuser: bool,
) -> Vec<TeamRoleShape> {
    let own = own_role.and_then(|role| roles.team_priority(roles.minimum_team_role(role)));
    let shape = |role: &TeamRole| {
        let is_allowed = superuser || own.is_some_and(|own| roles.team_priority(&role.id) <= Some(own));
        TeamRoleShape {
            id: role.id.to_string(),
            name: role.name.to_string(),
            desc: role.description.clone(),
            scopes: role.scopes.clone(),
            allowed: is_allowed,
            is_allowed,
            is_retired: false,
            is_team_roles_allowed: true,
            is_minimum_role_for: role.minimum_role_for.as_ref().map(ToString::to_string),
        }
    };
    roles.team_roles().iter().map(shape).collect()
}

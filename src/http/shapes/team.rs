//! A team, as a viewer sees it (behaviour.md 9.4).

use std::collections::BTreeMap;

use muster_events::{
    organization::{Feature, Organization},
    roles::{RoleId, Roles, ScopeSet},
    time::Timestamp,
};
use muster_projections::teams::ListedTeam;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Avatar, organization::Summary};

/// A team.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Team {
    id: String,
    slug: String,
    name: String,
    #[schema(value_type = String, format = DateTime)]
    date_created: Timestamp,
    is_member: bool,
    /// The effective role of the viewer; null when he is not on the team.
    #[schema(required)]
    team_role: Option<String>,
    flags: BTreeMap<&'static str, bool>,
    #[schema(value_type = Vec<String>)]
    access: ScopeSet,
    has_access: bool,
    is_pending: bool,
    member_count: u64,
    avatar: Avatar,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    organization: Option<Box<Summary>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    projects: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_teams: Option<Vec<Value>>,
}

impl Team {
    /// With the lists of what belongs to it elsewhere, of which nothing is kept here.
    pub(in crate::http) fn detailed(self) -> Self {
        Self { projects: Some(vec![]), external_teams: Some(vec![]), ..self }
    }

    /// With the organization that it is in.
    pub(in crate::http) fn within(self, organization: Summary) -> Self {
        Self { organization: Some(Box::new(organization)), ..self }
    }
}

/// Who looks at teams.
#[derive(Debug)]
pub(in crate::http) struct Viewer<'a> {
    /// His organization role; none for those who are not members.
    pub(in crate::http) org_role: Option<&'a RoleId>,
    /// Whether he may do everything.
    pub(in crate::http) superuser: bool,
    /// What he may do in the organization, which the token may limit.
    pub(in crate::http) scopes: &'a ScopeSet,
    /// What his token is limited to, implied scopes included; none for no limit.
    pub(in crate::http) token_limit: Option<ScopeSet>,
    /// The organization.
    pub(in crate::http) organization: &'a Organization,
    /// The roles in force.
    pub(in crate::http) roles: &'a Roles,
}

impl Viewer<'_> {
    /// The team.
    pub(in crate::http) fn see(&self, listed: &ListedTeam) -> Team {
        let role = listed.viewer.as_ref().and_then(|on| self.effective_role(on.role.as_ref()));
        let open = self.organization.flag("allow_joinleave");
        let global = self.org_role.is_some_and(|role| self.roles.is_global(role));
        let has_access = listed.viewer.is_some() || self.superuser || open || global;
        let access = match role {
            _ if !has_access => ScopeSet::default(),
            Some(role) => {
                let on_team = self.roles.team_scopes(role, &self.organization.scope_options());
                self.token_limit.as_ref().map_or_else(|| on_team.clone(), |limit| on_team.intersection(limit))
            }
            None => self.scopes.clone(),
        };
        Team {
            id: listed.team.id.to_string(),
            slug: listed.team.slug.clone(),
            name: listed.team.name.clone(),
            date_created: listed.team.created_at,
            is_member: listed.viewer.is_some(),
            team_role: role.map(ToString::to_string),
            flags: BTreeMap::from([("idp:provisioned", listed.team.idp_provisioned)]),
            access,
            has_access,
            is_pending: listed.pending,
            member_count: listed.members,
            avatar: Avatar::letter(),
            organization: None,
            projects: None,
            external_teams: None,
        }
    }

    fn effective_role(&self, explicit: Option<&RoleId>) -> Option<&RoleId> {
        let feature = self.organization.has_feature(Feature::TeamRoles);
        self.org_role.and_then(|role| self.roles.effective_team_role(role, explicit, feature))
    }
}

//! What somebody may do on one team, by his role in the organization and by his role on the team (behaviour.md 1.2, 5).

use crate::{
    access::Requester,
    id::{OrganizationId, TeamId},
    organization::{Feature, Organization},
    roles::{RoleId, Roles, ScopeSet},
};

/// Scopes of the organization by which somebody who is on a team administers it.
const RUNS_MEMBERSHIPS: &[&str] = &["org:write", "member:write"];

/// Where a scope on a team comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Through {
    /// From the role in the organization.
    Organization,
    /// From this role on the team.
    Team(RoleId),
}

/// Somebody in the face of one team.
#[derive(Debug)]
pub struct Standing<'a> {
    requester: &'a Requester,
    organization: &'a Organization,
    roles: &'a Roles,
    scopes: ScopeSet,
    /// How he is on the team; none when he is not.
    on_team: Option<OnTeam<'a>>,
}

/// How somebody is on a team.
#[derive(Debug, Clone, Copy)]
struct OnTeam<'a> {
    explicit: Option<&'a RoleId>,
}

impl<'a> Standing<'a> {
    /// `requester` in the face of `team`, which is one of `organization`.
    pub fn new(
        requester: &'a Requester,
        (id, organization): (OrganizationId, &'a Organization),
        roles: &'a Roles,
        team: TeamId,
    ) -> Self {
        let membership = requester.membership.as_ref();
        let explicit = membership.and_then(|(_, member)| member.teams.get(&team));
        let on_team = explicit.map(|role| OnTeam { explicit: role.as_ref() });
        let scopes = requester.scopes(id, organization, roles);
        Self { requester, organization, roles, scopes, on_team }
    }

    /// His role in the organization.
    pub fn org_role(&self) -> Option<&'a RoleId> {
        self.requester.membership.as_ref().and_then(|(_, member)| member.org_role.as_ref())
    }

    /// The role that counts on the team; none when he is not on it.
    pub fn team_role(&self) -> Option<&'a RoleId> {
        let OnTeam { explicit } = self.on_team?;
        let feature = self.organization.has_feature(Feature::TeamRoles);
        self.roles.effective_team_role(self.org_role()?, explicit, feature)
    }

    /// Whether he has access to teams that he is not on.
    pub fn has_global_access(&self) -> bool {
        self.requester.is_superuser()
            || self.requester.integration.is_some()
            || self.is_open()
            || self.org_role().is_some_and(|role| self.roles.is_global(role))
    }

    /// Whether he may put himself or another onto the team (behaviour.md 5.2).
    pub fn may_add(&self) -> bool {
        if self.requester.integration.is_some() {
            return self.is_open() || self.scopes.any_of(&["org:write", "team:write"]);
        }
        self.has_global_access() || self.administers()
    }

    /// Whether he may take others off the team (behaviour.md 5.3). Those who run the organization may, whatever their
    /// token is limited to.
    pub fn may_remove(&self) -> bool {
        let options = self.organization.scope_options();
        let runs = self.org_role().map(|role| self.roles.org_scopes(role, &options));
        self.requester.is_superuser()
            || runs.is_some_and(|scopes| scopes.contains("org:write"))
            || self.administers()
    }

    /// Whether he may give and take this role on the team (behaviour.md 5.4).
    pub fn may_set(&self, role: &RoleId) -> bool {
        if self.requester.is_superuser() || self.administers() {
            return true;
        }
        let wanted = self.roles.team_priority(role);
        let reaches = |own: &RoleId| self.roles.team_priority(own) >= wanted;
        self.org_role().is_some_and(|own| self.roles.org_role(own.as_str()).is_some())
            && (self.org_role().is_some_and(|own| reaches(self.roles.minimum_team_role(own)))
                || self.team_role().is_some_and(reaches))
    }

    /// Whether he has one of `scopes` on the team, and where from; also a role on the team itself can give it.
    pub fn has_any(&self, scopes: &[&'static str]) -> Option<(&'static str, Through)> {
        if self.on_team.is_none() && !self.has_global_access() {
            return None;
        }
        if let Some(scope) = scopes.iter().find(|scope| self.scopes.contains(scope)) {
            return Some((scope, Through::Organization));
        }
        let role = self.team_role()?;
        let on_team = self.team_scopes();
        let scope = scopes.iter().find(|scope| on_team.contains(scope))?;
        Some((scope, Through::Team(role.clone())))
    }

    /// Whether he has one of these scopes in the organization.
    pub fn has_in_organization(&self, scopes: &[&str]) -> bool {
        self.scopes.any_of(scopes)
    }

    fn is_open(&self) -> bool {
        self.organization.flag("allow_joinleave")
    }

    /// What his role on the team permits, as far as the token gives it; nothing where team roles are off.
    fn team_scopes(&self) -> ScopeSet {
        let role = self.team_role().filter(|_| self.organization.has_feature(Feature::TeamRoles));
        role.map_or_else(ScopeSet::default, |role| {
            self.requester.limited(self.roles.team_scopes(role, &self.organization.scope_options()))
        })
    }

    /// Whether he is on the team as somebody who runs it. An integration token is on every team of its organization.
    fn administers(&self) -> bool {
        let is_on = self.on_team.is_some() || self.requester.integration.is_some();
        is_on
            && (self.scopes.any_of(RUNS_MEMBERSHIPS)
                || self.scopes.contains("team:write")
                || self.team_scopes().contains("team:write"))
    }
}

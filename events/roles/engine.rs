//! The roles in force, and every question that the rest of the ledger asks about them.

use super::definition::{OrgRole, RoleId, RolesDefinition, TeamRole};
use super::scope::ScopeSet;

/// Scopes that mark a role as more than a plain member's: such a role loses nothing to options (behaviour
/// 1.1).
const RUNS_SOMETHING: &[&str] = &["org:write", "project:write", "team:write"];

/// The options of one organization that take scopes away from plain members and contributors.
///
/// The default is that of a new organization: nothing is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeOptions {
    /// Whether they keep `event:admin` (setting `eventsMemberAdmin`).
    pub events_member_admin: bool,
    /// Whether they keep `alerts:write` (setting `alertsMemberWrite`).
    pub alerts_member_write: bool,
}

impl Default for ScopeOptions {
    fn default() -> Self {
        Self { events_member_admin: true, alerts_member_write: true }
    }
}

impl ScopeOptions {
    /// Every choice, each at its place.
    const ALL: [Self; 4] = [Self::at(0), Self::at(1), Self::at(2), Self::at(3)];

    const fn at(place: usize) -> Self {
        Self { events_member_admin: place & 1 != 0, alerts_member_write: place & 2 != 0 }
    }

    fn place(self) -> usize {
        usize::from(self.events_member_admin) | (usize::from(self.alerts_member_write) << 1)
    }

    fn apply(self, scopes: &ScopeSet) -> ScopeSet {
        let mut left = scopes.clone();
        if scopes.any_of(RUNS_SOMETHING) {
            return left;
        }
        if !self.events_member_admin {
            left = left.without("event:admin");
        }
        if !self.alerts_member_write {
            left = left.without("alerts:write");
        }
        left
    }
}

/// The roles in force. Priorities are places in the definition's order, 0 lowest.
///
/// Every question takes ids that may not be defined: a holder of such a role may do nothing and ranks below
/// all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    definition: RolesDefinition,
    /// For each organization role, the priority of the team role that its holders have on all their teams.
    team_minimums: Vec<usize>,
    /// For each organization role, what its holders may hand out under each of [`ScopeOptions::ALL`]: asked by every
    /// command on members, and by every answer about one.
    given: Vec<[Vec<RoleId>; ScopeOptions::ALL.len()]>,
}

impl From<RolesDefinition> for Roles {
    fn from(definition: RolesDefinition) -> Self {
        let priorities = 0..definition.org_roles.len();
        let team_minimums = priorities.map(|priority| minimum_for(&definition, priority)).collect();
        let given = |by: &OrgRole| ScopeOptions::ALL.map(|options| given(&definition, by, options));
        let given = definition.org_roles.iter().map(given).collect();
        Self { definition, team_minimums, given }
    }
}

/// Priority of the minimum team role of the organization role with this priority (behaviour 1.2).
fn minimum_for(definition: &RolesDefinition, org_priority: usize) -> usize {
    // The highest role has the highest team role even where no mapping, or one to a lower team role, names
    // it.
    if org_priority == definition.org_roles.len() - 1 {
        return definition.team_roles.len() - 1;
    }
    let reached = &definition.org_roles[..=org_priority];
    definition
        .team_roles
        .iter()
        .rposition(|team_role| {
            let named = team_role.minimum_role_for.as_ref();
            named.is_some_and(|named| reached.iter().any(|role| role.id == *named))
        })
        .unwrap_or(0)
}

impl Roles {
    /// The roles of a new ledger.
    pub fn bundled() -> Self {
        RolesDefinition::bundled().into()
    }

    /// What was defined.
    pub fn definition(&self) -> &RolesDefinition {
        &self.definition
    }

    /// The organization roles in priority order, lowest first.
    pub fn org_roles(&self) -> &[OrgRole] {
        &self.definition.org_roles
    }

    /// The team roles in priority order, lowest first.
    pub fn team_roles(&self) -> &[TeamRole] {
        &self.definition.team_roles
    }

    /// The highest organization role: the one that an organization always has somebody in (decision D2).
    pub fn top(&self) -> &RoleId {
        &self.org_roles().last().expect("a definition has at least one organization role").id
    }

    /// The role of those who are invited without one.
    pub fn default_org_role(&self) -> &RoleId {
        &self.definition.default_org_role
    }

    /// The organization role with this id. Takes text, so that a request's words can be looked up as they
    /// came.
    pub fn org_role(&self, id: &str) -> Option<&OrgRole> {
        self.org_roles().iter().find(|role| role.id == id)
    }

    /// The team role with this id; see [`Roles::org_role`].
    pub fn team_role(&self, id: &str) -> Option<&TeamRole> {
        self.team_roles().iter().find(|role| role.id == id)
    }

    /// Place of the organization role in the order, 0 lowest. `None`, for an undefined role, compares as
    /// lower.
    pub fn org_priority(&self, role: &RoleId) -> Option<usize> {
        self.org_roles().iter().position(|defined| defined.id == *role)
    }

    /// Place of the team role in the order, 0 lowest. `None`, for an undefined role, compares as lower.
    pub fn team_priority(&self, role: &RoleId) -> Option<usize> {
        self.team_roles().iter().position(|defined| defined.id == *role)
    }

    /// Whether holders of the organization role have access to teams that they are not on.
    pub fn is_global(&self, role: &RoleId) -> bool {
        self.org_role(role.as_str()).is_some_and(|role| role.global)
    }

    /// Whether the organization role is only kept by those who have it (where team roles are on).
    pub fn is_retired(&self, role: &RoleId) -> bool {
        self.org_role(role.as_str()).is_some_and(|role| role.retired)
    }

    /// Whether holders of the organization role may be on teams.
    pub fn allows_teams(&self, role: &RoleId) -> bool {
        self.org_role(role.as_str()).is_some_and(|role| role.team_roles_allowed)
    }

    /// Whether a holder of `role` may remove a holder of `other`: an equal role is enough (behaviour 1.3).
    pub fn can_manage(&self, role: &RoleId, other: &RoleId) -> bool {
        self.org_priority(role).is_some_and(|priority| Some(priority) >= self.org_priority(other))
    }

    /// The team role that holders of an organization role have on each of their teams without being given it.
    ///
    /// For an undefined organization role the lowest; what its holders may do is still nothing, see
    /// [`Roles::effective_team_role`].
    pub fn minimum_team_role(&self, org_role: &RoleId) -> &RoleId {
        let priority = self.org_priority(org_role).map_or(0, |place| self.team_minimums[place]);
        &self.team_roles()[priority].id
    }

    /// The team role that counts on a team: the minimum of the organization role, unless the role given on
    /// the team itself is strictly higher and the organization has the feature `team-roles` (behaviour 1.2).
    ///
    /// `None` for holders of an undefined organization role, who have no say on any team.
    pub fn effective_team_role(
        &self,
        org_role: &RoleId,
        explicit: Option<&RoleId>,
        team_roles_feature: bool,
    ) -> Option<&RoleId> {
        let minimum = self.team_minimums[self.org_priority(org_role)?];
        let explicit = explicit.filter(|_| team_roles_feature).and_then(|role| self.team_priority(role));
        Some(&self.team_roles()[explicit.map_or(minimum, |explicit| explicit.max(minimum))].id)
    }

    /// Whether a role given on a team says nothing beside the organization role, and is to be cleared when
    /// that one changes, so that no leftover re-appears after a later demotion (behaviour 6.2).
    ///
    /// An undefined team role is redundant: it grants nothing.
    pub fn redundant_team_role(&self, org_role: &RoleId, explicit: &RoleId) -> bool {
        self.team_priority(explicit) <= self.team_priority(self.minimum_team_role(org_role))
    }

    /// What holders of the organization role may do in an organization with these options.
    pub fn org_scopes(&self, role: &RoleId, options: &ScopeOptions) -> ScopeSet {
        self.org_role(role.as_str()).map(|role| options.apply(&role.scopes)).unwrap_or_default()
    }

    /// What somebody with this effective team role may do on the team. Only counts where the organization has
    /// the feature `team-roles`; a token's scopes still limit it.
    pub fn team_scopes(&self, team_role: &RoleId, options: &ScopeOptions) -> ScopeSet {
        self.team_role(team_role.as_str()).map(|role| options.apply(&role.scopes)).unwrap_or_default()
    }

    /// The organization roles that a holder of this one may hand out, lowest first: those that permit nothing beyond what
    /// his does (behaviour 1.3). A comparison of scopes, not of priorities.
    ///
    /// Whether the situation requires `member:admin`, and that superusers may hand out every role, is the
    /// caller's to know.
    pub fn given_by(&self, role: &RoleId, options: ScopeOptions) -> &[RoleId] {
        let given = self.org_priority(role).and_then(|priority| self.given.get(priority));
        given.and_then(|given| given.get(options.place())).map_or(&[], Vec::as_slice)
    }
}

/// What [`Roles::given_by`] answers of a role, under these options.
fn given(definition: &RolesDefinition, by: &OrgRole, options: ScopeOptions) -> Vec<RoleId> {
    let acting = options.apply(&by.scopes);
    let permits_no_more = |role: &&OrgRole| options.apply(&role.scopes).is_subset(&acting);
    definition.org_roles.iter().filter(permits_no_more).map(|role| role.id.clone()).collect()
}

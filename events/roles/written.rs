//! A definition of roles as somebody wrote it, and the checks between that and a [`RolesDefinition`].

use std::collections::BTreeSet;
use std::fmt;

use compact_str::CompactString;
use serde::Deserialize;

use super::definition::{OrgRole, ROLE_ID_LIMIT, RoleId, RolesDefinition, TeamRole};
use super::scope::ScopeSet;

/// Most roles of one kind: far above any real need, low enough that every comparison of roles stays cheap.
const ROLE_LIMIT: usize = 64;

/// Which of the two lists of a roles file an entry belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleKind {
    /// A role in an organization.
    Org,
    /// A role on one team.
    Team,
}

/// The name of the list in the file.
impl fmt::Display for RoleKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Org => "org_role",
            Self::Team => "team_role",
        })
    }
}

/// Why a definition of roles makes no sense; each text names the entry and what to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it, and the fields are the entries they name")]
pub enum RolesError {
    #[error("line {line}: {message}")]
    Syntax { line: usize, message: String },
    #[error("there is no [[{kind}]]: define at least one")]
    NoRoles { kind: RoleKind },
    #[error("there are {count} of [[{kind}]]: define at most {ROLE_LIMIT}")]
    TooManyRoles { kind: RoleKind, count: usize },
    #[error("the role id {id:?} is malformed: write lower-case letters, digits, `_` and `-`")]
    MalformedId { id: CompactString },
    #[error("the role id `{id}` is too long: write at most {ROLE_ID_LIMIT} characters")]
    IdTooLong { id: CompactString },
    #[error("{kind} `{id}` is defined twice: rename or remove one of them")]
    DuplicateId { kind: RoleKind, id: RoleId },
    #[error("{kind} `{id}` has an empty name: write how people see the role called")]
    EmptyName { kind: RoleKind, id: RoleId },
    #[error(
        "{kind} `{id}` has the malformed scope {scope:?}: write `thing:verb` in lower-case letters, \
         for example `member:read`"
    )]
    MalformedScope { kind: RoleKind, id: RoleId, scope: CompactString },
    #[error("default_org_role names `{id}`, which no [[org_role]] defines")]
    UnknownDefault { id: RoleId },
    #[error("default_org_role names `{id}`, which is retired: nobody could be invited as it")]
    RetiredDefault { id: RoleId },
    #[error(
        "the last org_role, `{id}`, is retired: an organization must always have somebody in its highest role"
    )]
    RetiredTop { id: RoleId },
    #[error(
        "the last org_role, `{id}`, must not have `team_roles_allowed = false`: its holders \
         have the highest role on all their teams"
    )]
    TopWithoutTeams { id: RoleId },
    #[error("team_role `{team_role}` has `minimum_role_for = \"{org_role}\"`, which no [[org_role]] defines")]
    UnknownMinimumRoleFor { team_role: RoleId, org_role: RoleId },
}

/// The shape of a roles file and of the stored event, before any check.
///
/// Texts everywhere, so that a mistake is reported with the role it stands in rather than as a type error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "they are the names in the file")]
pub(super) struct WrittenRoles {
    default_org_role: CompactString,
    #[serde(default)]
    org_role: Vec<WrittenOrgRole>,
    #[serde(default)]
    team_role: Vec<WrittenTeamRole>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenOrgRole {
    id: CompactString,
    name: CompactString,
    #[serde(default)]
    description: String,
    scopes: Vec<CompactString>,
    #[serde(default)]
    global: bool,
    #[serde(default)]
    retired: bool,
    #[serde(default = "allowed")]
    team_roles_allowed: bool,
}

/// Being on teams is what members do; a role without them is the exception that a file spells out.
const fn allowed() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTeamRole {
    id: CompactString,
    name: CompactString,
    #[serde(default)]
    description: String,
    scopes: Vec<CompactString>,
    minimum_role_for: Option<CompactString>,
}

impl TryFrom<WrittenRoles> for RolesDefinition {
    type Error = RolesError;

    fn try_from(written: WrittenRoles) -> Result<Self, RolesError> {
        check_count(RoleKind::Org, written.org_role.len())?;
        check_count(RoleKind::Team, written.team_role.len())?;
        let definition = Self {
            default_org_role: RoleId::new(&written.default_org_role)?,
            org_roles: written.org_role.iter().map(read_org_role).collect::<Result<_, _>>()?,
            team_roles: written.team_role.iter().map(read_team_role).collect::<Result<_, _>>()?,
        };
        check_distinct(RoleKind::Org, definition.org_roles.iter().map(|role| &role.id))?;
        check_distinct(RoleKind::Team, definition.team_roles.iter().map(|role| &role.id))?;
        check_default(&definition)?;
        check_top(&definition)?;
        check_minimums(&definition)?;
        Ok(definition)
    }
}

fn check_count(kind: RoleKind, count: usize) -> Result<(), RolesError> {
    match count {
        0 => Err(RolesError::NoRoles { kind }),
        1..=ROLE_LIMIT => Ok(()),
        _ => Err(RolesError::TooManyRoles { kind, count }),
    }
}

fn read_org_role(written: &WrittenOrgRole) -> Result<OrgRole, RolesError> {
    let id = RoleId::new(&written.id)?;
    Ok(OrgRole {
        name: read_name(RoleKind::Org, &id, &written.name)?,
        description: collapse_whitespace(&written.description),
        scopes: read_scopes(RoleKind::Org, &id, &written.scopes)?,
        global: written.global,
        retired: written.retired,
        team_roles_allowed: written.team_roles_allowed,
        id,
    })
}

fn read_team_role(written: &WrittenTeamRole) -> Result<TeamRole, RolesError> {
    let id = RoleId::new(&written.id)?;
    Ok(TeamRole {
        name: read_name(RoleKind::Team, &id, &written.name)?,
        description: collapse_whitespace(&written.description),
        scopes: read_scopes(RoleKind::Team, &id, &written.scopes)?,
        minimum_role_for: written.minimum_role_for.as_deref().map(RoleId::new).transpose()?,
        id,
    })
}

fn read_name(kind: RoleKind, id: &RoleId, written: &str) -> Result<CompactString, RolesError> {
    match written.trim() {
        "" => Err(RolesError::EmptyName { kind, id: id.clone() }),
        name => Ok(name.into()),
    }
}

/// Descriptions are written over several lines in a file and shown on one (behaviour 1.1).
fn collapse_whitespace(written: &str) -> String {
    written.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn read_scopes(kind: RoleKind, id: &RoleId, written: &[CompactString]) -> Result<ScopeSet, RolesError> {
    ScopeSet::parse(written.iter().map(CompactString::as_str))
        .map_err(|malformed| RolesError::MalformedScope { kind, id: id.clone(), scope: malformed.0 })
}

fn check_distinct<'a>(kind: RoleKind, mut ids: impl Iterator<Item = &'a RoleId>) -> Result<(), RolesError> {
    let mut seen = BTreeSet::new();
    match ids.find(|id| !seen.insert(*id)) {
        Some(id) => Err(RolesError::DuplicateId { kind, id: id.clone() }),
        None => Ok(()),
    }
}

fn check_default(definition: &RolesDefinition) -> Result<(), RolesError> {
    let id = definition.default_org_role.clone();
    match definition.org_roles.iter().find(|role| role.id == id) {
        None => Err(RolesError::UnknownDefault { id }),
        Some(role) if role.retired => Err(RolesError::RetiredDefault { id }),
        Some(_) => Ok(()),
    }
}

/// The highest role is the one that an organization is created with and can never lose (decision D2).
fn check_top(definition: &RolesDefinition) -> Result<(), RolesError> {
    match definition.org_roles.last() {
        Some(top) if top.retired => Err(RolesError::RetiredTop { id: top.id.clone() }),
        Some(top) if !top.team_roles_allowed => Err(RolesError::TopWithoutTeams { id: top.id.clone() }),
        Some(_) | None => Ok(()),
    }
}

/// A team role for holders of a role that does not exist is a typing mistake, not a wish (decision D30).
fn check_minimums(definition: &RolesDefinition) -> Result<(), RolesError> {
    for team_role in &definition.team_roles {
        if let Some(org_role) = &team_role.minimum_role_for
            && !definition.org_roles.iter().any(|role| role.id == *org_role)
        {
            let (team_role, org_role) = (team_role.id.clone(), org_role.clone());
            return Err(RolesError::UnknownMinimumRoleFor { team_role, org_role });
        }
    }
    Ok(())
}

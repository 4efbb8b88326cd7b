//! What an operator defines: the content of a roles file and of the event `RolesDefined`.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::scope::ScopeSet;
use super::written::{RolesError, WrittenRoles};

/// Longest role id, in characters (behaviour 1.1).
pub(super) const ROLE_ID_LIMIT: usize = 32;

/// The name by which members, teams and events refer to a role: `member`, `admin`, ...
///
/// Lower-case letters, digits, `_` and `-`, at most 32. An id alone does not say that such a role is defined.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "CompactString")]
pub struct RoleId(CompactString);

impl RoleId {
    /// Reads a role id; only its form is checked, and none of the bundled roles is special.
    pub fn new(text: &str) -> Result<Self, RolesError> {
        let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if text.is_empty() || !text.bytes().all(is_allowed) {
            Err(RolesError::MalformedId { id: text.into() })
        } else if text.len() > ROLE_ID_LIMIT {
            Err(RolesError::IdTooLong { id: text.into() })
        } else {
            Ok(Self(text.into()))
        }
    }

    /// The id as it is written in files, answers and the log.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<CompactString> for RoleId {
    type Error = RolesError;

    fn try_from(text: CompactString) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl PartialEq<str> for RoleId {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for RoleId {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for RoleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// As a string: the type says nothing that the text does not.
impl fmt::Debug for RoleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

/// A role in an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrgRole {
    /// How everything else refers to the role.
    pub id: RoleId,
    /// How people see the role called.
    pub name: CompactString,
    /// One or two sentences for people, without line breaks.
    pub description: String,
    /// What the role permits, before an organization's options take something away.
    pub scopes: ScopeSet,
    /// Whether holders have access to every team, also to those that they are not on.
    pub global: bool,
    /// Whether the role is only kept by those who have it (where team roles are on).
    pub retired: bool,
    /// Whether holders may be on teams.
    pub team_roles_allowed: bool,
}

/// A role on one team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TeamRole {
    /// How everything else refers to the role.
    pub id: RoleId,
    /// How people see the role called.
    pub name: CompactString,
    /// One or two sentences for people, without line breaks.
    pub description: String,
    /// What the role permits on the team, before an organization's options take something away.
    pub scopes: ScopeSet,
    /// The lowest organization role whose holders have this role on each of their teams without being given
    /// it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_role_for: Option<RoleId>,
}

/// All roles of a deployment, in priority order, lowest first.
///
/// A value of this type has passed every check of [`RolesError`], whether it came from a file or from the
/// log. A stored definition must stay readable for ever, so the checks may be loosened but never tightened: a
/// stricter rule is a new schema version of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenRoles")]
pub struct RolesDefinition {
    pub(super) default_org_role: RoleId,
    #[serde(rename = "org_role")]
    pub(super) org_roles: Vec<OrgRole>,
    #[serde(rename = "team_role")]
    pub(super) team_roles: Vec<TeamRole>,
}

impl RolesDefinition {
    /// The roles of a new ledger: `roles.toml` beside this crate's front page.
    pub fn bundled() -> Self {
        Self::from_toml(include_str!("../roles.toml")).expect("a test reads the bundled roles")
    }

    /// Reads a roles file and checks it as a whole; the first mistake found is the one reported.
    pub fn from_toml(text: &str) -> Result<Self, RolesError> {
        let written: WrittenRoles = toml::from_str(text).map_err(|error| RolesError::Syntax {
            line: error
                .span()
                .map_or(1, |span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()),
            message: error.message().trim_end().to_owned(),
        })?;
        written.try_into()
    }

    /// The role of those who are invited without one.
    pub fn default_org_role(&self) -> &RoleId {
        &self.default_org_role
    }

    /// The organization roles, lowest first; never empty.
    pub fn org_roles(&self) -> &[OrgRole] {
        &self.org_roles
    }

    /// The team roles, lowest first; never empty.
    pub fn team_roles(&self) -> &[TeamRole] {
        &self.team_roles
    }
}

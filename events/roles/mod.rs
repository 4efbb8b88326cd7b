//! The role engine: which roles there are, what each may do, and who may hand out which.
//!
//! Roles are data. `roles.toml` holds the ones of a new ledger; an operator defines others, and either way
//! they are the content of an event. A [`RolesDefinition`] is such a content, checked as a whole when it is
//! read; [`Roles`] is the definition in force, ready to be asked.
//!
//! The questions, by the situation that asks them:
//!
//! | situation | ask |
//! |---|---|
//! | what may a member do in the organization | [`Roles::org_scopes`] |
//! | what may a member do on one team | [`Roles::effective_team_role`], then [`Roles::team_scopes`] |
//! | which roles may somebody hand out | [`Roles::given_by`]: by scopes, not by priority |
//! | may somebody remove somebody | [`Roles::can_manage`]: by priority, not by scopes |
//! | which team roles say nothing any more after a change of role | [`Roles::redundant_team_role`] |
//! | what may a token do | [`ScopeSet::with_implied`], then [`ScopeSet::intersection`] with the role's |
//!
//! Deliberately absent: who holds a role, what an organization's features are, and any role's name. Whatever
//! depends on those is an argument. A role id that is not defined (any more) grants nothing and ranks lowest.
//!
//! To define a new kind of role (a read-only viewer, say), no line of Rust changes: add an `[[org_role]]` to
//! a roles file, at its place in the order.

// Blank lines keep the reading order.
mod scope;

mod definition;

mod written;

mod engine;

pub use definition::{OrgRole, RoleId, RolesDefinition, TeamRole};
pub use engine::{Roles, ScopeOptions};
pub use scope::{MalformedScope, NoTokenScope, Scope, ScopeSet, known_scopes};
pub use written::{RoleKind, RolesError};

#[cfg(test)]
mod tests;

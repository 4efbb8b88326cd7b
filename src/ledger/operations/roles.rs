//! Defining the roles of the deployment.

use std::collections::BTreeSet;

use async_trait::async_trait;
use muster_events::{
    definitions::{RoleDefinitions, RolesCommand},
    roles::{RoleId, RolesDefinition},
    stream::{Position, StreamId},
};

use crate::ledger::{Failure, Operation, Unit};

/// Define the bundled roles, in a log that has none.
#[derive(Debug)]
pub struct DefineBundledRoles;

#[async_trait]
impl Operation for DefineBundledRoles {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let found = unit.read::<RoleDefinitions>(StreamId::roles()).await?;
        if found.state.in_force.is_some() {
            return Ok(());
        }
        let command = RolesCommand::Define {
            content: RolesDefinition::bundled(),
            held_org_roles: BTreeSet::new(),
            held_team_roles: BTreeSet::new(),
        };
        unit.decide::<RoleDefinitions>(StreamId::roles(), None, vec![command]).await
    }
}

/// The roles that somebody holds, invitations and requests included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldRoles {
    /// In organizations.
    pub org_roles: BTreeSet<RoleId>,
    /// On teams, explicitly.
    pub team_roles: BTreeSet<RoleId>,
}

/// Tells which roles somebody holds: a read model, which is no business of the write side.
#[async_trait]
pub trait RoleHolders: std::fmt::Debug + Send + Sync {
    /// As of `at_least` or later.
    async fn held(&self, at_least: Position) -> Result<HeldRoles, Failure>;
}

/// Define the roles anew.
#[derive(Debug)]
pub struct ApplyRoles<'a> {
    /// The new roles.
    pub content: RolesDefinition,
    /// Which roles somebody holds.
    pub holders: &'a dyn RoleHolders,
}

#[async_trait]
impl Operation for ApplyRoles<'_> {
    type Answer = ();

    /// Rests on the whole log: a role that vanishes must not be given to somebody in the same instant.
    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let head = unit.read_whole_log().await?;
        let HeldRoles { org_roles, team_roles } = self.holders.held(head).await?;
        let command = RolesCommand::Define {
            content: self.content.clone(),
            held_org_roles: org_roles,
            held_team_roles: team_roles,
        };
        unit.decide::<RoleDefinitions>(StreamId::roles(), None, vec![command]).await
    }
}

//! Roles: which roles the deployment has. One stream; its first event defines the bundled ones.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    aggregate::Aggregate,
    event::{Event, stored},
    refusal::Refusal,
    roles::{RoleId, Roles, RolesDefinition},
    time::Timestamp,
};

/// The stored name of this kind of aggregate.
pub const TYPE: &str = "roles";

/// A command on the roles of the deployment.
#[derive(Debug, Clone)]
pub enum RolesCommand {
    /// Define them anew.
    Define {
        /// The new roles.
        content: RolesDefinition,
        /// The organization roles that somebody holds, invitations included. Apart from the team roles, because
        /// one id may name one of each kind.
        held_org_roles: BTreeSet<RoleId>,
        /// The team roles that somebody holds, invitations included.
        held_team_roles: BTreeSet<RoleId>,
    },
}

/// A fact about the roles of the deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RolesEvent {
    /// They were defined anew.
    RolesDefined {
        /// All of them.
        content: RolesDefinition,
    },
}

stored!(RolesEvent { RolesDefined = 1 });

impl From<RolesEvent> for Event {
    fn from(event: RolesEvent) -> Self {
        Self::Roles(event)
    }
}

/// The roles in force; none before the first event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Option<RolesDefinition>", into = "Option<RolesDefinition>")]
pub struct RoleDefinitions {
    /// Ready to be asked.
    pub in_force: Option<Arc<Roles>>,
}

impl From<Option<RolesDefinition>> for RoleDefinitions {
    fn from(definition: Option<RolesDefinition>) -> Self {
        Self { in_force: definition.map(|definition| Arc::new(definition.into())) }
    }
}

impl From<RoleDefinitions> for Option<RolesDefinition> {
    fn from(definitions: RoleDefinitions) -> Self {
        definitions.in_force.map(|roles| roles.definition().clone())
    }
}

impl Aggregate for RoleDefinitions {
    const TYPE: &'static str = TYPE;
    type Command = RolesCommand;
    type Event = RolesEvent;

    fn decide(&self, command: RolesCommand) -> Result<Vec<RolesEvent>, Refusal> {
        let RolesCommand::Define { content, held_org_roles, held_team_roles } = command;
        let Some(current) = &self.in_force else { return Ok(vec![RolesEvent::RolesDefined { content }]) };
        if *current.definition() == content {
            return Ok(vec![]);
        }
        let new = Roles::from(content);
        let org_roles = held_org_roles.iter().filter(|role| new.org_role(role.as_str()).is_none());
        let team_roles = held_team_roles.iter().filter(|role| new.team_role(role.as_str()).is_none());
        let vanishing: Vec<_> = org_roles.chain(team_roles).cloned().collect();
        if !vanishing.is_empty() {
            return Err(Refusal::RolesInUse { roles: vanishing });
        }
        if held_org_roles.contains(current.top()) && new.top() != current.top() {
            return Err(Refusal::TopRoleFixed { role: current.top().clone() });
        }
        Ok(vec![RolesEvent::RolesDefined { content: new.definition().clone() }])
    }

    fn evolve(&mut self, event: &RolesEvent, _at: Timestamp) {
        let RolesEvent::RolesDefined { content } = event;
        self.in_force = Some(Arc::new(content.clone().into()));
    }

    fn event_of(event: &Event) -> Option<&RolesEvent> {
        match event {
            Event::Roles(event) => Some(event),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;

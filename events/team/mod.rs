//! Team: a named group of members of one organization.

mod manage;
mod standing;

pub use manage::{NewTeam, TeamChanges, TeamContext, slug_of_name};
pub use standing::{Standing, Through};

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    aggregate::Aggregate,
    event::{Event, stored},
    id::OrganizationId,
    organization::{check_name, check_slug},
    refusal::Refusal,
    time::Timestamp,
};

/// The stored name of this kind of aggregate.
pub const TYPE: &str = "team";

/// A mark on a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TeamFlag {
    /// Managed through the identity provider.
    #[serde(rename = "idp:provisioned")]
    IdpProvisioned,
    /// Being deleted: nobody is added any more.
    #[serde(rename = "being-deleted")]
    BeingDeleted,
}

/// A command on a team.
#[derive(Debug, Clone)]
pub enum TeamCommand {
    /// Create it.
    Create {
        /// The organization.
        organization: OrganizationId,
        /// The slug; unique in the organization.
        slug: String,
        /// The display name.
        name: String,
    },
    /// Set or clear a mark.
    Flag(TeamFlag, bool),
    /// The whole of POST team, with every check (behaviour.md 5.6).
    CreateBy(NewTeam, Arc<TeamContext>),
    /// The whole of PUT team, with every check (behaviour.md 5.6).
    ChangeBy(TeamChanges, Arc<TeamContext>),
    /// The whole of DELETE team, with every check (behaviour.md 5.6).
    DeleteBy(Arc<TeamContext>),
}

/// A fact about a team.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum TeamEvent {
    /// It came to be.
    TeamCreated {
        /// The organization.
        organization: OrganizationId,
        /// The slug.
        slug: String,
        /// The display name.
        name: String,
    },
    /// The display name changed.
    TeamRenamed {
        /// Before.
        from: String,
        /// After.
        to: String,
    },
    /// The slug changed.
    TeamSlugChanged {
        /// Before.
        from: String,
        /// After.
        to: String,
    },
    /// It is gone; whoever is on it is taken off.
    TeamDeleted {
        /// The slug, which is free again.
        slug: String,
    },
    /// A mark was set or cleared.
    TeamFlagged {
        /// Which.
        flag: TeamFlag,
        /// Set or not.
        to: bool,
    },
}

stored!(TeamEvent {
    TeamCreated = 1,
    TeamRenamed = 1,
    TeamSlugChanged = 1,
    TeamDeleted = 1,
    TeamFlagged = 1,
});

impl From<TeamEvent> for Event {
    fn from(event: TeamEvent) -> Self {
        Self::Team(event)
    }
}

/// A team.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Team {
    /// The organization; none before the first event.
    pub organization: Option<OrganizationId>,
    /// The slug.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// Whether members can be on it: it exists and is not being deleted.
    pub active: bool,
    /// Whether it is gone.
    pub deleted: bool,
    /// Managed through the identity provider.
    pub idp_provisioned: bool,
    /// When it came to be.
    pub created_at: Timestamp,
}

impl Aggregate for Team {
    const TYPE: &'static str = TYPE;
    type Command = TeamCommand;
    type Event = TeamEvent;

    fn decide(&self, command: TeamCommand) -> Result<Vec<TeamEvent>, Refusal> {
        match command {
            TeamCommand::Create { .. } if self.organization.is_some() => Err(Refusal::AlreadyExists),
            TeamCommand::Create { organization, slug, name } => {
                check_slug(&slug, false)?;
                let name = check_name(&name)?;
                Ok(vec![TeamEvent::TeamCreated { organization, slug, name }])
            }
            TeamCommand::Flag(..) if self.organization.is_none() || self.deleted => Err(Refusal::NotFound),
            TeamCommand::Flag(flag, to) => {
                let is_set = match flag {
                    TeamFlag::IdpProvisioned => self.idp_provisioned,
                    TeamFlag::BeingDeleted => !self.active,
                };
                Ok(if is_set == to { vec![] } else { vec![TeamEvent::TeamFlagged { flag, to }] })
            }
            TeamCommand::CreateBy(new, context) => manage::create(self, &new, &context),
            TeamCommand::ChangeBy(changes, context) => manage::change(self, &changes, &context),
            TeamCommand::DeleteBy(context) => manage::delete(self, &context),
        }
    }

    fn evolve(&mut self, event: &TeamEvent, at: Timestamp) {
        match event {
            TeamEvent::TeamCreated { organization, slug, name } => {
                self.organization = Some(*organization);
                self.slug.clone_from(slug);
                self.name.clone_from(name);
                self.active = true;
                self.created_at = at;
            }
            TeamEvent::TeamRenamed { to, .. } => self.name.clone_from(to),
            TeamEvent::TeamSlugChanged { to, .. } => self.slug.clone_from(to),
            TeamEvent::TeamDeleted { .. } => {
                self.active = false;
                self.deleted = true;
            }
            TeamEvent::TeamFlagged { flag: TeamFlag::IdpProvisioned, to } => self.idp_provisioned = *to,
            TeamEvent::TeamFlagged { flag: TeamFlag::BeingDeleted, to } => self.active = !to,
        }
    }

    fn event_of(event: &Event) -> Option<&TeamEvent> {
        match event {
            Event::Team(event) => Some(event),
            _ => None,
        }
    }
}

#[cfg(test)]
mod manage_tests;
#[cfg(test)]
mod tests;

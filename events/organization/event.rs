//! What can be asked of an organization and what can have happened to it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Feature;
use crate::{
    event::stored,
    roles::{RoleId, Roles},
};

/// A new organization.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// The slug; unique among all organizations.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// The role of new members.
    pub default_role: RoleId,
    /// The roles in force.
    pub roles: Arc<Roles>,
}

/// A command on an organization.
#[derive(Debug, Clone)]
pub enum OrganizationCommand {
    /// Create it. The first owner is added in the same append.
    Create(NewOrganization),
    /// Change settings, by their API fields.
    ChangeSettings {
        /// Field and value, as the request wrote them.
        changes: Vec<(String, Value)>,
        /// Whether the operator asks.
        by_staff: bool,
        /// The roles in force.
        roles: Arc<Roles>,
    },
    /// Change the role of new members.
    ChangeDefaultRole {
        /// The new role.
        role: RoleId,
        /// The roles in force.
        roles: Arc<Roles>,
    },
    /// Let members log in through a provider.
    EnableSso {
        /// Id of the kind of provider.
        provider: String,
        /// Its display name.
        name: String,
        /// Whether members without a linked identity may go on.
        allow_unlinked: bool,
    },
    /// Switch a feature.
    SetFeature {
        /// Which.
        feature: Feature,
        /// On or off.
        on: bool,
    },
}

/// A fact about an organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum OrganizationEvent {
    /// It came to be.
    OrganizationCreated {
        /// The slug.
        slug: String,
        /// The display name.
        name: String,
        /// The role of new members.
        default_role: RoleId,
    },
    /// The value of an option changed.
    OrganizationOptionChanged {
        /// The option, by its API field.
        option: String,
        /// The stored value before; null when none was stored.
        from: Value,
        /// The stored value after.
        to: Value,
    },
    /// A flag changed.
    OrganizationFlagChanged {
        /// The flag by its stored name, which may have the opposite sense of its API field.
        flag: String,
        /// Set or not.
        to: bool,
    },
    /// The role of new members changed.
    DefaultRoleChanged {
        /// Before.
        from: RoleId,
        /// After.
        to: RoleId,
    },
    /// Members need a second factor from now on.
    TwoFactorRequired {},
    /// Members need no second factor any more.
    TwoFactorRequirementLifted {},
    /// Members can log in through a provider.
    SsoEnabled {
        /// Id of the kind of provider.
        provider: String,
        /// Its display name.
        name: String,
        /// Whether members without a linked identity may go on.
        allow_unlinked: bool,
    },
    /// A feature was switched.
    FeatureSet {
        /// Which.
        feature: Feature,
        /// On or off.
        on: bool,
    },
}

stored!(OrganizationEvent {
    OrganizationCreated = 1,
    OrganizationOptionChanged = 1,
    OrganizationFlagChanged = 1,
    DefaultRoleChanged = 1,
    TwoFactorRequired = 1,
    TwoFactorRequirementLifted = 1,
    SsoEnabled = 1,
    FeatureSet = 1,
});

impl From<OrganizationEvent> for crate::event::Event {
    fn from(event: OrganizationEvent) -> Self {
        Self::Organization(event)
    }
}

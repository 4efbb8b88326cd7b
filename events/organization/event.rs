//! What can be asked of an organization and what can have happened to it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Avatar, Feature, OrganizationContext, OrganizationUpdate, SsoProvider};
use crate::{
    event::stored,
    roles::{RoleId, Roles},
    time::Timestamp,
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
    /// Let members log in through no provider any more.
    DisableSso,
    /// Change what a request names, all or nothing.
    Update(Box<OrganizationUpdate>, Arc<OrganizationContext>),
    /// Let it end after a day.
    ScheduleDeletion(Arc<OrganizationContext>),
    /// Call its end off.
    CancelDeletion,
    /// End it, when the time has come.
    CarryOutDeletion {
        /// When it is asked.
        now: Timestamp,
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
    /// Its display name changed.
    OrganizationRenamed {
        /// Before.
        from: String,
        /// After.
        to: String,
    },
    /// Its slug changed.
    OrganizationSlugChanged {
        /// Before; nobody else can take it for a while.
        from: String,
        /// After.
        to: String,
    },
    /// Its picture changed, or what is shown of it.
    AvatarChanged {
        /// Before.
        from: Avatar,
        /// After.
        to: Avatar,
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
    /// Members need a verified address from now on.
    EmailVerificationRequired {},
    /// Members need no verified address any more.
    EmailVerificationRequirementLifted {},
    /// Members can log in through a provider.
    SsoEnabled {
        /// Id of the kind of provider.
        provider: String,
        /// Its display name.
        name: String,
        /// Whether members without a linked identity may go on.
        allow_unlinked: bool,
    },
    /// Something about the provider that members log in through changed, and not which it is.
    SsoChanged {
        /// Before.
        from: SsoProvider,
        /// After.
        to: SsoProvider,
    },
    /// Members can log in through a provider no more.
    SsoDisabled {
        /// Id of the kind of provider that it was.
        provider: String,
    },
    /// It will end.
    DeletionScheduled {
        /// When it is due.
        due_at: Timestamp,
    },
    /// It will not end after all.
    DeletionCancelled {},
    /// It ended: nothing of it can be asked for any more.
    OrganizationDeleted {
        /// The slug that it had.
        slug: String,
        /// The display name that it had.
        name: String,
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
    OrganizationRenamed = 1,
    OrganizationSlugChanged = 1,
    AvatarChanged = 1,
    OrganizationOptionChanged = 1,
    OrganizationFlagChanged = 1,
    DefaultRoleChanged = 1,
    TwoFactorRequired = 1,
    TwoFactorRequirementLifted = 1,
    EmailVerificationRequired = 1,
    EmailVerificationRequirementLifted = 1,
    SsoEnabled = 1,
    SsoChanged = 1,
    SsoDisabled = 1,
    DeletionScheduled = 1,
    DeletionCancelled = 1,
    OrganizationDeleted = 1,
    FeatureSet = 1,
});

/// The stored type of the event that names another picture.
pub const PICTURED: &str = "AvatarChanged";

impl From<OrganizationEvent> for crate::event::Event {
    fn from(event: OrganizationEvent) -> Self {
        Self::Organization(event)
    }
}

//! What deciding about an organization, and within it, needs to know of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Avatar, Feature, OrganizationCommand, OrganizationEvent, Setting, SettingKind, decide};
use crate::{
    aggregate::Aggregate,
    event::Event,
    refusal::Refusal,
    roles::{RoleId, ScopeOptions},
    time::Timestamp,
};

/// How members log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SsoProvider {
    /// Id of the kind of provider.
    pub provider: String,
    /// Its display name.
    pub name: String,
    /// Whether members without a linked identity may go on.
    pub allow_unlinked: bool,
}

impl SsoProvider {
    /// The most characters of its kind, and of its name.
    pub const MAX_TEXT: usize = 128;
}

/// An organization.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Organization {
    /// The slug; empty before the first event.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// The role of new members.
    pub default_role: Option<RoleId>,
    /// When it came to be.
    pub created_at: Timestamp,
    /// The options that are stored, by API field.
    pub options: BTreeMap<String, Value>,
    /// The flags that were changed, by stored name.
    pub flags: BTreeMap<String, bool>,
    /// The features that were switched.
    pub features: BTreeMap<Feature, bool>,
    /// The SSO provider.
    pub sso: Option<SsoProvider>,
    /// The picture.
    pub avatar: Avatar,
    /// When it is due to end; none when it is not to.
    pub deletion_due: Option<Timestamp>,
    /// Whether it has ended.
    pub deleted: bool,
}

impl Organization {
    /// Whether there is such an organization.
    pub fn exists(&self) -> bool {
        !self.slug.is_empty() && !self.deleted
    }

    /// Whether there was such an organization, and is no more.
    pub fn is_deleted(&self) -> bool {
        self.deleted
    }

    /// Whether the feature is on.
    pub fn has_feature(&self, feature: Feature) -> bool {
        self.features.get(&feature).copied().unwrap_or_else(|| feature.default_on())
    }

    /// Whether a flag is set, by its stored name; false for a name that is no flag.
    pub fn flag(&self, stored: &str) -> bool {
        self.flags.get(stored).copied().unwrap_or_else(|| default_flag(stored))
    }

    /// The value of a setting in its API sense: stored, else the default.
    pub fn setting(&self, setting: &Setting) -> Value {
        match setting.kind {
            SettingKind::Option { .. } => {
                self.options.get(setting.field).cloned().unwrap_or_else(|| setting.default_value())
            }
            SettingKind::Flag { stored, inverted, .. } => Value::Bool(self.flag(stored) != inverted),
        }
    }

    fn option_on(&self, field: &str) -> bool {
        Setting::by_field(field).is_none_or(|setting| self.setting(setting) != Value::Bool(false))
    }

    /// The options that take scopes away from plain members.
    pub fn scope_options(&self) -> ScopeOptions {
        ScopeOptions {
            events_member_admin: self.option_on("eventsMemberAdmin"),
            alerts_member_write: self.option_on("alertsMemberWrite"),
        }
    }
}

/// Whether the flag is set in a new organization.
fn default_flag(stored: &str) -> bool {
    Setting::by_stored(stored).is_some_and(|setting| match setting.kind {
        SettingKind::Flag { inverted, default, .. } => default != inverted,
        SettingKind::Option { .. } => false,
    })
}

impl Aggregate for Organization {
    const TYPE: &'static str = super::TYPE;
    type Command = OrganizationCommand;
    type Event = OrganizationEvent;

    fn decide(&self, command: OrganizationCommand) -> Result<Vec<OrganizationEvent>, Refusal> {
        decide::decide(self, command)
    }

    fn evolve(&mut self, event: &OrganizationEvent, at: Timestamp) {
        match event {
            OrganizationEvent::OrganizationCreated { slug, name, default_role } => {
                self.slug.clone_from(slug);
                self.name.clone_from(name);
                self.default_role = Some(default_role.clone());
                self.created_at = at;
            }
            OrganizationEvent::OrganizationRenamed { to, .. } => self.name.clone_from(to),
            OrganizationEvent::OrganizationSlugChanged { to, .. } => self.slug.clone_from(to),
            OrganizationEvent::AvatarChanged { to, .. } => self.avatar = to.clone(),
            OrganizationEvent::OrganizationOptionChanged { option, to, .. } => {
                self.options.insert(option.clone(), to.clone());
            }
            OrganizationEvent::OrganizationFlagChanged { flag, to } => {
                self.flags.insert(flag.clone(), *to);
            }
            OrganizationEvent::DefaultRoleChanged { to, .. } => self.default_role = Some(to.clone()),
            OrganizationEvent::TwoFactorRequired {} => {
                self.flags.insert("require_2fa".into(), true);
            }
            OrganizationEvent::TwoFactorRequirementLifted {} => {
                self.flags.insert("require_2fa".into(), false);
            }
            OrganizationEvent::EmailVerificationRequired {} => {
                self.flags.insert("require_email_verification".into(), true);
            }
            OrganizationEvent::EmailVerificationRequirementLifted {} => {
                self.flags.insert("require_email_verification".into(), false);
            }
            OrganizationEvent::SsoEnabled { provider, name, allow_unlinked } => {
                let (provider, name, allow_unlinked) = (provider.clone(), name.clone(), *allow_unlinked);
                self.sso = Some(SsoProvider { provider, name, allow_unlinked });
            }
            OrganizationEvent::SsoChanged { to, .. } => self.sso = Some(to.clone()),
            OrganizationEvent::SsoDisabled { .. } => self.sso = None,
            OrganizationEvent::DeletionScheduled { due_at } => self.deletion_due = Some(*due_at),
            OrganizationEvent::DeletionCancelled {} => self.deletion_due = None,
            OrganizationEvent::OrganizationDeleted { .. } => self.deleted = true,
            OrganizationEvent::FeatureSet { feature, on } => {
                self.features.insert(*feature, *on);
            }
        }
    }

    fn event_of(event: &Event) -> Option<&OrganizationEvent> {
        match event {
            Event::Organization(event) => Some(event),
            _ => None,
        }
    }
}

//! The features that are switched per organization (decision D15).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A behaviour that an operator switches on or off for one organization.
///
/// To add one: a variant, its line in `all`, its name, and its default when that is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// Explicit roles on teams count, and retired organization roles are no longer handed out.
    TeamRoles,
    /// Members can be invited at all.
    InviteMembers,
    /// Invitations are limited per day (behaviour 2.5).
    InviteMembersRateLimits,
    /// The organization can require verified e-mail addresses.
    RequiredEmailVerification,
    /// The organization chooses its own sample rate and sampling mode.
    DynamicSamplingCustom,
    /// Team roles named in an invitation are applied (decision D24).
    InviteTeamRoles,
}

impl Feature {
    /// Every feature, in the order in which they are shown.
    pub const fn all() -> &'static [Self] {
        &[
            Self::TeamRoles,
            Self::InviteMembers,
            Self::InviteMembersRateLimits,
            Self::RequiredEmailVerification,
            Self::DynamicSamplingCustom,
            Self::InviteTeamRoles,
        ]
    }

    /// How the feature is called on the command line, in files, in answers and in the log; never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TeamRoles => "team-roles",
            Self::InviteMembers => "invite-members",
            Self::InviteMembersRateLimits => "invite-members-rate-limits",
            Self::RequiredEmailVerification => "required-email-verification",
            Self::DynamicSamplingCustom => "dynamic-sampling-custom",
            Self::InviteTeamRoles => "invite-team-roles",
        }
    }

    /// Whether organizations have the feature for which nobody has switched it.
    pub const fn default_on(self) -> bool {
        matches!(self, Self::TeamRoles | Self::InviteMembers | Self::InviteMembersRateLimits)
    }

    /// The feature of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::all().iter().copied().find(|feature| feature.name() == name)
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

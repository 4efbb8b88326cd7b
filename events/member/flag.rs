//! The marks on a member.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A mark on a member (behaviour.md 2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MemberFlag {
    /// Has logged in through the organization's SSO provider.
    #[serde(rename = "sso:linked")]
    SsoLinked,
    /// Has an identity at the provider that is not valid.
    #[serde(rename = "sso:invalid")]
    SsoInvalid,
    /// Suspended, because the organization is over its member limit.
    #[serde(rename = "member-limit:restricted")]
    MemberLimitRestricted,
    /// Managed through the identity provider: not to be removed here.
    #[serde(rename = "idp:provisioned")]
    IdpProvisioned,
    /// The role is managed through the identity provider.
    #[serde(rename = "idp:role-restricted")]
    IdpRoleRestricted,
    /// Managed by an active partnership: not to be changed or removed here.
    #[serde(rename = "partnership:restricted")]
    PartnershipRestricted,
}

impl MemberFlag {
    /// Every flag, in the order of the wire format.
    pub const ALL: [Self; 6] = [
        Self::IdpProvisioned,
        Self::IdpRoleRestricted,
        Self::SsoLinked,
        Self::SsoInvalid,
        Self::MemberLimitRestricted,
        Self::PartnershipRestricted,
    ];

    /// The name in the wire format.
    pub fn name(self) -> &'static str {
        match self {
            Self::SsoLinked => "sso:linked",
            Self::SsoInvalid => "sso:invalid",
            Self::MemberLimitRestricted => "member-limit:restricted",
            Self::IdpProvisioned => "idp:provisioned",
            Self::IdpRoleRestricted => "idp:role-restricted",
            Self::PartnershipRestricted => "partnership:restricted",
        }
    }
}

impl fmt::Display for MemberFlag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for MemberFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|flag| flag.name() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("\"{text}\" is no member flag; there are {known}")
        })
    }
}

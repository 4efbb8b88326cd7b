use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What kind of letter it is; named as elsewhere (behaviour.md 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LetterKind {
    /// Somebody is invited.
    #[serde(rename = "organization.invite")]
    Invitation,
    /// A member is asked to link himself at the single sign-on provider.
    #[serde(rename = "organization.auth_link")]
    SsoLink,
    /// Single sign-on was switched off.
    #[serde(rename = "organization.auth_sso_disabled")]
    SsoDisabled,
    /// A member lost his place because he has no second factor.
    #[serde(rename = "user.setup_2fa")]
    SecondFactor,
    /// A member lost his place because his address is not verified.
    #[serde(rename = "user.setup_email")]
    VerifyEmail,
    /// Somebody wants to be put on a team.
    #[serde(rename = "team.access.request")]
    TeamAccessRequest,
    /// Somebody was put on the team that he asked for.
    #[serde(rename = "team.access.approved")]
    TeamAccessApproved,
    /// A member proposes somebody.
    #[serde(rename = "organization.invite_request")]
    InviteRequest,
    /// Somebody asks to be let in.
    #[serde(rename = "organization.join_request")]
    JoinRequest,
    /// The organization is about to end.
    #[serde(rename = "org.confirm_delete")]
    Deletion,
}

/// No kind of letter has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no kind of letter; there are {}", .0.escape_debug(), names())]
pub struct UnknownKind(pub String);

fn names() -> String {
    LetterKind::ALL.map(LetterKind::name).join(", ")
}

impl LetterKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Invitation,
        Self::SsoLink,
        Self::SsoDisabled,
        Self::SecondFactor,
        Self::VerifyEmail,
        Self::TeamAccessRequest,
        Self::TeamAccessApproved,
        Self::InviteRequest,
        Self::JoinRequest,
        Self::Deletion,
    ];

    /// The name that is stored, shown and counted.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invitation => "organization.invite",
            Self::SsoLink => "organization.auth_link",
            Self::SsoDisabled => "organization.auth_sso_disabled",
            Self::SecondFactor => "user.setup_2fa",
            Self::VerifyEmail => "user.setup_email",
            Self::TeamAccessRequest => "team.access.request",
            Self::TeamAccessApproved => "team.access.approved",
            Self::InviteRequest => "organization.invite_request",
            Self::JoinRequest => "organization.join_request",
            Self::Deletion => "org.confirm_delete",
        }
    }
}

impl fmt::Display for LetterKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for LetterKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| UnknownKind(text.into()))
    }
}

/// Why a letter made no sense any more when its turn came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// The invitation was revoked, or is gone with its organization.
    InvitationRevoked,
    /// Somebody accepted it.
    InvitationAccepted,
    /// Its token is not valid any more; a newer letter has the new one.
    InvitationReplaced,
    /// Its time was over.
    InvitationExpired,
    /// The request was answered.
    RequestAnswered,
    /// Nobody needs to do any more what the letter asks for.
    NotNeeded,
    /// The recipient is not in the organization any more.
    RecipientLeft,
    /// The recipient was erased: nobody knows his address any more.
    RecipientErased,
    /// The organization is gone.
    OrganizationGone,
}

impl DropReason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::InvitationRevoked,
        Self::InvitationAccepted,
        Self::InvitationReplaced,
        Self::InvitationExpired,
        Self::RequestAnswered,
        Self::NotNeeded,
        Self::RecipientLeft,
        Self::RecipientErased,
        Self::OrganizationGone,
    ];

    /// The name that is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvitationRevoked => "invitation_revoked",
            Self::InvitationAccepted => "invitation_accepted",
            Self::InvitationReplaced => "invitation_replaced",
            Self::InvitationExpired => "invitation_expired",
            Self::RequestAnswered => "request_answered",
            Self::NotNeeded => "not_needed",
            Self::RecipientLeft => "recipient_left",
            Self::RecipientErased => "recipient_erased",
            Self::OrganizationGone => "organization_gone",
        }
    }

    /// As a piece of a sentence for operators.
    pub fn words(self) -> &'static str {
        match self {
            Self::InvitationRevoked => "the invitation was revoked",
            Self::InvitationAccepted => "the invitation was accepted",
            Self::InvitationReplaced => "the invitation has another token",
            Self::InvitationExpired => "the invitation has expired",
            Self::RequestAnswered => "the request was answered",
            Self::NotNeeded => "what it asks for is not needed any more",
            Self::RecipientLeft => "the recipient is not in the organization any more",
            Self::RecipientErased => "the recipient was erased",
            Self::OrganizationGone => "the organization is gone",
        }
    }

    /// The reason with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

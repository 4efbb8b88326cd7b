//! What the events of a member say in a word: how, why, as what.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::personal::KeyedHash;

/// A change of the place among an organization's owners. Stated in the event, because which role makes an owner
/// is defined elsewhere and claims are computed from the event alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// Is an owner from now on.
    Gained,
    /// Is no owner any more.
    Lost,
}

/// How somebody came onto a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssignedHow {
    /// By joining it, or by being added to it alone.
    Joined,
    /// By a replacement of all of the member's teams.
    Replaced,
    /// Named in the invitation or in the request for one.
    Invited,
    /// Stated by an import.
    Imported,
}

/// How somebody left a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnassignedHow {
    /// By leaving it, or by being taken off it alone.
    Left,
    /// By a replacement of all of the member's teams.
    Replaced,
    /// The team was deleted.
    TeamDeleted,
}

/// Why a member was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalReason {
    /// He left.
    Left,
    /// Somebody with the right to do so removed him.
    Removed,
    /// His account was erased.
    AccountErased,
    /// The organization was deleted.
    OrganizationDeleted,
}

/// Why an invitation was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    /// Somebody with the right to do so revoked it.
    Revoked,
    /// Whoever sent it was removed from the organization.
    InviterRemoved,
    /// The organization was deleted.
    OrganizationDeleted,
    /// Whoever it was sent to was erased.
    Erased,
}

/// Why a member became an invitation again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingReason {
    /// The organization requires a second factor, which his account has not.
    NoSecondFactor,
    /// The organization requires a verified address, which his account has not.
    EmailNotVerified,
}

/// What a sent invitation counts for (behaviour.md 2.5 and D10): whoever sends, and the address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvitationCount {
    /// `user:ID` of the person who sends, or `token:ID` of the organization's own token.
    pub by: CompactString,
    /// The address that it is sent to.
    pub address: KeyedHash,
}

/// Whether a row is a member or a request to become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InviteStatus {
    /// A member or an invitation.
    #[default]
    Approved,
    /// A member without the right to invite proposed the address.
    RequestedToBeInvited,
    /// Somebody asked to be let in.
    RequestedToJoin,
}

impl InviteStatus {
    /// The name in the wire format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::RequestedToBeInvited => "requested_to_be_invited",
            Self::RequestedToJoin => "requested_to_join",
        }
    }
}

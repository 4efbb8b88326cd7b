//! What can have happened to a member.

use serde::{Deserialize, Serialize};

use super::MemberFlag;
use crate::{
    event::stored,
    id::{OrganizationId, TeamId, UserId},
    personal::{EmailAddress, KeyedHash, Personal, PersonalVisitor},
    roles::RoleId,
    time::Timestamp,
};

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
}

/// Why a member was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalReason {
    /// He left.
    Left,
    /// Somebody with the right to do so removed him.
    Removed,
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

/// A fact about a member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum MemberEvent {
    /// An address was invited.
    MemberInvited {
        /// The organization that it is invited to.
        organization: OrganizationId,
        /// The invited address.
        email: Personal<EmailAddress>,
        /// The role that the invitation gives.
        org_role: RoleId,
        /// The user who invited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inviter: Option<UserId>,
        /// Which token of this member is valid: each new token has the next number.
        generation: u32,
        /// When the token stops being valid.
        expires_at: Timestamp,
        /// Stated by an import: counts in no rate limit (behaviour.md D32).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        imported: bool,
    },
    /// A user became a member without an invitation.
    MemberAdded {
        /// The organization.
        organization: OrganizationId,
        /// The user.
        user: UserId,
        /// The role.
        org_role: RoleId,
        /// Keyed hashes of all of the user's addresses: nobody else is invited by them.
        addresses: Vec<KeyedHash>,
        /// Gained, when the role makes an owner and the account is active.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ownership: Option<Ownership>,
    },
    /// A member proposed to invite an address.
    InviteRequested {
        /// The organization.
        organization: OrganizationId,
        /// The proposed address.
        email: Personal<EmailAddress>,
        /// The proposed role.
        org_role: RoleId,
        /// The user who proposed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inviter: Option<UserId>,
    },
    /// Somebody asked to be let in.
    JoinRequested {
        /// The organization.
        organization: OrganizationId,
        /// His address.
        email: Personal<EmailAddress>,
        /// The role that an approval would give.
        org_role: RoleId,
    },
    /// The organization role changed.
    OrgRoleChanged {
        /// Before.
        from: RoleId,
        /// After.
        to: RoleId,
        /// Whether that made or unmade an owner.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ownership: Option<Ownership>,
    },
    /// The member came onto a team.
    TeamAssigned {
        /// The team.
        team: TeamId,
        /// The explicit team role; none in the normal case.
        role: Option<RoleId>,
        /// How.
        how: AssignedHow,
    },
    /// The member left a team.
    TeamUnassigned {
        /// The team.
        team: TeamId,
        /// The explicit team role that he had.
        role: Option<RoleId>,
        /// How.
        how: UnassignedHow,
    },
    /// The explicit role on a team changed.
    TeamRoleChanged {
        /// The team.
        team: TeamId,
        /// Before.
        from: Option<RoleId>,
        /// After.
        to: Option<RoleId>,
    },
    /// The explicit role on a team was cleared, because the new organization role gives at least as much.
    TeamRoleCleared {
        /// The team.
        team: TeamId,
        /// The explicit role that was cleared.
        was: RoleId,
        /// The new organization role.
        because_of_org_role: RoleId,
    },
    /// The member logged in through the organization's SSO provider.
    SsoLinked {
        /// The provider.
        provider: String,
    },
    /// A flag was set.
    MemberFlagSet {
        /// Which.
        flag: MemberFlag,
    },
    /// A flag was cleared.
    MemberFlagCleared {
        /// Which.
        flag: MemberFlag,
    },
    /// The member is gone from the organization.
    MemberRemoved {
        /// Why.
        reason: RemovalReason,
        /// The role that he had.
        role: RoleId,
        /// The teams that he was on.
        teams: Vec<TeamId>,
        /// The user, when the row was claimed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<UserId>,
        /// Keyed hashes of the addresses that are free again.
        addresses: Vec<KeyedHash>,
        /// Lost, when he was an owner.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ownership: Option<Ownership>,
    },
}

stored!(MemberEvent {
    MemberInvited = 1,
    MemberAdded = 1,
    InviteRequested = 1,
    JoinRequested = 1,
    OrgRoleChanged = 1,
    TeamAssigned = 1,
    TeamUnassigned = 1,
    TeamRoleChanged = 1,
    TeamRoleCleared = 1,
    SsoLinked = 1,
    MemberFlagSet = 1,
    MemberFlagCleared = 1,
    MemberRemoved = 1,
});

impl MemberEvent {
    /// Visits the personal values.
    pub fn visit_personal<V: PersonalVisitor>(&mut self, visitor: &mut V) -> Result<(), V::Error> {
        match self {
            Self::MemberInvited { email, .. }
            | Self::InviteRequested { email, .. }
            | Self::JoinRequested { email, .. } => visitor.visit("email", email),
            Self::MemberAdded { .. }
            | Self::OrgRoleChanged { .. }
            | Self::TeamAssigned { .. }
            | Self::TeamUnassigned { .. }
            | Self::TeamRoleChanged { .. }
            | Self::TeamRoleCleared { .. }
            | Self::SsoLinked { .. }
            | Self::MemberFlagSet { .. }
            | Self::MemberFlagCleared { .. }
            | Self::MemberRemoved { .. } => Ok(()),
        }
    }
}

impl From<MemberEvent> for crate::event::Event {
    fn from(event: MemberEvent) -> Self {
        Self::Member(event)
    }
}

//! What can have happened to a member.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{
    AssignedHow, InvitationCount, InviteStatus, MemberFlag, Ownership, PendingReason, RemovalReason,
    RevocationReason, UnassignedHow,
};
use crate::{
    event::stored,
    id::{OrganizationId, TeamId, UserId},
    personal::{EmailAddress, KeyedHash, Personal, PersonalVisitor},
    roles::RoleId,
    time::Timestamp,
};

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
        /// What it counts for; none where nothing is counted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counted: Option<InvitationCount>,
        /// Whoever invited wanted no letter to be sent.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        without_letter: bool,
        /// Where the invitation came from, for the link in the letter.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        referrer: Option<CompactString>,
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
    /// A request became an invitation.
    InviteApproved {
        /// Which token is valid from now on.
        generation: u32,
        /// When it stops being valid.
        expires_at: Timestamp,
    },
    /// A request was rejected, or taken back because whoever made it is gone.
    InviteRequestRejected {
        /// What kind of request it was.
        status: InviteStatus,
        /// The role that it asked for.
        role: RoleId,
        /// The teams that it asked for.
        teams: Vec<TeamId>,
        /// Keyed hashes of the addresses that are free again.
        addresses: Vec<KeyedHash>,
    },
    /// The letter of an invitation was sent for again.
    InviteResent {
        /// Which token it holds.
        generation: u32,
        /// What it counts for; none where nothing is counted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counted: Option<InvitationCount>,
    },
    /// An invitation got another token; the old one is not valid any more.
    InviteTokenRegenerated {
        /// Which token is valid from now on.
        generation: u32,
        /// When it stops being valid.
        expires_at: Timestamp,
    },
    /// An invitation came to its end unused (behaviour.md D18).
    InviteExpired {
        /// Which token is no longer valid.
        generation: u32,
    },
    /// An invitation was taken back.
    InviteRevoked {
        /// Why.
        reason: RevocationReason,
        /// The role that it would have given.
        role: RoleId,
        /// The teams that it would have given.
        teams: Vec<TeamId>,
        /// Keyed hashes of the addresses that are free again.
        addresses: Vec<KeyedHash>,
    },
    /// A user took an invitation.
    InviteAccepted {
        /// The user.
        user: UserId,
        /// Whether the invited address is one of his.
        email_matches: bool,
        /// Keyed hashes of his addresses that nobody else in the organization holds.
        addresses: Vec<KeyedHash>,
        /// Keyed hashes of the addresses that are free again.
        released: Vec<KeyedHash>,
        /// Gained, when the role makes an owner.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ownership: Option<Ownership>,
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
    /// The member is no longer linked to an identity at the SSO provider.
    SsoUnlinked {
        /// The provider.
        provider: String,
    },
    /// A member who is not linked yet was asked to link himself.
    SsoLinkRequested {
        /// The provider.
        provider: String,
    },
    /// It was asked that the member may join a team (behaviour.md 5.2).
    TeamAccessRequested {
        /// The team.
        team: TeamId,
        /// Who asked; none when the member asked for himself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        requester: Option<UserId>,
    },
    /// The request to join a team was granted.
    TeamAccessApproved {
        /// The team.
        team: TeamId,
    },
    /// The request to join a team was refused, or has lost its point.
    TeamAccessDenied {
        /// The team.
        team: TeamId,
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
    /// The member has lost his user and is an invitation again; role and teams stay.
    MemberReturnedToPending {
        /// Why.
        reason: PendingReason,
        /// The user that he was.
        user: UserId,
        /// The address that he is invited by from now on.
        email: Personal<EmailAddress>,
        /// Which token is valid from now on.
        generation: u32,
        /// When it stops being valid.
        expires_at: Timestamp,
        /// Keyed hashes of the addresses that are free again.
        released: Vec<KeyedHash>,
        /// Lost, when he was an owner.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ownership: Option<Ownership>,
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
    /// Whoever was invited here, or asked to be let in, is forgotten for ever: his keys are destroyed because of this, and
    /// the address stays in the log unreadable. An open invitation or request has ended just before.
    InviteeErased {},
}

stored!(MemberEvent {
    MemberInvited = 2,
    MemberAdded = 1,
    InviteRequested = 1,
    JoinRequested = 1,
    InviteApproved = 1,
    InviteRequestRejected = 1,
    InviteResent = 1,
    InviteTokenRegenerated = 1,
    InviteExpired = 1,
    InviteRevoked = 1,
    InviteAccepted = 1,
    OrgRoleChanged = 1,
    TeamAssigned = 1,
    TeamUnassigned = 1,
    TeamRoleChanged = 1,
    TeamRoleCleared = 1,
    SsoLinked = 1,
    SsoUnlinked = 1,
    SsoLinkRequested = 1,
    TeamAccessRequested = 1,
    TeamAccessApproved = 1,
    TeamAccessDenied = 1,
    MemberFlagSet = 1,
    MemberFlagCleared = 1,
    MemberReturnedToPending = 1,
    MemberRemoved = 1,
    InviteeErased = 1,
});

/// The stored types of the events that seal an address for a row: those with a [`MemberEvent::address`].
pub const ADDRESSED: [&str; 4] =
    ["MemberInvited", "InviteRequested", "JoinRequested", "MemberReturnedToPending"];

impl MemberEvent {
    /// The address that the row is for from here on.
    pub fn address(&self) -> Option<&Personal<EmailAddress>> {
        match self {
            Self::MemberInvited { email, .. }
            | Self::InviteRequested { email, .. }
            | Self::JoinRequested { email, .. }
            | Self::MemberReturnedToPending { email, .. } => Some(email),
            _ => None,
        }
    }

    /// Visits the personal values.
    pub fn visit_personal<V: PersonalVisitor>(&mut self, visitor: &mut V) -> Result<(), V::Error> {
        match self {
            Self::MemberInvited { email, .. }
            | Self::InviteRequested { email, .. }
            | Self::JoinRequested { email, .. }
            | Self::MemberReturnedToPending { email, .. } => visitor.visit("email", email),
            Self::MemberAdded { .. }
            | Self::InviteApproved { .. }
            | Self::InviteRequestRejected { .. }
            | Self::InviteResent { .. }
            | Self::InviteTokenRegenerated { .. }
            | Self::InviteExpired { .. }
            | Self::InviteRevoked { .. }
            | Self::InviteAccepted { .. }
            | Self::OrgRoleChanged { .. }
            | Self::TeamAssigned { .. }
            | Self::TeamUnassigned { .. }
            | Self::TeamRoleChanged { .. }
            | Self::TeamRoleCleared { .. }
            | Self::SsoLinked { .. }
            | Self::SsoUnlinked { .. }
            | Self::SsoLinkRequested { .. }
            | Self::TeamAccessRequested { .. }
            | Self::TeamAccessApproved { .. }
            | Self::TeamAccessDenied { .. }
            | Self::MemberFlagSet { .. }
            | Self::MemberFlagCleared { .. }
            | Self::MemberRemoved { .. }
            | Self::InviteeErased {} => Ok(()),
        }
    }
}

impl From<MemberEvent> for crate::event::Event {
    fn from(event: MemberEvent) -> Self {
        Self::Member(event)
    }
}

//! What deciding about a member needs to know of him.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{InviteStatus, MemberCommand, MemberEvent, MemberFlag, Ownership, decide};
use crate::{
    aggregate::Aggregate,
    event::Event,
    id::{OrganizationId, TeamId, UserId},
    personal::{EmailAddress, KeyedHash, Personal},
    refusal::Refusal,
    roles::RoleId,
    time::Timestamp,
};

/// The token of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Which token is valid.
    pub generation: u32,
    /// When it stops being valid.
    pub expires_at: Timestamp,
    /// Whether it is on record that it has.
    pub expired: bool,
}

impl Invitation {
    fn new(generation: u32, expires_at: Timestamp) -> Self {
        Self { generation, expires_at, expired: false }
    }
}

/// Whether an invitation that ends at `expires_at` is over at `now`: it is valid until then, not at then. One without
/// an end never is.
pub fn has_expired(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_some_and(|end| end <= now)
}

/// One address or person in one organization.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The organization; none before the first event.
    pub organization: Option<OrganizationId>,
    /// The user, once the row is claimed.
    pub user: Option<UserId>,
    /// The address, while it is not.
    pub email: Option<Personal<EmailAddress>>,
    /// The organization role; none before the first event.
    pub org_role: Option<RoleId>,
    /// The teams, each with the explicit role.
    pub teams: BTreeMap<TeamId, Option<RoleId>>,
    /// The teams that it was asked for him to join, each with who asked when it was not himself.
    pub access_requests: BTreeMap<TeamId, Option<UserId>>,
    /// The flags that are set.
    pub flags: BTreeSet<MemberFlag>,
    /// Whether this is a member or a request.
    pub invite_status: InviteStatus,
    /// The user who invited or proposed.
    pub inviter: Option<UserId>,
    /// The token, while an invitation is open.
    pub invitation: Option<Invitation>,
    /// The number of the last token, also when it is not valid any more: the next one has another.
    pub generation: u32,
    /// When the row came to be.
    pub created_at: Timestamp,
    /// Whether he is gone.
    pub removed: bool,
    /// Keyed hashes of the addresses that he holds in the organization.
    pub addresses: BTreeSet<KeyedHash>,
    /// Whether an event made him an owner and none unmade him.
    pub owner: bool,
    /// Whether the last address that was sealed for this row was erased.
    #[serde(default)]
    pub invitee_erased: bool,
}

impl Member {
    /// Whether there is such a member now.
    pub fn exists(&self) -> bool {
        self.organization.is_some() && !self.removed
    }

    /// Whether the row has no user yet.
    pub fn is_pending(&self) -> bool {
        self.user.is_none()
    }

    /// Whether the token of the invitation is no longer valid at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        has_expired(self.invitation.map(|invitation| invitation.expires_at), now)
    }

    fn begin(&mut self, organization: OrganizationId, org_role: &RoleId, at: Timestamp) {
        self.organization = Some(organization);
        self.org_role = Some(org_role.clone());
        self.created_at = at;
        self.removed = false;
    }

    fn address(&mut self, email: &Personal<EmailAddress>) {
        self.addresses.extend(email.hash().cloned());
        self.email = Some(email.clone());
        self.invitee_erased = false;
    }

    fn token(&mut self, generation: u32, expires_at: Timestamp) {
        self.generation = generation;
        self.invitation = Some(Invitation::new(generation, expires_at));
    }

    fn ownership(&mut self, change: Option<Ownership>) {
        self.owner = change.map_or(self.owner, |change| change == Ownership::Gained);
    }
}

impl Aggregate for Member {
    const TYPE: &'static str = super::TYPE;
    type Command = MemberCommand;
    type Event = MemberEvent;

    fn decide(&self, command: MemberCommand) -> Result<Vec<MemberEvent>, Refusal> {
        decide::decide(self, command)
    }

    #[expect(clippy::too_many_lines, reason = "a table: one arm an event")]
    fn evolve(&mut self, event: &MemberEvent, at: Timestamp) {
        match event {
            MemberEvent::MemberInvited {
                organization,
                email,
                org_role,
                inviter,
                generation,
                expires_at,
                ..
            } => {
                self.begin(*organization, org_role, at);
                self.address(email);
                self.flags.clear();
                self.inviter = *inviter;
                self.invite_status = InviteStatus::Approved;
                self.token(*generation, *expires_at);
            }
            MemberEvent::MemberAdded { organization, user, org_role, addresses, ownership } => {
                self.begin(*organization, org_role, at);
                self.user = Some(*user);
                self.addresses.extend(addresses.iter().cloned());
                self.ownership(*ownership);
            }
            MemberEvent::InviteRequested { organization, email, org_role, inviter } => {
                self.begin(*organization, org_role, at);
                self.address(email);
                self.inviter = *inviter;
                self.invite_status = InviteStatus::RequestedToBeInvited;
            }
            MemberEvent::JoinRequested { organization, email, org_role } => {
                self.begin(*organization, org_role, at);
                self.address(email);
                self.invite_status = InviteStatus::RequestedToJoin;
            }
            MemberEvent::InviteApproved { generation, expires_at } => {
                self.invite_status = InviteStatus::Approved;
                self.token(*generation, *expires_at);
            }
            MemberEvent::InviteTokenRegenerated { generation, expires_at } => {
                self.token(*generation, *expires_at);
            }
            MemberEvent::InviteExpired { .. } => {
                self.invitation =
                    self.invitation.map(|invitation| Invitation { expired: true, ..invitation });
            }
            MemberEvent::InviteAccepted { user, addresses, released, ownership, .. } => {
                self.user = Some(*user);
                self.email = None;
                self.invitation = None;
                self.addresses.retain(|address| !released.contains(address));
                self.addresses.extend(addresses.iter().cloned());
                self.ownership(*ownership);
            }
            MemberEvent::MemberReturnedToPending {
                email,
                generation,
                expires_at,
                released,
                ownership,
                ..
            } => {
                self.user = None;
                self.addresses.retain(|address| !released.contains(address));
                self.address(email);
                self.token(*generation, *expires_at);
                self.ownership(*ownership);
            }
            MemberEvent::InviteResent { .. } | MemberEvent::SsoLinkRequested { .. } => {}
            MemberEvent::OrgRoleChanged { to, ownership, .. } => {
                self.org_role = Some(to.clone());
                self.ownership(*ownership);
            }
            MemberEvent::TeamAssigned { team, role, .. } => {
                self.teams.insert(*team, role.clone());
                self.access_requests.remove(team);
            }
            MemberEvent::TeamAccessRequested { team, requester } => {
                self.access_requests.insert(*team, *requester);
            }
            MemberEvent::TeamAccessApproved { team } | MemberEvent::TeamAccessDenied { team } => {
                self.access_requests.remove(team);
            }
            MemberEvent::TeamUnassigned { team, .. } => {
                self.teams.remove(team);
            }
            MemberEvent::TeamRoleChanged { team, to, .. } => {
                self.teams.insert(*team, to.clone());
            }
            MemberEvent::TeamRoleCleared { team, .. } => {
                self.teams.insert(*team, None);
            }
            MemberEvent::SsoLinked { .. } => {
                self.flags.insert(MemberFlag::SsoLinked);
            }
            MemberEvent::SsoUnlinked { .. } => {
                self.flags.remove(&MemberFlag::SsoLinked);
            }
            MemberEvent::MemberFlagSet { flag } => {
                self.flags.insert(*flag);
            }
            MemberEvent::MemberFlagCleared { flag } => {
                self.flags.remove(flag);
            }
            MemberEvent::MemberRemoved { .. }
            | MemberEvent::InviteRevoked { .. }
            | MemberEvent::InviteRequestRejected { .. } => {
                *self = Self {
                    organization: self.organization,
                    created_at: self.created_at,
                    removed: true,
                    invitee_erased: self.invitee_erased,
                    ..Self::default()
                };
            }
            MemberEvent::InviteeErased {} => self.invitee_erased = true,
        }
    }

    fn event_of(event: &Event) -> Option<&MemberEvent> {
        match event {
            Event::Member(event) => Some(event),
            _ => None,
        }
    }
}

//! What can be asked of a member.

use std::sync::Arc;

use super::{
    AcceptContext, Consequence, InvitationContext, InvitationRequest, JoinContext, MemberFlag, MemberUpdate,
    RemovalContext, RemovalReason, RequestUpdate, TeamNames, TransferContext, UpdateContext,
    team_membership::{AccessAnswer, OnTeamContext, TeamRoleWanted},
};
use crate::{
    id::{OrganizationId, TeamId, UserId},
    personal::{EmailAddress, KeyedHash, Personal},
    roles::{RoleId, Roles},
    time::Timestamp,
};

/// A team with the explicit role on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The team.
    pub team: TeamId,
    /// The explicit role; none in the normal case.
    pub role: Option<RoleId>,
}

/// A pending row: an invitation or a request.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// The organization.
    pub organization: OrganizationId,
    /// The address.
    pub email: Personal<EmailAddress>,
    /// The role.
    pub org_role: RoleId,
    /// The teams.
    pub teams: Vec<Assignment>,
    /// The user who invites or proposes.
    pub inviter: Option<UserId>,
    /// Stated by an import.
    pub imported: bool,
    /// The roles in force.
    pub roles: Arc<Roles>,
}

/// A user who becomes a member without an invitation.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// The organization.
    pub organization: OrganizationId,
    /// The user.
    pub user: UserId,
    /// Whether the account is active.
    pub active: bool,
    /// Keyed hashes of all of the user's addresses.
    pub addresses: Vec<KeyedHash>,
    /// The role.
    pub org_role: RoleId,
    /// The teams.
    pub teams: Vec<Assignment>,
    /// Stated by an import.
    pub imported: bool,
    /// The roles in force.
    pub roles: Arc<Roles>,
}

/// A command on a member.
#[derive(Debug, Clone)]
pub enum MemberCommand {
    /// Invite the address; the token is valid until `expires_at`.
    Invite(NewInvitation, Timestamp),
    /// Make the user a member.
    AddMember(NewMember),
    /// Propose to invite the address.
    RequestInvite(NewInvitation),
    /// Ask to be let in.
    RequestToJoin(NewInvitation),
    /// Change the organization role, and clear the team roles that this makes redundant.
    ChangeOrgRole {
        /// The new role.
        to: RoleId,
        /// Whether the member's account is active.
        active: bool,
        /// The roles in force.
        roles: Arc<Roles>,
        /// The names of the member's teams, for the order of events.
        names: TeamNames,
    },
    /// Replace all teams by these.
    AssignTeams {
        /// The teams after it.
        teams: Vec<Assignment>,
        /// The names of the teams before and after, for the order of events.
        names: TeamNames,
    },
    /// Come onto one team; nothing when on it already.
    JoinTeam {
        /// The team.
        team: TeamId,
        /// The roles in force.
        roles: Arc<Roles>,
    },
    /// Leave one team; nothing when not on it.
    LeaveTeam {
        /// The team.
        team: TeamId,
    },
    /// Set the explicit role on one team; none when it is not above what the organization role gives.
    ChangeTeamRole {
        /// The team.
        team: TeamId,
        /// The role asked for.
        role: RoleId,
        /// The roles in force.
        roles: Arc<Roles>,
    },
    /// State that the member has logged in through the provider.
    LinkSso {
        /// The provider.
        provider: String,
    },
    /// Set a flag.
    SetFlag(MemberFlag),
    /// Clear a flag.
    ClearFlag(MemberFlag),
    /// Remove the member, whoever asks.
    Remove {
        /// Why.
        reason: RemovalReason,
        /// Keyed hashes of all of the user's addresses: those that he added since he joined are free again too.
        addresses: Vec<KeyedHash>,
    },
    /// Do what follows from something that happened elsewhere.
    Follow(Consequence),
    /// Put on record that the invitation has come to its end; nothing before its time.
    ExpireInvite {
        /// When this is asked.
        now: Timestamp,
    },
    /// The whole of POST members, with every check (behaviour.md 4.3).
    InviteBy(InvitationRequest, Arc<InvitationContext>),
    /// The whole of POST accept-invite, with every check (behaviour.md 4.5).
    AcceptInvite(Arc<AcceptContext>),
    /// The whole of PUT member, with every check (behaviour.md 2.3).
    Update(MemberUpdate, Arc<UpdateContext>),
    /// The whole of DELETE member, with every check (behaviour.md 3.2).
    RemoveBy(Arc<RemovalContext>),
    /// The whole of POST join request, but for how often one may ask (behaviour.md 4.6).
    AskToJoin(Arc<JoinContext>),
    /// The whole of POST invite request, with every check (behaviour.md 4.6).
    Propose(MemberUpdate, Arc<UpdateContext>),
    /// The whole of PUT invite request, with every check (behaviour.md 4.6).
    UpdateRequest(RequestUpdate, Arc<UpdateContext>),
    /// The whole of DELETE invite request, with every check (behaviour.md 4.6).
    RejectBy(Arc<UpdateContext>),
    /// The whole of POST team membership, with every check (behaviour.md 5.2).
    JoinTeamBy(Arc<OnTeamContext>),
    /// The whole of DELETE team membership, with every check (behaviour.md 5.3).
    LeaveTeamBy(Arc<OnTeamContext>),
    /// The whole of PUT team membership, with every check (behaviour.md 5.4).
    ChangeTeamRoleBy(TeamRoleWanted, Arc<OnTeamContext>),
    /// The whole of PUT access request, with every check (behaviour.md 5.5).
    AnswerTeamAccess(AccessAnswer, Arc<OnTeamContext>),
    /// Become an owner in the place of the requester, with every check (behaviour.md D25).
    TakeOwnership(Arc<TransferContext>),
    /// Be an owner no more, after another has become one.
    YieldOwnership(Arc<TransferContext>),
}

//! Member: one address or person in one organization, from the invitation to the removal.
//!
//! A pending member has an address and no user; a claimed one has a user. One address has one stream per
//! organization until it is removed.

mod accept;
mod command;
mod consequence;
mod decide;
mod end;
mod event;
mod fields;
mod flag;
mod invite;
mod reinvite;
mod remove;
mod request;
mod state;
pub mod team_membership;
mod teams;
mod transfer;
mod update;
mod words;

pub use accept::{AcceptContext, InvitationDetails, look_at};
pub use command::{Assignment, MemberCommand, NewInvitation, NewMember};
pub use consequence::{Consequence, ReturnToPending};
pub use event::{ADDRESSED, MemberEvent};
pub use flag::MemberFlag;
pub use invite::{INVITATION_DAYS, InvitationContext, InvitationRequest};
pub use remove::RemovalContext;
pub use request::{JoinContext, RequestUpdate, may_ask_to_join, takes_join_requests};
pub use state::{Invitation, Member, has_expired};
pub use teams::TeamNames;
pub use transfer::TransferContext;
pub use update::{EmailHolder, MemberUpdate, TeamRoleEntry, UpdateContext};
pub use words::{
    AssignedHow, InvitationCount, InviteStatus, Ownership, PendingReason, RemovalReason, RevocationReason,
    UnassignedHow,
};

/// The stored name of this kind of aggregate.
pub const TYPE: &str = "member";

#[cfg(test)]
mod tests;

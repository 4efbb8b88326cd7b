//! Member: one address or person in one organization, from the invitation to the removal.
//!
//! A pending member has an address and no user; a claimed one has a user. One address has one stream per
//! organization until it is removed.

mod command;
mod decide;
mod event;
mod flag;
mod remove;
mod state;
mod teams;
mod transfer;
mod update;

pub use command::{Assignment, MemberCommand, NewInvitation, NewMember};
pub use event::{
    AssignedHow, InvitationCount, InviteStatus, MemberEvent, Ownership, PendingReason, RemovalReason,
    RevocationReason, UnassignedHow,
};
pub use flag::MemberFlag;
pub use remove::RemovalContext;
pub use state::{Invitation, Member, has_expired};
pub use teams::TeamNames;
pub use transfer::TransferContext;
pub use update::{EmailHolder, MemberUpdate, TeamRoleEntry, UpdateContext};

/// The stored name of this kind of aggregate.
pub const TYPE: &str = "member";

#[cfg(test)]
mod tests;

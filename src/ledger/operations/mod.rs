//! What can be asked of the ledger, one file each: what a command looks at, and which aggregates decide it.

mod import;
mod issue_token;
mod register_user;
mod remove_member;
mod roles;
mod transfer_ownership;
mod update_member;

pub use import::{
    INVITATION_DAYS, ImportMember, ImportOrganization, ImportedOrganization, MemberFact, Person, TeamFact,
};
pub use issue_token::{IssueToken, RevokeToken, Secret};
pub use register_user::RegisterUser;
pub use remove_member::RemoveMember;
pub use roles::{ApplyRoles, DefineBundledRoles, HeldRoles, RoleHolders};
pub use transfer_ownership::{TransferOwnership, Transferred};
pub use update_member::{UpdateMember, Updated};

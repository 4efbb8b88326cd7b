//! What can be asked of the ledger, one file each: what a command looks at, and which aggregates decide it.

mod accept_invite;
mod addresses;
pub use addresses::{MAX_EMAIL_ADDRESS, is_email_address};
mod administer;
mod ask_to_join;
mod change_account;
mod consequences;
mod erase;
mod expire_invite;
mod import;
mod invite_member;
mod issue_token;
mod letters;
mod organizations;
mod register_user;
mod remove_member;
mod requests;
mod roles;
mod team_membership;
mod teams;
mod transfer_ownership;
mod update_member;

pub use accept_invite::{AcceptInvite, InvitationLink, Opened, ShownToken};
pub use administer::{AdministerOrganization, AsSuperuser, FlagsChange, SsoChange, TeamMarks};
pub use ask_to_join::AskToJoin;
pub use change_account::{AccountChange, ChangeAccount, Profile};
pub use consequences::{ClearTeam, Enforce, RemoveErased, RemoveWithOrganization, RevokeSent, UnlinkSso};
pub use erase::{EraseAccount, EraseInvitee, EraseRows};
pub use expire_invite::ExpireInvite;
pub use import::{ImportMember, ImportOrganization, ImportedOrganization, MemberFact, Person, TeamFact};
pub use invite_member::{InviteMember, Invited};
pub use issue_token::{IssueToken, IssueTokenBy, RevokeToken, RevokeTokenBy, Secret};
pub use letters::{Attempted, QueueLetter, RecordAttempt, ReleaseLetter};
pub use organizations::{
    CarryOutDeletion, CreateOrganization, ScheduleDeletion, UpdateOrganization, UpdatedOrganization,
};
pub use register_user::RegisterUser;
pub use remove_member::RemoveMember;
pub use requests::{AnswerRequest, Propose, RequestChange};
pub use roles::{ApplyRoles, DefineBundledRoles, HeldRoles, RoleHolders};
pub use team_membership::{
    AnswerAccessRequest, ChangeTeamMembership, Ended, MembershipAct, OnTeam, TeamMembershipChanged,
};
pub use teams::{ChangeTeam, CreateTeam, DeleteTeam, TeamChanged};
pub use transfer_ownership::{TransferOwnership, Transferred};
pub use update_member::{UpdateMember, Updated};

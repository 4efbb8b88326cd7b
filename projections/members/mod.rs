//! Who is in which organization, with which role, on which teams: members, invitations and requests.

mod filter;
pub mod project;
pub mod query;
pub mod search;
mod table;

pub use filter::{Candidate, MemberFilter};
pub use project::PROJECTION;
pub use query::{Inviter, MemberDetails, MemberRow, MemberTeam};
pub use table::{ACCESS_REQUESTS, MEMBER_TEAMS, MEMBERS};

//! Who is in which organization, with which role, on which teams: members, invitations and requests.

pub mod access_requests;
pub mod concerned;
mod filter;
pub mod on_team;
mod people;
pub mod project;
pub mod query;
pub mod requests;
pub mod search;
mod table;

pub use access_requests::AccessRequestRow;
pub use filter::{Candidate, MemberFilter};
pub use on_team::TeamMember;
pub use people::people;
pub use project::PROJECTION;
pub use query::{Inviter, MemberDetails, MemberRow, MemberTeam};
pub use table::{ACCESS_REQUESTS, MEMBER_TEAMS, MEMBERS};

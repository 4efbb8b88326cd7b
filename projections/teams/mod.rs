//! The teams of organizations. Who is on them is the members' to say.

mod filter;
pub mod project;
pub mod query;

pub use filter::TeamFilter;
pub use project::{PROJECTION, TEAMS};
pub use query::{ListedTeam, OnTeam, TeamRow};

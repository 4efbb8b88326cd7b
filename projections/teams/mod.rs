//! The teams of organizations. Who is on them is the members' to say.

pub mod project;
pub mod query;

pub use project::{PROJECTION, TEAMS};
pub use query::{ListedTeam, OnTeam, TeamRow};

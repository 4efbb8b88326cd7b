//! How the policies stand, for operators.

use muster_events::stream::Position;

use crate::subscription::Trouble;

/// How the policies stand in this process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// How far they have come, where this process does the work; none where another one does.
    pub position: Option<Position>,
    /// How many commands were given up since this process started, because they were refused again and again.
    pub passed: u64,
    /// What keeps them from going on, while they try again.
    pub trouble: Option<Trouble>,
}

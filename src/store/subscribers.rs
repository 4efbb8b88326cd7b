//! Effectful subscribers: those whose work changes the log or the world, so that it must not be done again when a read
//! model is built again. How far each has come is kept with the log for that reason.

use muster_events::stream::Position;

/// The right of one process to do the work of a subscriber, until it runs out or another process has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The subscriber.
    pub subscriber: String,
    /// Which process has the lease.
    pub holder: String,
    /// Grows whenever another holder gets the lease: what was begun under an older epoch moves no checkpoint.
    pub epoch: u64,
    /// How far the subscriber has come. A new one stands at the head of the log, and so does one that had come further
    /// than the log goes, because that was put back to an earlier state.
    pub checkpoint: Position,
}

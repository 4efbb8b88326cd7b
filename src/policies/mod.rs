//! What happens by itself: events have consequences for other aggregates, and some things fall due. The pure part, which
//! says what has to be done about an event, is `events/policies`; this finds whom it concerns, and carries it out through
//! the ledger.
//!
//! [`Policies`] is an effectful subscriber of the log. It reads after a checkpoint that is kept with the log and not with
//! the read models, so that a rebuild of those does nothing again; a new one starts at the head. Of several processes one
//! works, under a lease. Everything is done by commands that look again whether their cause holds: after a crash between
//! an append and its checkpoint they find that it is done, and so does a process that was overtaken without noticing.

mod carry_out;
mod erasure;
mod letters;
mod runner;
mod status;
mod sweep;

pub use runner::{Policies, SUBSCRIBER};
pub use status::Status;

//! The audit log (behaviour.md 11): what the events of the log mean to somebody who audits an organization.
//!
//! Pure: recorded events in, entries out. Nothing is kept; an audit log is a reading of the log.
//!
//! **Which events make one entry.** A command appends the events of a stream together, so its events are those that
//! stand next to each other in the order of the log, on one stream, with one time, actor, request, cause and idempotency
//! key: a [run](same_run). Inside a run, what only changes a member, a team or an organization is
//! summed up in one entry of the whole run, such as `member.edit` with the role and the teams; that entry takes the place
//! of the last of its events. Teams that were joined or left have an entry each besides. A run that begins with the
//! birth of what it is about has one entry for all of that. To rest on neighbourhood alone would join what two
//! commands did; to rest on the request alone would join what a client did who sends one id with all his requests.
//!
//! **To add an event**: a line in the match of `classify.rs`, its stored type beside the kinds that it can make in
//! `kind.rs` (a test names those that are missing), and what it changes in `change.rs`.

mod change;
mod classify;
mod entry;
mod kind;
mod note;

pub use change::{Change, Value, changes};
pub use classify::{Class, classify};
pub use entry::{Entry, entries, same_run};
pub use kind::Kind;
pub use note::{Named, note, provider, tracked};

#[cfg(test)]
mod tests;

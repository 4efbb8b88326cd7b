//! What can be asked of a membership ledger, and what can have happened in it. Pure: value in, value out; no I/O,
//! no clock, no randomness.
//!
//! Each aggregate has a folder with its commands, its events, its state, `decide` (what a command does to a
//! state) and `evolve` (the state after an event). `access` says who may ask; `roles` is the role engine;
//! `claims` says what each event claims; `policies` says what has to be done about one; `personal` keeps apart what is a person's.
//!
//! To add an event:
//! 1. add the variant to the aggregate's event enum and its line to the `stored!` list; the compiler then names
//!    every match that has to answer for it: `evolve`, `visit_personal`, `claims_of`, each projection;
//! 2. add `fixtures/<Type>.v1.json`, a stored example; a test refuses to pass without it;
//! 3. let a command produce it, and say so in a decision test.
//!
//! To change the shape of one: raise its version, add an upcaster (see `upcast`) and a second fixture.

pub mod access;
pub mod administration;
pub mod aggregate;
pub mod claims;
pub mod definitions;
pub mod event;
pub mod id;
pub mod letter;
pub mod member;
pub mod organization;
pub mod personal;
pub mod policies;
pub mod recorded;
pub mod refusal;
pub mod roles;
pub mod stream;
pub mod team;
pub mod time;
pub mod token;
pub mod upcast;
pub mod user;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod specification;

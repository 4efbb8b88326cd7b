//! A strict double of EventStoreDB for tests: the protocol of a real server, in the process of the test and in memory,
//! with faults on command. In reading order:
//!
//! - [`Double`] is a server, [`Setup`] one with a password or by TLS, [`Cluster`] three of them;
//! - [`Log`] is what they keep, and what tests look at;
//! - [`Faults`] is how tests let things go wrong.
//!
//! It is strict: what a real server refuses is refused, with the same codes, details and trailers, and so are requests
//! that break the protocol. Deliberately absent: persistent subscriptions, projections, users, operations, monitoring;
//! links; the effects of metadata that clients write (`$maxCount`, `$maxAge`, `$tb`, access control lists); scavenging;
//! subscribers that fall behind; followers that lag.

mod cluster;
mod connection;
mod cut;
mod faults;
mod log;
mod members;
mod protocol;
mod server;
mod services;

pub use cluster::Cluster;
pub use faults::{Fault, Faults, Gate, Held};
pub use log::{Event, Log};
pub use server::{Double, Setup};

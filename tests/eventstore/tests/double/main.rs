//! What the double does, as the official client in Rust sees it. Each test reads as a sentence of a specification.

mod access;
mod appending;
mod batches;
mod cluster;
mod deleting;
mod faults;
mod idempotency;
mod process;
mod reading;
mod subscribing;
mod support;

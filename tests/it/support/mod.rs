//! What tests of the whole stand on: a small world in a real ledger, behind a real server, and a client for it.

mod client;
mod postgres;
mod world;

pub(crate) use client::Client;
pub(crate) use postgres::TestDatabase;
pub(crate) use world::World;

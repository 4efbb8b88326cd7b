//! What tests of the whole stand on: a small world in a real ledger, behind a real server, a client for it, and
//! databases on a real Postgres.

mod client;
mod place;
mod postgres;
mod world;

pub(crate) use client::Client;
pub(crate) use place::{Place, is_without_database, is_without_files, on_postgres};
pub(crate) use postgres::TestDatabase;
pub(crate) use world::World;

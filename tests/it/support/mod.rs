//! What tests of the whole stand on: a small world in a real ledger, behind a real server, a client for it, databases
//! on a real Postgres, processes that share one.

mod client;
mod clock;
mod cluster;
mod crowd;
pub(crate) mod described;
mod eventstore;
mod mail;
mod place;
mod postgres;
pub(crate) mod published;
mod random;
mod relay;
mod shared;
mod world;

pub(crate) use client::{Answer, Client};
pub(crate) use clock::Ahead;
pub(crate) use cluster::{Cluster, postgres_program};
pub(crate) use crowd::{OWNER_TOKEN, path_in_crowd, write_crowd};
pub(crate) use eventstore::TestEventStore;
pub(crate) use mail::{MailServer, Taken};
pub(crate) use place::{Place, is_without_database, is_without_files, mirrors, on_event_store, on_postgres};
pub(crate) use postgres::TestDatabase;
pub(crate) use random::{Random, seed};
pub(crate) use relay::Relay;
pub(crate) use shared::{Server, SharedLedger};
pub(crate) use world::{World, WorldBuilder};

//! The command line as people and scripts meet it: the real binary, its output and its exit codes.

mod muster;
mod serving;
mod unreadable;

mod usage;

mod demo;
mod serve;

mod import;

mod erase;
mod erased_files;
mod events;
mod invite_link;
mod org;
mod roles;
mod token;
mod user;

mod doctor;
mod keys;
mod letters;
mod letters_by_tls;
mod migrate;
mod projections;

mod backup;
mod backup_faults;
mod copy;
mod event_store;

mod places;

use muster::{EXAMPLE, Muster, Ran, SMALL};
use serving::Serving;

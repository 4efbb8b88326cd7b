//! The shell of the membership ledger: the only place with sockets, clocks and disks. In reading order:
//!
//! * [`clock`]: time and randomness;
//! * [`database`]: the Postgres database, for deployments that are kept in one;
//! * [`store`]: the log;
//! * [`sealing`]: keys, and what they seal;
//! * [`blobs`]: pictures, kept beside the log;
//! * [`ledger`]: the only write path;
//! * [`subscription`]: what keeps the read models up to date;
//! * [`policies`]: what happens by itself;
//! * [`history`]: reads of the log for people;
//! * [`audit`]: what events mean to somebody who audits an organization;
//! * [`deployment`]: all of it opened and wired;
//! * [`transfer`]: a whole ledger on its way from one place to another;
//! * [`http`] and [`cli`]: how programs and people ask.

pub mod clock;

pub mod database;

pub mod store;

pub mod sealing;

pub mod blobs;

pub mod ledger;

pub mod subscription;

pub mod policies;

pub mod history;

pub mod audit;

pub mod deployment;

pub mod email;

pub mod transfer;

pub mod http;

pub mod cli;

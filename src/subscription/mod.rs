//! What keeps the read models up to date: a catch-up runner that reads the log after its checkpoint, in order, and
//! never learns of an event in any other way. A crash anywhere costs a read, never an event.
//!
//! Of several processes on one database, the one that holds the lease does the work; the others follow how far it has
//! come.
//!
//! Rows are built anew beside those that are read: [`Rebuild`] at the command line, and the runner by itself where they
//! are of an older version. [`Verifier`] compares them with the log.
//!
//! [`Runner`] does the work; [`ReadModels`] is what readers hold: the views, how far they have come, and a way to
//! wait until they have come far enough.

mod catch_up;
mod entries;
mod pass;
mod read_models;
mod rebuild;
mod renewal;
mod reports;
mod retry;
mod runner;
mod settle;
mod shift;
mod standing;
mod status;
mod tenure;
mod verify;

pub use catch_up::CatchUpError;
pub use read_models::{LagError, ReadModels};
pub use rebuild::{Ended, Progress, Rebuild, RebuildError, Rebuilt};
pub use reports::{
    rebuilds as report_rebuilds, standing as report_standing, verifications as report_verifications,
};
pub use retry::retry;
pub use runner::Runner;
pub(crate) use shift::{ATTEMPT, Shift, ShiftError};
pub use status::{ProjectionStatus, Status, Trouble};
pub use verify::{Verified, Verifier, VerifyError};

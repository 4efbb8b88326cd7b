//! What keeps the read models up to date: a catch-up runner that reads the log after its checkpoint, in order, and
//! never learns of an event in any other way. A crash anywhere costs a read, never an event.
//!
//! Of several processes on one database, the one that holds the lease does the work; the others follow how far it has
//! come.
//!
//! [`Runner`] does the work; [`ReadModels`] is what readers hold: the views, how far they have come, and a way to
//! wait until they have come far enough.

mod read_models;
mod reports;
mod runner;
mod shift;
mod status;
mod tenure;

pub use read_models::{LagError, ReadModels};
pub use runner::{CatchUpError, Runner};
pub(crate) use shift::{ATTEMPT, Shift, ShiftError};
pub use status::{ProjectionStatus, Status, Trouble};

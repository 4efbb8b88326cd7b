//! The audit log of an organization: a query over the log, of which nothing is kept.

pub(super) mod list;

mod page;
mod parts;
mod surroundings;

pub(super) use surroundings::{Surroundings, Told, who};

//! What readers may know: the read models. Each is a pure function of the log, derived and disposable.
//!
//! A projection says what an event does to its tables, as data ([`change::Change`]); a sink carries it out, live in
//! the database of the [`views`] or in memory. What is a person's stays sealed in every row, so views need no keys.
//!
//! To add a read model:
//! 1. make a folder with its tables, its `project` (a match over the events that names every one) and its queries;
//! 2. add its line to [`all`];
//! 3. say in `tests.rs` which rows some events give.
//!
//! To change one: change it and raise its version; it is built again from the log. To let one take a new event,
//! answer where the compiler asks.

pub mod letters;
pub mod members;
pub mod organizations;
pub mod teams;
pub mod tokens;
pub mod users;

pub mod change;
pub mod projection;
pub mod table;

mod database;
pub mod error;
pub mod read;
pub mod search;
pub mod sink;
mod sql;
pub mod views;

use projection::Projection;

/// Every read model.
pub fn all() -> Vec<&'static Projection> {
    vec![
        &organizations::PROJECTION,
        &teams::PROJECTION,
        &users::PROJECTION,
        &members::PROJECTION,
        &tokens::PROJECTION,
        &letters::PROJECTION,
    ]
}

#[cfg(test)]
mod tests;

//! People's accounts. What is a person's stays sealed in every row.

pub mod project;
pub mod query;
mod table;

pub use project::PROJECTION;
pub use query::{EmailRow, UserRow};
pub(crate) use table::authenticator_column;
pub use table::{USER_EMAILS, USERS};

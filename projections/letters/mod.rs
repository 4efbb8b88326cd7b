//! The letters, for the sender, who takes those that are due from here, and for operators. Whether a letter is sent is
//! decided by the log.

pub mod project;
pub mod query;
pub mod recipients;

pub use project::{LETTERS, PROJECTION};
pub use query::LetterRow;

//! The bearer tokens that were issued, for those who list and revoke them. Whether a token may be used is decided
//! by the log, never by this view.

pub mod project;
pub mod query;

pub use project::{PROJECTION, TOKENS};
pub use query::TokenRow;

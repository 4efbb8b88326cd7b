//! What an error of Postgres means to who called the store.

use sqlx::Error;

use crate::store::{AppendError, StoreError};

/// A result of this store's own functions.
pub(super) type StoreResult<T> = Result<T, StoreError>;

/// Classes of SQLSTATE that say that what is stored is broken: data and index corruption.
const DAMAGED: [&str; 2] = ["XX001", "XX002"];

impl From<Error> for StoreError {
    /// The meaning while the log is in use. What is not known to be damage is taken for a state that passes: a lost
    /// connection, a server that restarts, a time-out, a full disk.
    fn from(error: Error) -> Self {
        let damaged = match &error {
            Error::ColumnDecode { .. } | Error::Decode(_) | Error::ColumnNotFound(_) => true,
            Error::Database(error) => error.code().is_some_and(|code| DAMAGED.contains(&&*code)),
            _ => false,
        };
        if damaged { Self::Damaged(error.to_string()) } else { Self::Unavailable(what_it_says(&error)) }
    }
}

impl From<Error> for AppendError {
    fn from(error: Error) -> Self {
        Self::Store(error.into())
    }
}

/// Whether the connection is gone and another one may do: closed, cut off by an administrator or a time-out, or the
/// server is stopping.
pub(super) fn is_lost(error: &Error) -> bool {
    /// SQLSTATEs: idle in a transaction or a session for too long, and the class of an operator's intervention.
    const CUT_OFF: [&str; 5] = ["25P03", "57P01", "57P02", "57P03", "57P05"];
    match error {
        Error::Database(error) => error.code().is_some_and(|code| CUT_OFF.contains(&&*code)),
        Error::Io(_) | Error::Protocol(_) => true,
        _ => false,
    }
}

/// Whether `constraint` refused it.
pub(super) fn breaks(error: &Error, constraint: &str) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::constraint) == Some(constraint)
}

fn what_it_says(error: &Error) -> String {
    match error {
        Error::Database(error) => format!("Postgres says: {}", error.message()),
        Error::PoolTimedOut => "no connection to Postgres became free in time".into(),
        other => format!("Postgres cannot be asked: {other}"),
    }
}

//! What an error of Postgres means for those who need a key.

use sqlx::{Error, error::DatabaseError};

use crate::sealing::SealingError;

/// Another session kept a lock for longer than `lock_timeout`.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// The user has no right to do it.
const INSUFFICIENT_PRIVILEGE: &str = "42501";
/// Classes of SQLSTATE by which the schema or what is in it is not what was made there: data exception, broken
/// constraint, unknown name, refused by a trigger, damaged on disk.
const DAMAGED: [&str; 5] = ["22", "23", "42", "P0", "XX"];
/// Classes by which the URL is wrong: user or password refused, no such database.
const NOT_LET_IN: [&str; 2] = ["28", "3D"];

impl From<Error> for SealingError {
    /// The meaning while the keys are in use, when a lost connection, a restart or a refused password are for now; that
    /// of an error while they are opened is [`cannot_open`].
    fn from(error: Error) -> Self {
        match &error {
            Error::Database(refused) if code(&**refused) == INSUFFICIENT_PRIVILEGE => Self::Unusable(
                format!("{refused}: give the user of --database-url all rights on schema keys"),
            ),
            Error::Database(refused) if is_of(&DAMAGED, &**refused) => Self::Unusable(damaged(&error)),
            Error::ColumnDecode { .. }
            | Error::ColumnNotFound(_)
            | Error::ColumnIndexOutOfBounds { .. }
            | Error::Decode(_)
            | Error::RowNotFound => Self::Unusable(damaged(&error)),
            Error::PoolTimedOut => Self::Unavailable("the database does not answer in time".into()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

fn damaged(error: &Error) -> String {
    format!("the keys are damaged ({error}): put schema keys of the database back from its backup")
}

/// Why the keys of the database at `place` cannot be opened, and what to mend.
pub(super) fn cannot_open(place: &str, error: Error) -> SealingError {
    match &error {
        Error::Database(refused) if is_of(&NOT_LET_IN, &**refused) => {
            SealingError::Unusable(format!("{place} does not let muster in ({refused}): mend --database-url"))
        }
        Error::Configuration(_) | Error::Tls(_) => {
            SealingError::Unusable(format!("{place} cannot be connected to ({error}): mend --database-url"))
        }
        Error::Io(_) => SealingError::Unavailable(format!(
            "{place} cannot be reached ({error}): start it, or name another one with --database-url"
        )),
        _ => error.into(),
    }
}

/// Whether another session was in the way for longer than the statement was to wait.
pub(super) fn is_locked(error: &Error) -> bool {
    error.as_database_error().is_some_and(|refused| code(refused) == LOCK_NOT_AVAILABLE)
}

fn is_of(classes: &[&str], refused: &dyn DatabaseError) -> bool {
    let code = code(refused);
    classes.iter().any(|class| code.starts_with(class))
}

fn code(refused: &dyn DatabaseError) -> String {
    refused.code().unwrap_or_default().into_owned()
}

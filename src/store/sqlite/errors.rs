//! What an error of SQLite means to who called the store.

use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::store::{AppendError, StoreError};

/// A result of this store's own functions.
pub(super) type StoreResult<T> = Result<T, StoreError>;

impl From<Error> for StoreError {
    /// The meaning while the log is in use; that of an error while it is opened is [`cannot_open`].
    fn from(error: Error) -> Self {
        let damaged = match &error {
            Error::FromSqlConversionFailure(..)
            | Error::InvalidColumnType(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(_) => true,
            _ => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            ),
        };
        if damaged { Self::Damaged(error.to_string()) } else { Self::Unavailable(error.to_string()) }
    }
}

impl From<Error> for AppendError {
    fn from(error: Error) -> Self {
        Self::Store(error.into())
    }
}

/// Why the file at `path` cannot be opened, and what to mend.
pub(super) fn cannot_open(path: &Path, error: &Error) -> StoreError {
    let path = path.display();
    StoreError::Unusable(match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => format!(
            "{path} is not a log of muster ({error}): it holds something else, or is encrypted; name another data \
             directory, or put the right file back from a backup"
        ),
        Some(ErrorCode::DatabaseCorrupt) => format!("{path} is damaged ({error}): put it back from a backup"),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => format!(
            "{path} cannot be written ({error}): give this user the right to write the file and its directory"
        ),
        Some(ErrorCode::CannotOpen) => format!(
            "{path} cannot be opened ({error}): check that this user may read and write it and its directory"
        ),
        Some(ErrorCode::DiskFull) => format!("{path} cannot grow ({error}): make room on its disk"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            return StoreError::Unavailable(format!("another process keeps {path} locked ({error})"));
        }
        _ => format!("{path} cannot be used ({error})"),
    })
}

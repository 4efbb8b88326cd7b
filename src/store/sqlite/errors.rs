//! What an error of SQLite means to who called the store.

use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::store::{AppendError, StoreError};

/// A result of this store's own functions.
pub(super) type StoreResult<T> = Result<T, StoreError>;

impl From<Error> for StoreError {
    /// The meaning while the log is in use; that of an error while it is opened is [`cannot_open`].
    fn from(error: Error) -> Self {
        let damaged = matches!(
            error,
            Error::FromSqlConversionFailure(..)
                | Error::InvalidColumnType(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::Utf8Error(_)
        );
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            _ if damaged => Self::Damaged(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<Error> for AppendError {
    fn from(error: Error) -> Self {
        Self::Store(error.into())
    }
}

/// Why the file at `path` cannot be opened, and what to mend.
pub(super) fn cannot_open(path: &Path, error: StoreError, code: Option<ErrorCode>) -> StoreError {
    let (StoreError::Unavailable(said) | StoreError::Damaged(said)) = error else { return error };
    let path = path.display();
    let text = match code {
        Some(ErrorCode::NotADatabase) => format!(
            "{path} is not a log of muster ({said}): it holds something else, or is encrypted; name another data \
             directory, or put the right file back from a backup"
        ),
        Some(ErrorCode::DatabaseCorrupt) => {
            format!("{path} is damaged ({said}): put it back from a backup")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => format!(
            "{path} cannot be written ({said}): give this user the right to write the file and its directory"
        ),
        Some(ErrorCode::CannotOpen) => format!(
            "{path} cannot be opened ({said}): check that its directory exists, and that this user may read and \
             write it"
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            return StoreError::Unavailable(format!("another process keeps {path} locked ({said})"));
        }
        Some(ErrorCode::DiskFull) => format!("{path} cannot grow ({said}): make room on its disk"),
        _ => format!("{path} cannot be used ({said})"),
    };
    StoreError::Unusable(text)
}

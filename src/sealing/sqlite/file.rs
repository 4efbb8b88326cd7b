//! `keys.db`, and what errors with it mean.

use rusqlite::{Error, ErrorCode};

use crate::{
    database::{FileError, OwnFile},
    sealing::SealingError,
};

/// The file.
pub(super) const FILE: OwnFile = OwnFile {
    holds: "keys",
    application_id: i32::from_be_bytes(*b"musk"),
    steps: &[include_str!("schema.sql")],
};

impl From<FileError> for SealingError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Unavailable(text) => Self::Unavailable(text),
            FileError::Unusable(text) => Self::Unusable(text),
        }
    }
}

impl From<Error> for SealingError {
    /// The meaning while the keys are in use; that of an error while they are opened is [`FileError`].
    fn from(error: Error) -> Self {
        let damaged = matches!(
            error,
            Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) | Error::Utf8Error(_)
        );
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Unusable(damaged_text(&error))
            }
            _ if damaged => Self::Unusable(damaged_text(&error)),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

fn damaged_text(error: &Error) -> String {
    format!("the keys are damaged ({error}): put them back from their backup")
}

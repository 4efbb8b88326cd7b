//! `blobs.db`, and what errors with it mean.

use rusqlite::{Error, ErrorCode};

use crate::{
    blobs::BlobError,
    database::{FileError, OwnFile},
};

/// The file.
pub(super) const FILE: OwnFile = OwnFile {
    holds: "pictures",
    application_id: i32::from_be_bytes(*b"musb"),
    steps: &[include_str!("schema.sql")],
};

impl From<FileError> for BlobError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Unavailable(text) => Self::Unavailable(text),
            FileError::Unusable(text) => Self::Unusable(text),
        }
    }
}

impl From<Error> for BlobError {
    fn from(error: Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Unusable(format!("the pictures are damaged ({error}): put them back from their backup"))
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

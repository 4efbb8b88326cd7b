//! Why the views cannot answer or be kept.

use thiserror::Error;

use crate::database::is_damage;

/// Why the views cannot answer or be kept.
#[derive(Debug, Error)]
pub enum ViewError {
    /// They cannot be opened; the text says what to mend.
    #[error("{0}")]
    Unusable(String),
    /// For now: busy, full, unreachable.
    #[error("the views are not available: {0}")]
    Unavailable(sqlx::Error),
    /// What is stored is not what this program wrote. Views are disposable.
    #[error(
        "the views are damaged ({0}): stop muster and delete the views; they are built again from the log"
    )]
    Damaged(String),
}

impl From<sqlx::Error> for ViewError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            error if is_damage(&error) => Self::Damaged(error.to_string()),
            sqlx::Error::ColumnDecode { index, source } => Self::Damaged(format!("column {index}: {source}")),
            error => Self::Unavailable(error),
        }
    }
}

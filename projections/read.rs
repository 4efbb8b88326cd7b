//! What the queries of all read models share: pages, and typed cells.

use muster_events::{
    id::{MemberId, NotAnId, OrganizationId, TeamId, TokenId, UserId},
    roles::RoleId,
    stream::Sequence,
    time::Timestamp,
};
use serde::de::DeserializeOwned;

use crate::{database::Row, error::ViewError};

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many rows to leave out first.
    pub offset: u32,
    /// At most this many.
    pub limit: u32,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// The rows, in the order of the list.
    pub rows: Vec<T>,
    /// Whether there are rows behind these.
    pub more: bool,
}

impl Page {
    /// One row more than wanted: whether there is one tells whether there is a next page.
    pub(crate) fn probe(self) -> i64 {
        i64::from(self.limit) + 1
    }

    pub(crate) fn cut<T>(self, mut rows: Vec<T>) -> Listed<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        Listed { rows, more }
    }
}

/// The kinds of ids that rows hold.
pub(crate) trait Id: Sized {
    fn from_number(number: u64) -> Result<Self, NotAnId>;
}

macro_rules! ids {
    ($($id:ty),*) => {$(
        impl Id for $id {
            fn from_number(number: u64) -> Result<Self, NotAnId> {
                Self::new(number)
            }
        }
    )*};
}

ids!(OrganizationId, TeamId, MemberId, UserId, TokenId);

/// One row of an answer, read cell by cell. What cannot be read is damage: only projections write these tables.
#[derive(Clone, Copy)]
pub(crate) struct Cells<'r>(pub(crate) &'r Row);

impl<'r> Cells<'r> {
    fn optional_number(self, column: &str) -> Result<Option<i64>, ViewError> {
        Ok(self.0.cell(column)?)
    }

    fn number(self, column: &str) -> Result<i64, ViewError> {
        self.optional_number(column)?.ok_or_else(|| damaged(column, "is empty"))
    }

    pub(crate) fn optional_count(self, column: &str) -> Result<Option<u64>, ViewError> {
        let number = self.optional_number(column)?;
        number.map(u64::try_from).transpose().map_err(|error| damaged(column, error))
    }

    pub(crate) fn count(self, column: &str) -> Result<u64, ViewError> {
        u64::try_from(self.number(column)?).map_err(|error| damaged(column, error))
    }

    pub(crate) fn flag(self, column: &str) -> Result<bool, ViewError> {
        self.0.cell::<Option<bool>, _>(column)?.ok_or_else(|| damaged(column, "is empty"))
    }

    pub(crate) fn sequence(self, column: &str) -> Result<Sequence, ViewError> {
        self.count(column).map(Sequence)
    }

    pub(crate) fn optional_id<T: Id>(self, column: &str) -> Result<Option<T>, ViewError> {
        let number = self.optional_number(column)?;
        number
            .map(|number| T::from_number(number.cast_unsigned()))
            .transpose()
            .map_err(|error| damaged(column, error))
    }

    pub(crate) fn id<T: Id>(self, column: &str) -> Result<T, ViewError> {
        self.optional_id(column)?.ok_or_else(|| damaged(column, "is empty"))
    }

    pub(crate) fn optional_time(self, column: &str) -> Result<Option<Timestamp>, ViewError> {
        let micros = self.optional_number(column)?;
        micros.map(Timestamp::from_micros).transpose().map_err(|error| damaged(column, error))
    }

    pub(crate) fn time(self, column: &str) -> Result<Timestamp, ViewError> {
        self.optional_time(column)?.ok_or_else(|| damaged(column, "is empty"))
    }

    pub(crate) fn optional_text(self, column: &str) -> Result<Option<&'r str>, ViewError> {
        Ok(self.0.cell(column)?)
    }

    pub(crate) fn text(self, column: &str) -> Result<&'r str, ViewError> {
        self.optional_text(column)?.ok_or_else(|| damaged(column, "is empty"))
    }

    pub(crate) fn optional_role(self, column: &str) -> Result<Option<RoleId>, ViewError> {
        let text = self.optional_text(column)?;
        text.map(RoleId::new).transpose().map_err(|error| damaged(column, error))
    }

    pub(crate) fn role(self, column: &str) -> Result<RoleId, ViewError> {
        self.optional_role(column)?.ok_or_else(|| damaged(column, "is empty"))
    }

    pub(crate) fn optional_json<T: DeserializeOwned>(self, column: &str) -> Result<Option<T>, ViewError> {
        let text = self.optional_text(column)?;
        text.map(serde_json::from_str).transpose().map_err(|error| damaged(column, error))
    }

    pub(crate) fn json<T: DeserializeOwned>(self, column: &str) -> Result<T, ViewError> {
        self.optional_json(column)?.ok_or_else(|| damaged(column, "is empty"))
    }
}

pub(crate) fn damaged(column: &str, what: impl std::fmt::Display) -> ViewError {
    ViewError::Damaged(format!("{column}: {what}"))
}

//! The URL of a database, which holds a password.

use std::{convert::Infallible, fmt, str::FromStr};

use serde::Deserialize;

use super::Usage;
use crate::database::Database;

/// A URL as it was given. Read only by [`DatabaseUrl::database`], because whoever else refuses it would quote it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(in crate::cli) struct DatabaseUrl(String);

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DatabaseUrl")
    }
}

impl FromStr for DatabaseUrl {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.into()))
    }
}

impl DatabaseUrl {
    /// The database that it names.
    pub(super) fn database(&self) -> Result<Database, Usage> {
        self.0.parse().map_err(|error: crate::database::DatabaseUrlError| Usage(error.to_string()))
    }
}

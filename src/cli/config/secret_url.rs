//! The URL of a database or of an event store, which may hold a password.

use std::{convert::Infallible, fmt, str::FromStr};

use serde::Deserialize;

use super::Usage;
use crate::{
    database::{Database, DatabaseUrlError},
    store::eventstore::{EventStoreUrl, EventStoreUrlError},
};

/// A URL as it was given. Read only by what is made of it, because whoever else refuses it would quote it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(in crate::cli) struct SecretUrl(String);

impl fmt::Debug for SecretUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SecretUrl")
    }
}

impl FromStr for SecretUrl {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.into()))
    }
}

impl SecretUrl {
    /// Whether it is that of an event store, by its beginning.
    pub(super) fn is_event_store(&self) -> bool {
        EventStoreUrl::names_one(&self.0)
    }

    /// The database that it names.
    pub(super) fn database(&self) -> Result<Database, Usage> {
        self.0.parse().map_err(|error: DatabaseUrlError| Usage(error.to_string()))
    }

    /// The event store that it names.
    pub(super) fn event_store(&self) -> Result<EventStoreUrl, Usage> {
        self.0.parse().map_err(|error: EventStoreUrlError| Usage(error.to_string()))
    }
}

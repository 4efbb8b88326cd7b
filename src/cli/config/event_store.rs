//! The URL of an event store, which may hold a password.

use std::{convert::Infallible, fmt, str::FromStr};

use serde::Deserialize;

use super::Usage;
use crate::store::eventstore::{EventStoreUrl, EventStoreUrlError};

/// How the URLs of event stores begin.
const SCHEMES: [&str; 2] = ["esdb", "kurrentdb"];

/// A URL as it was given. Read only by [`EventStoreName::url`], because whoever else refuses it would quote it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(in crate::cli) struct EventStoreName(String);

impl fmt::Debug for EventStoreName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("EventStoreName")
    }
}

impl FromStr for EventStoreName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.into()))
    }
}

impl EventStoreName {
    /// Whether a URL is that of an event store, by its beginning.
    pub(super) fn is_one(url: &str) -> bool {
        SCHEMES.iter().any(|scheme| url.starts_with(scheme))
    }

    /// The event store that it names.
    pub(super) fn url(&self) -> Result<EventStoreUrl, Usage> {
        self.0.parse().map_err(|error: EventStoreUrlError| Usage(error.to_string()))
    }
}

//! How a store is named where two are at work.

use std::{convert::Infallible, path::PathBuf, str::FromStr};

use super::{database_url::DatabaseUrl, event_store::EventStoreName};

/// Names a store; shows no password.
#[derive(Debug, Clone)]
pub(in crate::cli) enum StoreName {
    /// A data directory.
    Directory(PathBuf),
    /// A database.
    Database(DatabaseUrl),
    /// An event store; keys, pictures and read models are where the settings say.
    EventStore(EventStoreName),
}

impl FromStr for StoreName {
    type Err = Infallible;

    /// Whatever looks like a URL is one: nobody calls a directory so.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        if EventStoreName::is_one(text) && text.contains("://") {
            return text.parse().map(Self::EventStore);
        }
        if text.contains("://") { text.parse().map(Self::Database) } else { Ok(Self::Directory(text.into())) }
    }
}

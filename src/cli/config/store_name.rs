//! How a store is named where two are at work.

use std::{convert::Infallible, path::PathBuf, str::FromStr};

use super::SecretUrl;

/// Names a store; shows no password.
#[derive(Debug, Clone)]
pub(in crate::cli) enum StoreName {
    /// A data directory.
    Directory(PathBuf),
    /// A database.
    Database(SecretUrl),
    /// An event store; keys, pictures and read models are where the settings say.
    EventStore(SecretUrl),
}

impl FromStr for StoreName {
    type Err = Infallible;

    /// Whatever looks like a URL is one: nobody calls a directory so.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        if !text.contains("://") {
            return Ok(Self::Directory(text.into()));
        }
        let url: SecretUrl = text.parse()?;
        Ok(if url.is_event_store() { Self::EventStore(url) } else { Self::Database(url) })
    }
}

//! What holds for the whole deployment: whose keys its hashes are made with, and which incarnation of the log this is.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    server::{Appended, NewEvent, Server, new_id},
    streams::DEPLOYMENT_NOTED,
};
use crate::store::{Incarnation, StoreError};

/// How often a note is tried because others were faster.
const ATTEMPTS: usize = 10;

/// The last event of the stream says it all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Noted {
    /// Of this log, for ever: so that a mirror of another one is known as such.
    pub(super) id: Uuid,
    /// Changes when the log was put back to an earlier state.
    pub(super) incarnation: u32,
    /// See [`crate::store::Store::hash_key`].
    #[serde(default)]
    pub(super) hash_key: Option<String>,
}

impl Noted {
    /// Where in a directory the mirror is. One of another log, or of another incarnation, is another file: it may be in use.
    pub(super) fn mirror(&self, directory: &Path) -> PathBuf {
        directory.join(format!("mirror-{}-{}.db", self.id.simple(), Incarnation(self.incarnation)))
    }
}

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Deployment {
    hash_key: Mutex<Option<String>>,
}

impl Deployment {
    /// What is noted, and how often something was; none in an event store without a log.
    pub(super) async fn noted(server: &Server) -> Result<Option<(Noted, u64)>, StoreError> {
        let Some(last) = server.last(&server.streams.deployment).await? else { return Ok(None) };
        let noted = last.as_json().map_err(|error| {
            StoreError::Damaged(format!("the last event of {} cannot be read: {error}", last.stream_id))
        })?;
        Ok(Some((noted, last.revision + 1)))
    }

    /// What is noted; a new log when there is none.
    pub(super) async fn open(server: &Server) -> Result<Noted, StoreError> {
        Self::change(server, |found| {
            let id = new_id();
            found.is_none().then(|| Noted { id, incarnation: Incarnation::drawn().0, hash_key: None })
        })
        .await
    }

    /// Another incarnation, because the log was put back to an earlier state. `was` is the one that had seen more.
    pub(super) async fn renew(server: &Server, was: Incarnation) -> Result<Noted, StoreError> {
        Self::change(server, |found| {
            // Another process may have been faster.
            let stands = found.filter(|noted| noted.incarnation == was.0)?;
            Some(Noted { incarnation: Incarnation::drawn().0, ..stands.clone() })
        })
        .await
    }

    /// The hash key, which never changes when it is noted.
    pub(super) async fn hash_key(&self, server: &Server) -> Result<Option<String>, StoreError> {
        let known = self.hash_key.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known.is_some() {
            return Ok(known);
        }
        let noted = Self::noted(server).await?.and_then(|(noted, _)| noted.hash_key);
        self.hash_key.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&noted);
        Ok(noted)
    }

    /// Notes the hash key, unless one is noted.
    pub(super) async fn note_hash_key(&self, server: &Server, id: &str) -> Result<(), StoreError> {
        Self::change(server, |found| {
            let stands = found.filter(|noted| noted.hash_key.is_none())?;
            Some(Noted { hash_key: Some(id.to_owned()), ..stands.clone() })
        })
        .await
        .map(drop)
    }

    /// Notes what `change` makes of what is noted, or leaves it; what is noted then.
    async fn change(
        server: &Server,
        change: impl Fn(Option<&Noted>) -> Option<Noted>,
    ) -> Result<Noted, StoreError> {
        let stream = &server.streams.deployment;
        for _ in 0..ATTEMPTS {
            let found = Self::noted(server).await?;
            let (noted, times) = found.map_or((None, 0), |(noted, times)| (Some(noted), times));
            let Some(next) = change(noted.as_ref()) else {
                let gone = || StoreError::Damaged(format!("{stream} is gone: restore the log"));
                return noted.ok_or_else(gone);
            };
            let new = NewEvent::json(DEPLOYMENT_NOTED, new_id(), &next)?;
            if server.append(stream, times, &[new]).await? == Appended::Yes {
                return Ok(next);
            }
        }
        Err(StoreError::Unavailable(format!("others kept appending to {stream}")))
    }
}

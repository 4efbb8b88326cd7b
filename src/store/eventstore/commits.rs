//! The log: one stream with one record for each append, at an expected revision.
//!
//! An append is one event there, whatever streams, claims and keys it touches: so it happens whole or not at all, in one
//! gapless order, and there is nothing that a crash could leave half done.

use std::sync::Arc;

use super::{
    server::{Appended, NewEvent, Server},
    streams::COMMIT,
};
use crate::store::{
    StoreError,
    source::{Accepted, Record, Records, Source},
};

/// The most bytes of one append: a server takes 1 MiB by default, with what frames the records.
pub(super) const MOST_BYTES: usize = 900 * 1024;

/// The stream of records on a server.
#[derive(Debug)]
pub(super) struct Commits {
    server: Arc<Server>,
}

impl Commits {
    pub(super) fn on(server: Arc<Server>) -> Self {
        Self { server }
    }

    /// How many records there are.
    async fn count(server: &Server) -> Result<Records, StoreError> {
        Ok(Records(server.last(&server.streams.commits).await?.map_or(0, |last| last.revision + 1)))
    }

    /// How many records there are, where it is known that so many are. Mostly there are no others, and then none is sent.
    pub(super) async fn count_from(server: &Server, known: Records) -> Result<Records, StoreError> {
        match server.read_there(&server.streams.commits, known.0, 1).await? {
            None if known > Records(0) => {
                let commits = &server.streams.commits;
                Err(StoreError::Damaged(format!("{commits} is gone: start muster again, which looks why")))
            }
            Some(others) if !others.is_empty() => Self::count(server).await,
            _ => Ok(known),
        }
    }

    /// Refuses a log that was deleted: it could be taken for an empty one, and its positions would be given once more.
    pub(super) async fn refuse_deleted(server: &Server) -> Result<(), StoreError> {
        let commits = &server.streams.commits;
        if !server.is_truncated(commits).await? {
            return Ok(());
        }
        Err(StoreError::Damaged(format!(
            "{commits} was deleted: restore the log from its backup, or take $tb out of the metadata of {commits}"
        )))
    }

    /// The records behind the first `after`.
    pub(super) async fn read(
        server: &Server,
        after: Records,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let found = server.read(&server.streams.commits, after.0, limit).await?;
        let mut records = Vec::with_capacity(found.len());
        for (expected, event) in (after.0..).zip(&found) {
            let damaged = |why: &dyn std::fmt::Display| {
                StoreError::Damaged(format!("revision {} of {} {why}", event.revision, event.stream_id))
            };
            if event.revision != expected {
                return Err(damaged(&format!("stands where {expected} should: records were removed")));
            }
            if event.event_type != COMMIT {
                return Err(damaged(&format!("is of another program: {}", event.event_type)));
            }
            let record: Record =
                event.as_json().map_err(|error| damaged(&format!("cannot be read: {error}")))?;
            records.push(Record { id: event.id, ..record });
        }
        Ok(records)
    }
}

impl Source for Commits {
    fn count(&self) -> Result<Records, StoreError> {
        self.server.wait(Self::count(&self.server))
    }

    fn losses(&self) -> u64 {
        self.server.losses()
    }

    fn append(&self, after: Records, records: &[Record]) -> Result<Accepted, StoreError> {
        let new: Vec<_> = records
            .iter()
            .map(|record| NewEvent::json(COMMIT, record.id, record))
            .collect::<Result<_, _>>()?;
        Ok(match self.server.wait(self.server.append(&self.server.streams.commits, after.0, &new))? {
            Appended::Yes => Accepted::Yes,
            Appended::Conflict => Accepted::Moved,
            Appended::Closed => {
                let stream = &self.server.streams.commits;
                return Err(StoreError::Damaged(format!(
                    "{stream} was deleted: restore the log from its backup"
                )));
            }
        })
    }

    fn read(&self, after: Records, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.server.wait(Self::read(&self.server, after, limit))
    }

    fn most_bytes(&self) -> usize {
        MOST_BYTES
    }
}

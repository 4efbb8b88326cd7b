//! The appends of one transaction, one after the other, each seeing those before it.

use std::sync::Arc;

use muster_events::{
    claims::ClaimChange,
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension};

use super::{claims, keys, rows};
use crate::store::{Append, AppendError, Appended, KeyedOutcome, StoredEvent, StreamWrite, heads::Heads};

const SELECT_STREAM_HEAD: &str =
    "SELECT max(sequence) FROM events WHERE aggregate_type = ?1 AND aggregate_id = ?2";

/// A transaction that holds the lock of the log and has seen all that was committed before it.
pub(super) struct Batch<'a> {
    pub(super) connection: &'a Connection,
    /// Where streams stand, with what this batch has appended already.
    pub(super) heads: &'a mut Heads,
    /// The position of the last event, with what this batch has appended already.
    pub(super) head: Position,
    /// One time for the whole batch, because it becomes visible as a whole.
    pub(super) recorded_at: Timestamp,
}

impl Batch<'_> {
    /// Appends, or leaves everything as it was. An [`AppendError::Store`] ends the whole batch, any other error this
    /// append only.
    pub(super) fn apply(&mut self, append: Append) -> Result<Appended, AppendError> {
        if let Some(conflict) = append.conflict(self.head, |stream| self.stream_head(stream))? {
            // A repeated request may find its own events in the way: how it ended the first time is the answer.
            return Err(self.used_before(append.key.as_ref())?.map_or(conflict, AppendError::KeyUsed));
        }
        if append.claims.is_empty() {
            // Without claims the key is all that can still refuse, before anything was written.
            return self.write(append);
        }
        self.connection.prepare_cached("SAVEPOINT command")?.execute([])?;
        let outcome = self.write(append);
        if matches!(outcome, Err(AppendError::Claimed(_) | AppendError::KeyUsed(_))) {
            self.connection.prepare_cached("ROLLBACK TO command")?.execute([])?;
        }
        if !matches!(outcome, Err(AppendError::Store(_))) {
            self.connection.prepare_cached("RELEASE command")?.execute([])?;
        }
        outcome
    }

    fn stream_head(&mut self, stream: &StreamId) -> rusqlite::Result<Sequence> {
        if let Some(sequence) = self.heads.get(stream) {
            return Ok(sequence);
        }
        let mut statement = self.connection.prepare_cached(SELECT_STREAM_HEAD)?;
        let name = [stream.aggregate_type.as_str(), stream.aggregate_id.as_str()];
        let head: Option<Option<u64>> = statement.query_row(name, |row| row.get(0)).optional()?;
        let sequence = Sequence(head.flatten().unwrap_or_default());
        self.heads.set(stream, sequence);
        Ok(sequence)
    }

    fn used_before(&self, key: Option<&KeyedOutcome>) -> rusqlite::Result<Option<Box<KeyedOutcome>>> {
        let Some(KeyedOutcome { actor, key, .. }) = key else { return Ok(None) };
        Ok(keys::find(self.connection, actor, key, self.recorded_at)?.map(Box::new))
    }

    /// The key first, then the claims, and the events last, so that the heads move only when nothing can refuse.
    fn write(&mut self, append: Append) -> Result<Appended, AppendError> {
        let events: usize = append.writes.iter().map(|write| write.events.len()).sum();
        let position = Position(self.head.0 + events as u64);
        if let Some(key) = &append.key {
            let before = keys::remember(self.connection, key, position, self.recorded_at)?;
            if let Some(before) = before {
                return Err(AppendError::KeyUsed(Box::new(before)));
            }
        }
        self.change_claims(&append.claims)?;
        let mut stored = Vec::with_capacity(events);
        for write in append.writes {
            self.write_stream(write, &mut stored)?;
        }
        Ok(Appended { position, recorded_at: self.recorded_at, events: Arc::from(stored) })
    }

    fn change_claims(&self, changes: &[ClaimChange]) -> Result<(), AppendError> {
        changes.iter().try_for_each(|change| claims::change(self.connection, change, self.recorded_at))
    }

    fn write_stream(&mut self, write: StreamWrite, appended: &mut Vec<StoredEvent>) -> rusqlite::Result<()> {
        let StreamWrite { stream, expected, events } = write;
        let mut sequence = expected;
        for new in events {
            sequence = sequence.next();
            self.head = self.head.next();
            let stored = new.placed(self.head, &stream, sequence, self.recorded_at);
            rows::insert(self.connection, &stored, new.actor.kind.name(), new.actor.id.as_deref())?;
            appended.push(stored);
        }
        self.heads.set(&stream, sequence);
        Ok(())
    }
}

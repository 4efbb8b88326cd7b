//! A log that mirrors one that is kept elsewhere: what was recorded there is brought here, in order, each record with all
//! that it did.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use muster_events::stream::Position;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::{claims, errors::StoreResult, keys, reads, rows, take_over};
use crate::store::{
    AppendError, StoreError,
    source::{Record, RecordedEvent, Records, Source},
    taking_over,
};

/// Records that are brought at once.
const PAGE: usize = 200;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS mirrored (only_row integer PRIMARY KEY CHECK (only_row = 1), \
     records integer NOT NULL, last text) STRICT";
const SELECT: &str = "SELECT records, last FROM mirrored";
const BEGIN: &str =
    "INSERT INTO mirrored (only_row, records, last) VALUES (1, 0, NULL) ON CONFLICT DO NOTHING";
const NOTE: &str = "UPDATE mirrored SET records = ?1, last = coalesce(?2, last)";

/// What a mirror is to those who write it.
#[derive(Debug, Clone)]
pub(super) struct Mirror {
    pub(super) source: Arc<dyn Source>,
    /// How many records this process knows to be here.
    known: Arc<AtomicU64>,
    /// How often the connection had been lost when the source was last seen to have what is here.
    seen_after: Arc<AtomicU64>,
}

impl Mirror {
    /// Of `source`; what is in the file is to be of that one.
    pub(super) fn begin(connection: &Connection, source: Arc<dyn Source>) -> StoreResult<Self> {
        connection.execute_batch(CREATE)?;
        connection.execute(BEGIN, [])?;
        let known = Arc::new(AtomicU64::new(seen(connection)?.0));
        Ok(Self { source, known, seen_after: Arc::new(AtomicU64::new(u64::MAX)) })
    }

    /// At least so many records are here.
    pub(super) fn known(&self) -> Records {
        Records(self.known.load(Ordering::Acquire))
    }

    /// Notes, in the transaction that brings them, that so many records are here, and which is the last, where there is
    /// another one.
    pub(super) fn note(connection: &Connection, records: Records, last: Option<Uuid>) -> StoreResult<()> {
        let last = last.map(|last| last.to_string());
        connection.prepare_cached(NOTE)?.execute(params![rows::number(records.0), last])?;
        Ok(())
    }

    /// They are, since the transaction is committed.
    pub(super) fn committed(&self, records: Records) {
        self.known.fetch_max(records.0, Ordering::AcqRel);
    }

    /// Whether the source is still the one that has what is here.
    pub(super) fn is_sure(&self) -> bool {
        self.seen_after.load(Ordering::Acquire) == self.source.losses()
    }

    /// Brings here what is in the source by now.
    pub(super) fn catch_up(&self, connection: &Connection) -> StoreResult<()> {
        let other = "the log is not the one that was seen any more: start again";
        let is_done = self.has_caught_up(connection)?;
        if is_done { Ok(()) } else { Err(StoreError::Unavailable(other.into())) }
    }

    /// The same; false when the source does not have what was seen of it: it was put back to an earlier state. No lock is
    /// held while it is asked.
    pub(super) fn has_caught_up(&self, connection: &Connection) -> StoreResult<bool> {
        let losses = self.source.losses();
        loop {
            let (from, last) = stand(connection)?;
            let Some(records) = self.beyond(from, last)? else { return Ok(false) };
            if records.is_empty() {
                self.seen_after.store(losses, Ordering::Release);
                self.committed(from);
                return Ok(true);
            }
            connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            // Another one may have brought some meanwhile.
            let here = seen(connection)?;
            let brought = usize::try_from(here.0.saturating_sub(from.0)).unwrap_or(usize::MAX);
            let missing = records.get(brought..).unwrap_or_default();
            for record in missing {
                bring(connection, record)?;
            }
            let now = Records(here.0 + missing.len() as u64);
            Self::note(connection, now, missing.last().map(|record| record.id))?;
            connection.prepare_cached("COMMIT")?.execute([])?;
            self.committed(now);
        }
    }

    /// The records behind the first `from`, of which `last` is the last. None when something else stands there: the source
    /// was put back to an earlier state, and went on from that or not.
    fn beyond(&self, from: Records, last: Option<String>) -> StoreResult<Option<Vec<Record>>> {
        let Some(last) = last else { return self.source.read(from, PAGE).map(Some) };
        let mut records = self.source.read(Records(from.0.saturating_sub(1)), PAGE + 1)?;
        if records.first().is_none_or(|record| record.id.to_string() != last) {
            return Ok(None);
        }
        records.remove(0);
        Ok(Some(records))
    }
}

/// How many records are here, and the identity of the last.
fn stand(connection: &Connection) -> StoreResult<(Records, Option<String>)> {
    let read = |row: &rusqlite::Row<'_>| Ok((Records(row.get(0)?), row.get(1)?));
    Ok(connection.prepare_cached(SELECT)?.query_row([], read)?)
}

/// How many records are here.
pub(super) fn seen(connection: &Connection) -> StoreResult<Records> {
    Ok(stand(connection)?.0)
}

/// Does what a record says.
fn bring(connection: &Connection, record: &Record) -> StoreResult<()> {
    let stretch = record.events.iter().map(RecordedEvent::stored).collect::<StoreResult<Vec<_>>>()?;
    taking_over::follows(reads::head(connection)?.position, &stretch)?;
    let mut last = Position::ZERO;
    for (event, recorded) in stretch.iter().zip(&record.events) {
        rows::insert(connection, event, &recorded.actor_kind, recorded.actor_id.as_deref())?;
        last = event.position;
    }
    for change in &record.claims {
        claims::change(connection, change, record.recorded_at).map_err(|error| match error {
            AppendError::Store(error) => error,
            broken => StoreError::Damaged(format!(
                "the record of position {last} claims what it cannot have claimed ({broken})"
            )),
        })?;
    }
    if let Some(key) = &record.key {
        keys::remember(connection, key, key.position, record.recorded_at)?;
    }
    if let Some(held) = &record.held {
        take_over::put_claims(connection, &held.claims, held.is_first)?;
    }
    Ok(())
}

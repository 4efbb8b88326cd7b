//! A log that mirrors one that is kept elsewhere: what was recorded there is brought here, in order, each record with all
//! that it did.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use muster_events::stream::Position;
use rusqlite::{Connection, OptionalExtension as _};

use super::{claims, errors::StoreResult, keys, reads, rows, take_over};
use crate::store::{
    AppendError, StoreError,
    source::{Record, RecordedEvent, Records, Source},
    taking_over,
};

/// Records that are brought at once.
const PAGE: usize = 200;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS mirrored (only_row integer PRIMARY KEY CHECK (only_row = 1), \
     source text NOT NULL, records integer NOT NULL) STRICT";
const SELECT: &str = "SELECT records FROM mirrored";
const SELECT_SOURCE: &str = "SELECT source FROM mirrored";
const BEGIN: &str =
    "INSERT INTO mirrored (only_row, source, records) VALUES (1, ?1, 0) ON CONFLICT DO NOTHING";
const NOTE: &str = "UPDATE mirrored SET records = ?1";

/// What a mirror is to those who write it.
#[derive(Debug, Clone)]
pub(super) struct Mirror {
    pub(super) source: Arc<dyn Source>,
    /// How many records this process knows to be here.
    known: Arc<AtomicU64>,
}

impl Mirror {
    /// Of `source`, whose name is `name`. What is in the file is to be of that one.
    pub(super) fn begin(connection: &Connection, source: Arc<dyn Source>, name: &str) -> StoreResult<Self> {
        connection.execute_batch(CREATE)?;
        connection.execute(BEGIN, [name])?;
        let known = Arc::new(AtomicU64::new(seen(connection)?.0));
        Ok(Self { source, known })
    }

    /// At least so many records are here.
    pub(super) fn known(&self) -> Records {
        Records(self.known.load(Ordering::Acquire))
    }

    /// Notes, in the transaction that brings them, that so many records are here.
    pub(super) fn note(connection: &Connection, records: Records) -> StoreResult<()> {
        connection.prepare_cached(NOTE)?.execute([rows::number(records.0)])?;
        Ok(())
    }

    /// They are, since the transaction is committed.
    pub(super) fn committed(&self, records: Records) {
        self.known.fetch_max(records.0, Ordering::AcqRel);
    }

    /// Brings here what is in the source by now. No lock is held while it is asked.
    pub(super) fn catch_up(&self, connection: &Connection) -> StoreResult<()> {
        loop {
            let from = seen(connection)?;
            let records = self.source.read(from, PAGE)?;
            if records.is_empty() {
                self.committed(from);
                return Ok(());
            }
            connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            // Another one may have brought some meanwhile.
            let here = seen(connection)?;
            let brought = usize::try_from(here.0.saturating_sub(from.0)).unwrap_or(usize::MAX);
            for record in records.iter().skip(brought) {
                bring(connection, record)?;
            }
            let now = Records(here.0.max(from.0 + records.len() as u64));
            Self::note(connection, now)?;
            connection.prepare_cached("COMMIT")?.execute([])?;
            self.committed(now);
        }
    }
}

/// How many records are here.
pub(super) fn seen(connection: &Connection) -> StoreResult<Records> {
    Ok(Records(connection.prepare_cached(SELECT)?.query_row([], |row| row.get(0))?))
}

/// Of which source a file is a mirror; none when it is no mirror.
pub(super) fn source_of(connection: &Connection) -> StoreResult<Option<(String, Records)>> {
    connection.execute_batch(CREATE)?;
    let Some(source) = connection.query_row(SELECT_SOURCE, [], |row| row.get(0)).optional()? else {
        return Ok(None);
    };
    Ok(Some((source, seen(connection)?)))
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

//! Reads of the log, and the connections that they share.

use std::sync::{Arc, Mutex, PoisonError};

use muster_events::{
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{
    connection::Place,
    errors::StoreResult,
    rows::{collect, columns, limit, number, time},
};
use crate::store::{Head, StoreError, StoredEvent, appending::FOREIGN_PAGE, followers::Followers};

/// Connections that read at the same time; more readers wait.
const READERS: usize = 8;

const SELECT_HEAD: &str = "SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1";
const SELECT_AFTER: &str =
    concat!("SELECT ", columns!(), " FROM events WHERE position > ?1 ORDER BY position LIMIT ?2");
const SELECT_STREAM_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM events WHERE aggregate_type = ?1 AND aggregate_id = ?2 AND sequence > ?3 ORDER BY sequence LIMIT ?4"
);

/// The connections that read. They are opened when they are first needed.
#[derive(Debug)]
pub(super) struct Readers {
    place: Place,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// None open yet.
    pub(super) fn new(place: Place) -> Self {
        Self { place, idle: Mutex::new(Vec::new()), permits: Arc::new(Semaphore::new(READERS)) }
    }

    /// Reads on a thread that may block.
    pub(super) async fn run<T, F>(self: &Arc<Self>, read: F) -> StoreResult<T>
    where
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
        T: Send + 'static,
    {
        let cut_off =
            |error: &dyn std::error::Error| StoreError::Unavailable(format!("the read was cut off: {error}"));
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|error| cut_off(&error))?;
        let readers = Arc::clone(self);
        let blocking = spawn_blocking(move || {
            // Held to the end of the read also when the caller has gone: it counts connections, not callers.
            let _permit = permit;
            readers.with_connection(read)
        });
        blocking.await.unwrap_or_else(|error| Err(cut_off(&error)))
    }

    fn with_connection<T>(&self, read: impl FnOnce(&Connection) -> StoreResult<T>) -> StoreResult<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = idle.map_or_else(|| self.place.open_reader(), Ok)?;
        let found = read(&connection)?;
        // After an error the connection is not used again.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(found)
    }
}

/// Where the log stands.
pub(super) fn head(connection: &Connection) -> StoreResult<Head> {
    let read =
        |row: &rusqlite::Row<'_>| Ok(Head { position: Position(row.get(0)?), recorded_at: time(row, 1)? });
    let head = connection.prepare_cached(SELECT_HEAD)?.query_row([], read).optional()?;
    Ok(head.unwrap_or(Head { position: Position::ZERO, recorded_at: Timestamp::default() }))
}

/// Where the log stands, after `followers` have been told of everything up to there.
pub(super) fn confirmed_head(connection: &Connection, followers: &Followers) -> StoreResult<Head> {
    let head = head(connection)?;
    loop {
        let told = followers.told();
        if told.position >= head.position {
            return Ok(head);
        }
        let events = events_after(connection, told.position, FOREIGN_PAGE)?;
        if events.is_empty() {
            let text = format!("the event after position {} is missing", told.position);
            return Err(StoreError::Damaged(text));
        }
        followers.tell_behind(told, [events.as_slice()]);
    }
}

/// Events of the whole log.
pub(super) fn events_after(
    connection: &Connection,
    after: Position,
    at_most: usize,
) -> StoreResult<Vec<StoredEvent>> {
    collect(&mut *connection.prepare_cached(SELECT_AFTER)?, [number(after.0), limit(at_most)])
}

/// Events of one stream.
pub(super) fn stream_after(
    connection: &Connection,
    stream: &StreamId,
    after: Sequence,
    at_most: usize,
) -> StoreResult<Vec<StoredEvent>> {
    let StreamId { aggregate_type, aggregate_id } = stream;
    let (after, at_most) = (number(after.0), limit(at_most));
    let parameters = params![aggregate_type.as_str(), aggregate_id.as_str(), after, at_most];
    collect(&mut *connection.prepare_cached(SELECT_STREAM_AFTER)?, parameters)
}

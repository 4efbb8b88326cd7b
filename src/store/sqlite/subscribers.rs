//! How far effectful subscribers have come, and who works.
//!
//! There is one process that works, because a second `serve` of a directory is refused: whoever asks for the lease gets it,
//! and a predecessor that is still there moves no checkpoint any more.

use std::sync::{Arc, Mutex, PoisonError};

use muster_events::stream::Position;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::task::spawn_blocking;

use super::{connection::Place, errors::StoreResult, rows::number};
use crate::store::{Incarnation, Lease, StoreError};

const SELECT: &str =
    "SELECT epoch, position FROM subscribers WHERE name = ?1 AND holder = ?2 AND incarnation = ?3";
/// `min` is for a log that was put back to an earlier state: otherwise its head is never before a checkpoint.
const TAKE: &str = "INSERT INTO subscribers (name, position, incarnation, holder, epoch) \
     SELECT ?1, coalesce(max(position), 0), ?3, ?2, 1 FROM events WHERE true \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, incarnation = excluded.incarnation, \
     position = min(subscribers.position, excluded.position), epoch = subscribers.epoch + 1 \
     RETURNING epoch, position";
const ADVANCE: &str = "UPDATE subscribers SET position = ?1 WHERE name = ?2 AND position = ?3 \
     AND incarnation = ?4 AND holder = ?5 AND epoch = ?6";

/// The table, and the connection that writes it. Not the one of the writer, who has appends to make.
#[derive(Debug)]
pub(super) struct Subscribers {
    place: Place,
    incarnation: Incarnation,
    connection: Mutex<Option<Connection>>,
}

/// The table on a thread that may block.
pub(super) struct Table<'a> {
    connection: &'a Connection,
    incarnation: Incarnation,
}

impl Subscribers {
    /// The connection is opened when it is first needed.
    pub(super) fn new(place: Place, incarnation: Incarnation) -> Self {
        Self { place, incarnation, connection: Mutex::new(None) }
    }

    /// Works on the table.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Table<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreResult<T> {
        let subscribers = Arc::clone(self);
        let blocking = spawn_blocking(move || {
            let mut connection = subscribers.connection.lock().unwrap_or_else(PoisonError::into_inner);
            // After an error the connection is not used again.
            let open = connection.take().map_or_else(|| subscribers.place.open_writer(), Ok)?;
            let done = work(&Table { connection: &open, incarnation: subscribers.incarnation })?;
            *connection = Some(open);
            Ok(done)
        });
        let cut_off = |error| StoreError::Unavailable(format!("the work was cut off: {error}"));
        blocking.await.unwrap_or_else(|error| Err(cut_off(error)))
    }
}

impl Table<'_> {
    /// Gets the lease, or finds that it is held already, which writes nothing.
    pub(super) fn lease(&self, subscriber: String, holder: String) -> rusqlite::Result<Lease> {
        let parameters = params![subscriber, holder, self.incarnation.0];
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, Position(row.get(1)?)));
        let held = self.connection.prepare_cached(SELECT)?.query_row(parameters, read).optional()?;
        let (epoch, checkpoint) = match held {
            Some(held) => held,
            None => self.connection.prepare_cached(TAKE)?.query_row(parameters, read)?,
        };
        Ok(Lease { subscriber, holder, epoch, checkpoint })
    }

    /// Moves the checkpoint.
    pub(super) fn advance(&self, lease: &Lease, to: Position) -> rusqlite::Result<bool> {
        let Lease { subscriber, holder, epoch, checkpoint } = lease;
        let (from, epoch) = (number(checkpoint.0), number(*epoch));
        let parameters = params![number(to.0), subscriber, from, self.incarnation.0, holder, epoch];
        Ok(self.connection.prepare_cached(ADVANCE)?.execute(parameters)? == 1)
    }
}

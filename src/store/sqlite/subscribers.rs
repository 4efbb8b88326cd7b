//! How far effectful subscribers have come, and who works.
//!
//! There is one process that works, because a second `serve` of a directory is refused: whoever asks for the lease gets it,
//! and a predecessor that is still there moves no checkpoint any more.

use muster_events::stream::Position;
use rusqlite::{Connection, OptionalExtension, params};

use super::{errors::StoreResult, rows::number};
use crate::store::{Incarnation, Lease};

const SELECT: &str =
    "SELECT epoch, position FROM subscribers WHERE name = ?1 AND holder = ?2 AND incarnation = ?3";
/// `min` is for a log that was put back to an earlier state: otherwise its head is never before a checkpoint.
const TAKE: &str = "INSERT INTO subscribers (name, position, incarnation, holder, epoch) \
     SELECT ?1, coalesce(max(position), 0), ?3, ?2, 1 FROM events WHERE true \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, incarnation = excluded.incarnation, \
     position = min(subscribers.position, excluded.position), epoch = subscribers.epoch + 1 \
     RETURNING epoch, position";
const SELECT_CHECKPOINT: &str = "SELECT position FROM subscribers WHERE name = ?1 AND incarnation = ?2";
const ADVANCE: &str = "UPDATE subscribers SET position = ?1 WHERE name = ?2 AND position = ?3 \
     AND incarnation = ?4 AND holder = ?5 AND epoch = ?6";

/// Gets the lease, or finds that it is held already, which writes nothing.
pub(super) fn lease(
    connection: &Connection,
    incarnation: Incarnation,
    subscriber: String,
    holder: String,
) -> StoreResult<Lease> {
    let parameters = params![subscriber, holder, incarnation.0];
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, Position(row.get(1)?)));
    let held = connection.prepare_cached(SELECT)?.query_row(parameters, read).optional()?;
    let (epoch, checkpoint) = match held {
        Some(held) => held,
        None => connection.prepare_cached(TAKE)?.query_row(parameters, read)?,
    };
    Ok(Lease { subscriber, holder, epoch, checkpoint })
}

/// Moves the checkpoint.
pub(super) fn advance(
    connection: &Connection,
    incarnation: Incarnation,
    lease: &Lease,
    to: Position,
) -> StoreResult<bool> {
    let Lease { subscriber, holder, epoch, checkpoint } = lease;
    let (from, epoch) = (number(checkpoint.0), number(*epoch));
    let parameters = params![number(to.0), subscriber, from, incarnation.0, holder, epoch];
    Ok(connection.prepare_cached(ADVANCE)?.execute(parameters)? == 1)
}

/// How far a subscriber has come.
pub(super) fn checkpoint(
    connection: &Connection,
    incarnation: Incarnation,
    subscriber: &str,
) -> StoreResult<Option<Position>> {
    let parameters = params![subscriber, incarnation.0];
    let mut select = connection.prepare_cached(SELECT_CHECKPOINT)?;
    Ok(select.query_row(parameters, |row| row.get(0).map(Position)).optional()?)
}

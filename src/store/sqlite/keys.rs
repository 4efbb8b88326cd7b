//! Idempotency keys: how requests ended, so that a repeated one is answered and not done again.

use muster_events::{stream::Position, time::Timestamp};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::rows::number;
use crate::store::{
    KeyedOutcome,
    idempotency::{key_digest, oldest_remembered_key},
};

/// OR IGNORE and no conflict clause of its own: then SQLite needs no copy of the pages that it touches.
const INSERT: &str = "INSERT OR IGNORE INTO idempotency_keys \
     (digest, actor, request, status, result, position, recorded_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const SELECT: &str = "SELECT request, status, result, position FROM idempotency_keys \
     WHERE digest = ?1 AND recorded_at >= ?2";
const DELETE: &str = "DELETE FROM idempotency_keys WHERE digest = ?1";
const SELECT_OLDEST: &str = "SELECT recorded_at FROM idempotency_keys ORDER BY rowid LIMIT 1";
const DELETE_OLDEST: &str = "DELETE FROM idempotency_keys WHERE rowid IN (SELECT rowid FROM \
     (SELECT rowid, recorded_at FROM idempotency_keys ORDER BY rowid LIMIT ?1) WHERE recorded_at < ?2)";

/// How the request with this key ended, when that is still remembered at `now`.
pub(super) fn find(
    connection: &Connection,
    actor: &str,
    key: &str,
    now: Timestamp,
) -> Result<Option<KeyedOutcome>> {
    let mut statement = connection.prepare_cached(SELECT)?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(KeyedOutcome {
            actor: actor.into(),
            key: key.into(),
            request: row.get(0)?,
            status: row.get(1)?,
            result: row.get(2)?,
            position: Position(row.get(3)?),
        })
    };
    statement.query_row(params![key_digest(actor, key), oldest_remembered_key(now)], read).optional()
}

/// Keeps `outcome`, unless its key was used before: then this is how that ended.
pub(super) fn remember(
    connection: &Connection,
    outcome: &KeyedOutcome,
    position: Position,
    now: Timestamp,
) -> Result<Option<KeyedOutcome>> {
    if insert(connection, outcome, position, now)? {
        return Ok(None);
    }
    let before = find(connection, &outcome.actor, &outcome.key, now)?;
    if before.is_none() {
        // What is in the way is too old to count.
        connection.prepare_cached(DELETE)?.execute([key_digest(&outcome.actor, &outcome.key)])?;
        insert(connection, outcome, position, now)?;
    }
    Ok(before)
}

fn insert(
    connection: &Connection,
    outcome: &KeyedOutcome,
    position: Position,
    now: Timestamp,
) -> Result<bool> {
    let KeyedOutcome { actor, key, request, status, result, position: _ } = outcome;
    let mut statement = connection.prepare_cached(INSERT)?;
    let inserted = statement.execute(params![
        key_digest(actor, key),
        actor,
        request,
        status,
        result,
        number(position.0),
        now.as_micros()
    ])?;
    Ok(inserted == 1)
}

/// Deletes the oldest of those that are no longer remembered, at most `at_most`.
pub(super) fn purge(connection: &Connection, now: Timestamp, at_most: usize) -> Result<()> {
    let oldest: Option<i64> =
        connection.prepare_cached(SELECT_OLDEST)?.query_row([], |row| row.get(0)).optional()?;
    if oldest.is_some_and(|oldest| oldest < oldest_remembered_key(now)) {
        let limit = super::rows::limit(at_most);
        connection.prepare_cached(DELETE_OLDEST)?.execute([limit, oldest_remembered_key(now)])?;
    }
    Ok(())
}

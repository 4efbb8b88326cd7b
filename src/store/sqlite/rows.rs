//! How an event stands in a row.

use muster_events::{
    id::OrganizationId,
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use rusqlite::{Connection, Row, Statement, params, types::Type};
use uuid::Uuid;

use super::errors::StoreResult;
use crate::store::{StoreError, StoredEvent};

/// The columns that [`stored`] reads, in its order.
macro_rules! columns {
    () => {
        "position, event_id, aggregate_type, aggregate_id, sequence, event_type, event_version, recorded_at, \
         organization, leaf, payload, metadata"
    };
}
pub(super) use columns;

/// The names of [`columns`], for what is said about damage.
const COLUMNS: &str = columns!();

/// OR ROLLBACK for the same reason as in the trigger, see `schema.sql`: any failure undoes the whole batch anyway.
const INSERT_EVENT: &str = "INSERT OR ROLLBACK INTO events (aggregate_type, aggregate_id, sequence, event_type, \
     event_version, position, event_id, recorded_at, organization, actor_kind, actor_id, leaf, payload, metadata) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

/// Numbers beyond what SQLite can hold are only ever asked for, never stored: nothing lies there.
pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A limit of rows.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Adds one row; `kind` and `id` are those of its actor.
pub(super) fn insert(
    connection: &Connection,
    stored: &StoredEvent,
    kind: &str,
    id: Option<&str>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(INSERT_EVENT)?;
    statement.execute(params![
        stored.stream.aggregate_type.as_str(),
        stored.stream.aggregate_id.as_str(),
        number(stored.sequence.0),
        stored.event_type,
        stored.schema_version.to_string(),
        number(stored.position.0),
        stored.event_id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) as &str,
        stored.recorded_at.as_micros(),
        stored.organization.map(OrganizationId::get),
        kind,
        id,
        stored.leaf,
        &*stored.payload,
        &*stored.metadata,
    ])?;
    Ok(())
}

/// All rows of `statement`, which selects [`columns`].
pub(super) fn collect(
    statement: &mut Statement<'_>,
    parameters: impl rusqlite::Params,
) -> StoreResult<Vec<StoredEvent>> {
    let mut rows = statement.query(parameters)?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(stored(row)?);
    }
    Ok(events)
}

fn stored(row: &Row<'_>) -> StoreResult<StoredEvent> {
    Ok(StoredEvent {
        position: Position(whole(row, 0)?),
        event_id: text(row, 1)?.parse().map_err(|error| damaged(row, 1, &error))?,
        stream: StreamId::new(text(row, 2)?, text(row, 3)?),
        sequence: Sequence(whole(row, 4)?),
        event_type: text(row, 5)?.into(),
        schema_version: version(row)?,
        recorded_at: recorded_at(row)?,
        organization: organization(row)?,
        leaf: row.get(9)?,
        payload: text(row, 10)?.into(),
        metadata: text(row, 11)?.into(),
        decoded: None,
    })
}

pub(super) fn version(row: &Row<'_>) -> StoreResult<u32> {
    text(row, 6)?.parse().map_err(|error| damaged(row, 6, &error))
}

pub(super) fn recorded_at(row: &Row<'_>) -> StoreResult<Timestamp> {
    Timestamp::from_micros(row.get(7)?).map_err(|error| damaged(row, 7, &error))
}

pub(super) fn organization(row: &Row<'_>) -> StoreResult<Option<OrganizationId>> {
    match row.get::<_, Option<u64>>(8)? {
        Some(number) => Ok(Some(OrganizationId::new(number).map_err(|error| damaged(row, 8, &error))?)),
        None => Ok(None),
    }
}

pub(super) fn text<'row>(row: &'row Row<'_>, column: usize) -> StoreResult<&'row str> {
    let value = row.get_ref(column)?;
    value.as_str().map_err(|error| damaged(row, column, &error))
}

pub(super) fn whole(row: &Row<'_>, column: usize) -> StoreResult<u64> {
    row.get(column).map_err(|error| damaged(row, column, &error))
}

/// Names the row and the column, so that an operator can look at it.
fn damaged(row: &Row<'_>, column: usize, error: &dyn std::error::Error) -> StoreError {
    let position = row.get_ref(0).ok().and_then(|value| value.as_i64().ok()).unwrap_or_default();
    let name = COLUMNS.split(", ").nth(column).unwrap_or_default();
    StoreError::Damaged(format!("{name} of the event at position {position}: {error}"))
}

/// A stored time.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let micros = row.get(column)?;
    Timestamp::from_micros(micros)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error)))
}

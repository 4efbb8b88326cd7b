//! How an event stands in a row.

use muster_events::{
    id::OrganizationId,
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use sqlx::{Row, postgres::PgRow};

use super::errors::StoreResult;
use crate::store::{StoreError, StoredEvent};

/// The columns that [`stored`] reads, in its order. The two texts as text, because only so are they what was stored, byte
/// for byte.
macro_rules! columns {
    () => {
        "position, event_id, aggregate_type, aggregate_id, sequence, event_type, event_version, recorded_at, \
         organization, leaf, payload::text, metadata::text"
    };
}
pub(super) use columns;

/// The names of [`columns`], for what is said about damage.
const COLUMNS: &str = columns!();

/// Numbers beyond what Postgres can hold are only ever asked for, never stored: nothing lies there.
pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A limit of rows.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// All events of rows that select [`columns`].
pub(super) fn collect(rows: &[PgRow]) -> StoreResult<Vec<StoredEvent>> {
    rows.iter().map(stored).collect()
}

/// By place: looking each name up for each row costs as much as reading it.
fn stored(row: &PgRow) -> StoreResult<StoredEvent> {
    let leaf: &[u8] = row.try_get(9)?;
    Ok(StoredEvent {
        position: position(row)?,
        event_id: row.try_get(1)?,
        stream: stream(row)?,
        sequence: sequence(row)?,
        event_type: row.try_get(5)?,
        schema_version: version(row)?,
        recorded_at: recorded_at(row)?,
        organization: organization(row)?,
        leaf: leaf.try_into().map_err(|error| damaged(row, 9, &error))?,
        payload: row.try_get::<&str, _>(10)?.into(),
        metadata: row.try_get::<&str, _>(11)?.into(),
        decoded: None,
    })
}

pub(super) fn position(row: &PgRow) -> StoreResult<Position> {
    Ok(Position(number_at(row, 0)?))
}

pub(super) fn stream(row: &PgRow) -> StoreResult<StreamId> {
    Ok(StreamId::new(row.try_get(2)?, row.try_get(3)?))
}

pub(super) fn sequence(row: &PgRow) -> StoreResult<Sequence> {
    Ok(Sequence(number_at(row, 4)?))
}

pub(super) fn version(row: &PgRow) -> StoreResult<u32> {
    row.try_get::<&str, _>(6)?.parse().map_err(|error| damaged(row, 6, &error))
}

pub(super) fn recorded_at(row: &PgRow) -> StoreResult<Timestamp> {
    Timestamp::from_micros(row.try_get(7)?).map_err(|error| damaged(row, 7, &error))
}

pub(super) fn organization(row: &PgRow) -> StoreResult<Option<OrganizationId>> {
    if row.try_get::<Option<i64>, _>(8)?.is_none() {
        return Ok(None);
    }
    OrganizationId::new(number_at(row, 8)?).map(Some).map_err(|error| damaged(row, 8, &error))
}

fn number_at(row: &PgRow, place: usize) -> StoreResult<u64> {
    row.try_get::<i64, _>(place)?.try_into().map_err(|error| damaged(row, place, &error))
}

/// Names the row and the column, so that an operator can look at it.
fn damaged(row: &PgRow, place: usize, error: &dyn std::error::Error) -> StoreError {
    damage(row, COLUMNS.split(", ").nth(place).unwrap_or_default(), error)
}

/// A number that is never negative.
pub(super) fn whole(row: &PgRow, column: &str) -> StoreResult<u64> {
    let number: i64 = row.try_get(column)?;
    number.try_into().map_err(|error| damage(row, column, &error))
}

/// A stored time.
pub(super) fn time(row: &PgRow, column: &str) -> StoreResult<Timestamp> {
    Timestamp::from_micros(row.try_get(column)?).map_err(|error| damage(row, column, &error))
}

fn damage(row: &PgRow, column: &str, error: &dyn std::error::Error) -> StoreError {
    let position: i64 = row.try_get("position").unwrap_or_default();
    StoreError::Damaged(format!("{column} of the row at position {position}: {error}"))
}

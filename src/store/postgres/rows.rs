//! How an event stands in a row.

use muster_events::{
    id::OrganizationId,
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use sqlx::{Row, postgres::PgRow};

use super::errors::StoreResult;
use crate::store::{StoreError, StoredEvent};

/// The columns that [`stored`] reads. The two texts as text, because only so are they what was stored, byte for byte.
macro_rules! columns {
    () => {
        "position, event_id, aggregate_type, aggregate_id, sequence, event_type, event_version, recorded_at, \
         organization, leaf, payload::text, metadata::text"
    };
}
pub(super) use columns;

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

fn stored(row: &PgRow) -> StoreResult<StoredEvent> {
    let leaf: &[u8] = row.try_get("leaf")?;
    Ok(StoredEvent {
        position: Position(whole(row, "position")?),
        event_id: row.try_get("event_id")?,
        stream: StreamId::new(row.try_get("aggregate_type")?, row.try_get("aggregate_id")?),
        sequence: Sequence(whole(row, "sequence")?),
        event_type: row.try_get("event_type")?,
        schema_version: version(row)?,
        recorded_at: time(row, "recorded_at")?,
        organization: match row.try_get::<Option<i64>, _>("organization")? {
            Some(_) => {
                let number = whole(row, "organization")?;
                Some(OrganizationId::new(number).map_err(|error| damaged(row, "organization", &error))?)
            }
            None => None,
        },
        leaf: leaf.try_into().map_err(|error| damaged(row, "leaf", &error))?,
        payload: row.try_get::<&str, _>("payload")?.into(),
        metadata: row.try_get::<&str, _>("metadata")?.into(),
        decoded: None,
    })
}

fn version(row: &PgRow) -> StoreResult<u32> {
    let text: &str = row.try_get("event_version")?;
    text.parse().map_err(|error| damaged(row, "event_version", &error))
}

/// A number that is never negative.
pub(super) fn whole(row: &PgRow, column: &str) -> StoreResult<u64> {
    let number: i64 = row.try_get(column)?;
    number.try_into().map_err(|error| damaged(row, column, &error))
}

/// A stored time.
pub(super) fn time(row: &PgRow, column: &str) -> StoreResult<Timestamp> {
    Timestamp::from_micros(row.try_get(column)?).map_err(|error| damaged(row, column, &error))
}

/// Names the row and the column, so that an operator can look at it.
pub(super) fn damaged(row: &PgRow, column: &str, error: &dyn std::error::Error) -> StoreError {
    let position: i64 = row.try_get("position").unwrap_or_default();
    StoreError::Damaged(format!("{column} of the row at position {position}: {error}"))
}

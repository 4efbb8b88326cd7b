//! A stretch of the log, read and decoded in one go.

use std::sync::Arc;

use muster_events::{
    event::Event,
    stream::{Position, Sequence, StreamId},
};
use rusqlite::{Connection, Row, params};

use super::{
    errors::StoreResult,
    rows::{columns, number, organization, recorded_at, text, version, whole},
};
use crate::store::{Scan, ScannedEvent};

/// All columns by their places in [`columns`]; those that nobody asks for cost nothing. The plus keeps the second condition
/// from being what the rows are looked up by.
const SELECT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM events WHERE position > ?1 AND position <= ?2 \
     AND +aggregate_type IN (SELECT value FROM json_each(?3)) ORDER BY position"
);

/// The events of the stretch.
pub(super) fn run(connection: &Connection, scan: &Scan) -> StoreResult<Vec<ScannedEvent>> {
    let wanted = serde_json::json!(scan.aggregates).to_string();
    let mut statement = connection.prepare_cached(SELECT)?;
    let mut rows = statement.query(params![number(scan.after.0), number(scan.up_to.0), wanted])?;
    let mut events = vec![];
    while let Some(row) = rows.next()? {
        events.push(scanned(row)?);
    }
    Ok(events)
}

fn scanned(row: &Row<'_>) -> StoreResult<ScannedEvent> {
    let stream = StreamId::new(text(row, 2)?, text(row, 3)?);
    let event = Event::decode(&stream.aggregate_type, text(row, 5)?, version(row)?, text(row, 10)?);
    Ok(ScannedEvent {
        position: Position(whole(row, 0)?),
        sequence: Sequence(whole(row, 4)?),
        recorded_at: recorded_at(row)?,
        organization: organization(row)?,
        stream,
        event: event.map(Arc::new),
    })
}

//! A stretch of the log, read and decoded in one go.

use std::sync::Arc;

use muster_events::{
    event::Event,
    stream::{Position, Sequence, StreamId},
};
use rusqlite::{Connection, Row, ToSql, params_from_iter};

use super::{
    errors::StoreResult,
    rows::{number, organization, recorded_at, text, version, whole},
};
use crate::store::{Scan, ScannedEvent};

/// The columns that are read here at their places in [`super::rows::columns`]; each one more would be copied for every row.
const SELECT: &str = "SELECT position, NULL, aggregate_type, aggregate_id, sequence, event_type, event_version, \
     recorded_at, organization, NULL, payload FROM events WHERE position > ?1 AND position <= ?2";
const ORDER: &str = "ORDER BY position";

/// The events of the stretch.
pub(super) fn run(connection: &Connection, scan: &Scan) -> StoreResult<Vec<ScannedEvent>> {
    // Compared one by one, which costs less than to look each up in a list. The plus keeps the condition from being what
    // the rows are looked up by.
    let wanted = " OR +aggregate_type = ?".repeat(scan.aggregates.len());
    let mut statement = connection.prepare_cached(&format!("{SELECT} AND (FALSE{wanted}) {ORDER}"))?;
    let (after, up_to) = (number(scan.after.0), number(scan.up_to.0));
    let stretch: [&dyn ToSql; 2] = [&after, &up_to];
    let aggregates = scan.aggregates.iter().map(|aggregate| -> &dyn ToSql { aggregate });
    let mut rows = statement.query(params_from_iter(stretch.into_iter().chain(aggregates)))?;
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

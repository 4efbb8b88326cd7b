//! A stretch of the log, read and decoded in one go.

use std::sync::Arc;

use muster_events::event::Event;
use sqlx::{PgPool, Row, postgres::PgRow};
use tokio::task::spawn_blocking;

use super::{
    errors::StoreResult,
    rows::{self, number},
};
use crate::store::{Scan, ScannedEvent, StoreError};

/// The columns of a stored event at their places, nothing for those that nobody asks for. OFFSET keeps the two conditions
/// apart: the first finds the rows by their positions, and no plan may look for all rows of some kinds instead.
const SELECT: &str = "SELECT position, NULL, aggregate_type, aggregate_id, sequence, event_type, event_version, \
     recorded_at, organization, NULL, payload::text \
     FROM (SELECT * FROM log.events WHERE position > $1 AND position <= $2 ORDER BY position OFFSET 0) AS stretch \
     WHERE aggregate_type = ANY ($3) ORDER BY position";

/// The events of the stretch. They are decoded on a thread that may work for a while.
pub(super) async fn run(pool: &PgPool, scan: &Scan) -> StoreResult<Vec<ScannedEvent>> {
    let query = sqlx::query(SELECT).bind(number(scan.after.0)).bind(number(scan.up_to.0));
    let found = query.bind(&scan.aggregates).fetch_all(pool).await?;
    let decoded = spawn_blocking(move || found.iter().map(scanned).collect());
    decoded.await.map_err(|error| StoreError::Unavailable(format!("the read was cut off: {error}")))?
}

fn scanned(row: &PgRow) -> StoreResult<ScannedEvent> {
    let stream = rows::stream(row)?;
    let event = Event::decode(&stream.aggregate_type, row.try_get(5)?, rows::version(row)?, row.try_get(10)?);
    Ok(ScannedEvent {
        position: rows::position(row)?,
        sequence: rows::sequence(row)?,
        recorded_at: rows::recorded_at(row)?,
        organization: rows::organization(row)?,
        stream,
        event: event.map(Arc::new),
    })
}

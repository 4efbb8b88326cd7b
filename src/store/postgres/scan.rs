//! A stretch of the log, read and decoded in one go.

use std::sync::Arc;

use muster_events::{
    event::Event,
    id::OrganizationId,
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use sqlx::{PgPool, Row, postgres::PgRow};
use tokio::task::spawn_blocking;

use super::{
    errors::StoreResult,
    rows::{damaged, number},
};
use crate::store::{Scan, ScannedEvent, StoreError};

/// By place, because looking each name up for each row costs as much as reading it. OFFSET keeps the two conditions apart:
/// the first finds the rows by their positions, and no plan may look for all rows of some kinds instead.
const SELECT: &str = "SELECT position, aggregate_type, aggregate_id, sequence, recorded_at, organization, event_type, \
     event_version, payload::text \
     FROM (SELECT * FROM log.events WHERE position > $1 AND position <= $2 ORDER BY position OFFSET 0) AS stretch \
     WHERE aggregate_type = ANY ($3) ORDER BY position";

/// The events of the stretch. They are decoded on a thread that may work for a while.
pub(super) async fn run(pool: &PgPool, scan: &Scan) -> StoreResult<Vec<ScannedEvent>> {
    let query = sqlx::query(SELECT).bind(number(scan.after.0)).bind(number(scan.up_to.0));
    let rows = query.bind(&scan.aggregates).fetch_all(pool).await?;
    let decoded = spawn_blocking(move || rows.iter().map(scanned).collect());
    decoded.await.map_err(|error| StoreError::Unavailable(format!("the read was cut off: {error}")))?
}

fn scanned(row: &PgRow) -> StoreResult<ScannedEvent> {
    let stream = StreamId::new(row.try_get::<&str, _>(1)?, row.try_get::<&str, _>(2)?);
    let version =
        row.try_get::<&str, _>(7)?.parse().map_err(|error| damaged(row, "event_version", &error))?;
    let event = Event::decode(&stream.aggregate_type, row.try_get(6)?, version, row.try_get(8)?);
    let whole = |place: usize, name| {
        u64::try_from(row.try_get::<i64, _>(place)?).map_err(|error| damaged(row, name, &error))
    };
    let organization = match row.try_get::<Option<i64>, _>(5)? {
        Some(_) => {
            let id = OrganizationId::new(whole(5, "organization")?);
            Some(id.map_err(|error| damaged(row, "organization", &error))?)
        }
        None => None,
    };
    let recorded_at = Timestamp::from_micros(row.try_get(4)?);
    Ok(ScannedEvent {
        position: Position(whole(0, "position")?),
        sequence: Sequence(whole(3, "sequence")?),
        recorded_at: recorded_at.map_err(|error| damaged(row, "recorded_at", &error))?,
        organization,
        stream,
        event: event.map(Arc::new),
    })
}

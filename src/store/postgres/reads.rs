//! Reads of the log, over a pool of connections of their own, which never wait for the writer.

use muster_events::stream::{Position, Sequence, StreamId};
use sqlx::PgPool;

use super::{
    errors::StoreResult,
    progress::Progress,
    rows::{collect, columns, limit, number},
    statements::{self, SELECT_AFTER},
};
use crate::store::{Head, StoreError, StoredEvent, appending::FOREIGN_PAGE};

const SELECT_STREAM_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM log.events WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3 ORDER BY sequence LIMIT $4"
);

/// Where the log stands. While this process knows another one, waits a moment until it has found out.
pub(super) async fn head(pool: &PgPool, progress: &Progress) -> StoreResult<Head> {
    let told = progress.followers.told();
    if let Ok(head) = progress.known(told, statements::standing(pool).await?) {
        return Ok(head);
    }
    progress.until_put_back(told).await;
    progress.known(progress.followers.told(), statements::standing(pool).await?)
}

/// Where the log stands, after followers have been told of everything up to there.
pub(super) async fn confirmed_head(pool: &PgPool, progress: &Progress) -> StoreResult<Head> {
    let followers = &progress.followers;
    let head = head(pool, progress).await?;
    if followers.told().position < head.position {
        progress.until_told().await;
    }
    loop {
        let told = followers.told();
        if told.position >= head.position {
            return Ok(head);
        }
        let events = events_after(pool, told.position, FOREIGN_PAGE).await?;
        if events.is_empty() {
            // It may have been put back since the look: nothing is missing then.
            let now = self::head(pool, progress).await?;
            return if now.position <= told.position { Ok(now) } else { Err(missing_after(told.position)) };
        }
        followers.tell_behind(told, [events.as_slice()]);
    }
}

/// Below the head there is an event at each position.
pub(super) fn missing_after(position: Position) -> StoreError {
    StoreError::Damaged(format!("the event after position {position} is missing"))
}

/// Events of the whole log.
pub(super) async fn events_after(
    pool: &PgPool,
    after: Position,
    at_most: usize,
) -> StoreResult<Vec<StoredEvent>> {
    let query = sqlx::query(SELECT_AFTER).bind(number(after.0)).bind(limit(at_most));
    collect(&query.fetch_all(pool).await?)
}

/// Events of one stream.
pub(super) async fn stream_after(
    pool: &PgPool,
    stream: &StreamId,
    after: Sequence,
    at_most: usize,
) -> StoreResult<Vec<StoredEvent>> {
    let StreamId { aggregate_type, aggregate_id } = stream;
    let query = sqlx::query(SELECT_STREAM_AFTER).bind(aggregate_type.as_str()).bind(aggregate_id.as_str());
    let query = query.bind(number(after.0)).bind(limit(at_most));
    collect(&query.fetch_all(pool).await?)
}

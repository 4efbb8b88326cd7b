//! Reads of the log, over a pool of connections of their own, which never wait for the writer.

use muster_events::stream::{Position, Sequence, StreamId};
use sqlx::PgPool;

use super::{
    errors::StoreResult,
    progress::Progress,
    rows::{collect, columns, limit, number},
    statements::{SELECT_AFTER, SELECT_HEAD, head_of},
};
use crate::store::{Head, StoreError, StoredEvent, appending::FOREIGN_PAGE};

const SELECT_STREAM_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM log.events WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3 ORDER BY sequence LIMIT $4"
);

/// Where the log stands.
pub(super) async fn head(pool: &PgPool) -> StoreResult<Head> {
    let row = sqlx::query(SELECT_HEAD).fetch_optional(pool).await?;
    head_of(row.as_ref())
}

/// Where the log stands, after followers have been told of everything up to there.
pub(super) async fn confirmed_head(pool: &PgPool, progress: &Progress) -> StoreResult<Head> {
    let followers = &progress.followers;
    let told = followers.told();
    let head = head(pool).await?;
    if head.position < told {
        progress.doubt();
    }
    if followers.told() < head.position {
        progress.until_told().await;
    }
    loop {
        let told = followers.told();
        if told >= head.position {
            return Ok(head);
        }
        let events = events_after(pool, told, FOREIGN_PAGE).await?;
        if events.is_empty() {
            return Err(StoreError::Damaged(format!("the event after position {told} is missing")));
        }
        followers.tell([events.as_slice()]);
    }
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

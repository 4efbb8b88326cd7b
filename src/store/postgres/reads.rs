//! Reads of the log, over a pool of connections of their own, which never wait for the writer.

use std::time::Duration;

use muster_events::stream::{Position, Sequence, StreamId};
use sqlx::PgPool;
use tokio::time::timeout;

use super::{
    errors::StoreResult,
    progress::Progress,
    rows::{collect, columns, limit, number},
    statements::{self, SELECT_AFTER},
};
use crate::{
    database::ANSWER_TIMEOUT,
    store::{Head, StoreError, StoredEvent, appending::FOREIGN_PAGE},
};

const SELECT_STREAM_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM log.events WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3 ORDER BY sequence LIMIT $4"
);

/// How long it may take to find out where the log stands.
const LOOK: Duration = Duration::from_secs(10);

/// What `look` finds about where the log stands, unless the server says nothing: whoever waits behind it is answered then.
pub(super) async fn in_time<T>(look: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
    within(LOOK, look).await
}

/// What `read` finds, unless the server says nothing any more.
pub(super) async fn answered<T>(read: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
    within(ANSWER_TIMEOUT, read).await
}

async fn within<T>(limit: Duration, read: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
    let silent = || Err(StoreError::Unavailable("Postgres does not answer".into()));
    timeout(limit, read).await.unwrap_or_else(|_| silent())
}

/// Where the log stands. While this process knows another one, waits a moment until it has found out.
pub(super) async fn head(pool: &PgPool, progress: &Progress) -> StoreResult<Head> {
    let told = progress.followers.told();
    if let Ok(head) = progress.known(told, statements::standing(pool).await?) {
        return Ok(head);
    }
    progress.until_put_back(told).await?;
    progress.known(progress.followers.told(), statements::standing(pool).await?)
}

/// Where the log stands, after followers have been told of everything up to there.
pub(super) async fn confirmed_head(pool: &PgPool, progress: &Progress) -> StoreResult<Head> {
    let followers = &progress.followers;
    let mut head = head(pool, progress).await?;
    if followers.told().position < head.position {
        progress.until_told().await;
    }
    loop {
        let told = followers.told();
        if told.position >= head.position {
            return Ok(head);
        }
        // From the last that they were told of: it may be another one by now, at the same position.
        let last_told = Position(told.position.0.saturating_sub(1));
        let events = events_after(pool, last_told, FOREIGN_PAGE).await?;
        match told.continued_by(&events) {
            // The log was put back since the look.
            Some([]) => head = self::head(pool, progress).await?,
            Some(fresh) => followers.tell_behind(told, [fresh]),
            None => {
                progress.doubt();
                progress.until_put_back(told).await?;
                head = self::head(pool, progress).await?;
            }
        }
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

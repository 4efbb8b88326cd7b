//! The statements of the connection that appends: each is one round trip, and all of them are prepared once.

use muster_events::{
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use sqlx::{Executor as _, PgConnection, PgExecutor, Row, postgres::PgRow};

use super::{
    batch::Batch,
    errors::{StoreResult, breaks},
    rows::{collect, columns, number, time, whole},
};
use crate::store::{Head, Incarnation, StoreError, StoredEvent, appending::FOREIGN_PAGE};

/// Which log this is, and where it ends: one row.
macro_rules! select_standing {
    () => {
        "SELECT deployment.incarnation, last.position, last.recorded_at FROM log.deployment LEFT JOIN LATERAL \
         (SELECT position, recorded_at FROM log.events ORDER BY position DESC LIMIT 1) AS last ON true"
    };
}
/// Three statements in one message. The lock is one of its own, and the one after it sees all that was committed before
/// the lock was had: at this isolation level each statement takes its own snapshot when it begins.
pub(super) const BEGIN_AND_LOCK: &str = concat!(
    "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(7887337266164674156); ",
    select_standing!()
);
const SELECT_STANDING: &str = select_standing!();
pub(super) const SELECT_AFTER: &str =
    concat!("SELECT ", columns!(), " FROM log.events WHERE position > $1 ORDER BY position LIMIT $2");
const SELECT_STREAM_HEADS: &str = "SELECT asked.aggregate_type, asked.aggregate_id, \
     (SELECT sequence FROM log.events WHERE aggregate_type = asked.aggregate_type COLLATE \"C\" \
     AND aggregate_id = asked.aggregate_id COLLATE \"C\" ORDER BY sequence DESC LIMIT 1) AS sequence \
     FROM UNNEST($1::text[], $2::text[]) AS asked (aggregate_type, aggregate_id)";
/// See `append.sql`.
const APPEND: &str = "SELECT log.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, \
     $18, $19, $20, $21, $22) AS appended";
const SELECT_RECORDED_AT: &str = "SELECT recorded_at FROM log.events WHERE position = $1";
const IS_THERE: &str =
    "SELECT EXISTS (SELECT FROM log.events WHERE position = $1 AND event_id = $2) AS there";
const KEY_IS_THERE: &str = "SELECT EXISTS (SELECT FROM log.idempotency_keys \
     WHERE digest = $1 AND recorded_at = $2) AS there";

/// Which log the database holds, and where it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) incarnation: Incarnation,
    pub(super) head: Head,
}

/// Begins a transaction, takes the order lock, and says where the log stands. The outer error is that of the server, for
/// whom it concerns why.
pub(super) async fn begin_and_lock(
    connection: &mut PgConnection,
) -> Result<StoreResult<Standing>, sqlx::Error> {
    let rows = connection.fetch_all(sqlx::raw_sql(BEGIN_AND_LOCK)).await?;
    // The first row is that of the lock.
    Ok(rows.get(1).ok_or(sqlx::Error::RowNotFound).map_err(StoreError::from).and_then(standing_of))
}

fn standing_of(row: &PgRow) -> StoreResult<Standing> {
    let head = match row.try_get::<Option<i64>, _>("position")? {
        None => Head { position: Position::ZERO, recorded_at: Timestamp::default() },
        Some(_) => {
            Head { position: Position(whole(row, "position")?), recorded_at: time(row, "recorded_at")? }
        }
    };
    Ok(Standing { incarnation: incarnation(row)?, head })
}

/// The incarnation in a row of `log.deployment`.
pub(super) fn incarnation(row: &PgRow) -> StoreResult<Incarnation> {
    let incarnation = row.try_get::<i64, _>("incarnation")?;
    u32::try_from(incarnation)
        .map(Incarnation)
        .map_err(|_| StoreError::Damaged(format!("the incarnation of the log is {incarnation}")))
}

/// Where the log stands.
pub(super) async fn standing(on: impl PgExecutor<'_>) -> StoreResult<Standing> {
    standing_of(&sqlx::query(SELECT_STANDING).fetch_one(on).await?)
}

pub(super) async fn rollback(connection: &mut PgConnection) -> StoreResult<()> {
    connection.execute(sqlx::raw_sql("ROLLBACK")).await?;
    Ok(())
}

pub(super) async fn commit(connection: &mut PgConnection) -> StoreResult<()> {
    connection.execute(sqlx::raw_sql("COMMIT")).await?;
    Ok(())
}

/// A page of events of the whole log.
pub(super) async fn events_after(
    connection: &mut PgConnection,
    after: Position,
) -> StoreResult<Vec<StoredEvent>> {
    let query = sqlx::query(SELECT_AFTER).bind(number(after.0)).bind(number(FOREIGN_PAGE as u64));
    collect(&query.fetch_all(connection).await?)
}

/// Where `streams` stand, those that there are.
pub(super) async fn stream_heads(
    connection: &mut PgConnection,
    streams: &[StreamId],
) -> StoreResult<Vec<(StreamId, Sequence)>> {
    if streams.is_empty() {
        return Ok(vec![]);
    }
    let types: Vec<_> = streams.iter().map(|stream| stream.aggregate_type.as_str()).collect();
    let ids: Vec<_> = streams.iter().map(|stream| stream.aggregate_id.as_str()).collect();
    let rows = sqlx::query(SELECT_STREAM_HEADS).bind(types).bind(ids).fetch_all(connection).await?;
    let mut heads = Vec::with_capacity(rows.len());
    for row in rows {
        if row.try_get::<Option<i64>, _>("sequence")?.is_some() {
            let stream = StreamId::new(row.try_get("aggregate_type")?, row.try_get("aggregate_id")?);
            heads.push((stream, Sequence(whole(&row, "sequence")?)));
        }
    }
    Ok(heads)
}

/// When the event at `position` was recorded, if there is one.
pub(super) async fn recorded_at(
    connection: &mut PgConnection,
    position: Position,
) -> StoreResult<Option<Timestamp>> {
    let query = sqlx::query(SELECT_RECORDED_AT).bind(number(position.0));
    let row = query.fetch_optional(connection).await?;
    row.map(|row| time(&row, "recorded_at")).transpose()
}

/// How [`append`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// All of it is written.
    Yes,
    /// Nothing is: the log stood elsewhere than the batch was decided for.
    HeadMoved,
    /// Nothing is: one of the keys was used before.
    KeyUsed,
}

/// Writes the events and keys of a batch, if the log stands where the batch began; all or nothing, and outside of a
/// transaction it is committed. The outer error is that of the server.
pub(super) async fn append(connection: &mut PgConnection, batch: &Batch<'_>) -> Result<Written, sqlx::Error> {
    let (events, keys) = (&batch.events, &batch.keys);
    let leaves: Vec<&[u8]> = events.leaves.iter().map(|leaf| &leaf[..]).collect();
    let query = sqlx::query(APPEND).bind(number(batch.began.position.0));
    let query = query.bind(batch.began.recorded_at.as_micros()).bind(batch.recorded_at.as_micros());
    let query = query.bind(&events.aggregate_types).bind(&events.aggregate_ids).bind(&events.sequences);
    let query = query.bind(&events.event_types).bind(&events.event_versions).bind(&events.payloads);
    let query = query.bind(&events.metadatas);
    let query = query.bind(&events.positions).bind(&events.event_ids).bind(&events.organizations);
    let query = query.bind(&events.actor_kinds).bind(&events.actor_ids).bind(leaves);
    let query = query.bind(&keys.digests).bind(&keys.actors).bind(&keys.requests).bind(&keys.statuses);
    let query = query.bind(&keys.results).bind(&keys.positions);
    match query.fetch_one(connection).await {
        Ok(row) => Ok(if row.try_get("appended")? { Written::Yes } else { Written::HeadMoved }),
        Err(error) if breaks(&error, "idempotency_keys_pkey") => Ok(Written::KeyUsed),
        Err(error) => Err(error),
    }
}

/// Whether a batch was committed. To be called with the order lock.
pub(super) async fn is_there(connection: &mut PgConnection, batch: &Batch<'_>) -> StoreResult<bool> {
    let (events, keys) = (&batch.events, &batch.keys);
    let row = match (events.positions.first().zip(events.event_ids.first()), keys.digests.first()) {
        (Some((position, id)), _) => {
            sqlx::query(IS_THERE).bind(position).bind(id).fetch_one(connection).await?
        }
        (None, Some(digest)) => {
            let query = sqlx::query(KEY_IS_THERE).bind(digest).bind(batch.recorded_at.as_micros());
            query.fetch_one(connection).await?
        }
        // Claims without events are given by tests only; whoever asks for them again changes nothing.
        (None, None) => return Ok(false),
    };
    Ok(row.try_get("there")?)
}

//! How far effectful subscribers have come, and which process works.

use std::time::Duration;

use muster_events::stream::Position;
use sqlx::{PgPool, Row};

use super::{
    errors::StoreResult,
    rows::{number, whole},
};
use crate::store::{Incarnation, Lease};

/// By the clock of the database, which is the same for all processes. `least` is for a log that was put back to an earlier
/// state: otherwise its head is not before a checkpoint, but for what was appended while this waited for the row, which is
/// then answered again. Who does not know of another log yet gets none, and moves nothing.
const LEASE: &str = "INSERT INTO log.subscribers (name, position, incarnation, holder, epoch, until) \
     SELECT $1, coalesce(max(position), 0), $2, $3, 1, clock_timestamp() + $4 * interval '1 microsecond' \
     FROM log.events HAVING (SELECT incarnation FROM log.deployment) = $2 \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until, \
     incarnation = excluded.incarnation, position = least(subscribers.position, excluded.position), \
     epoch = subscribers.epoch + CASE WHEN subscribers.holder = excluded.holder \
     AND subscribers.incarnation = excluded.incarnation THEN 0 ELSE 1 END \
     WHERE subscribers.holder = excluded.holder OR subscribers.until <= clock_timestamp() \
     RETURNING epoch, position";
const ADVANCE: &str = "UPDATE log.subscribers SET position = $1 WHERE name = $2 AND position = $3 \
     AND incarnation = $4 AND incarnation = (SELECT incarnation FROM log.deployment) AND holder = $5 AND epoch = $6";
const SELECT_CHECKPOINT: &str = "SELECT position FROM log.subscribers WHERE name = $1 AND incarnation = $2";
/// The row stays, and with it the checkpoint and the epoch that the next one has to exceed.
const RELEASE: &str =
    "UPDATE log.subscribers SET until = '-infinity' WHERE name = $1 AND holder = $2 AND epoch = $3";

pub(super) async fn lease(
    pool: &PgPool,
    incarnation: Incarnation,
    subscriber: &str,
    holder: &str,
    ttl: Duration,
) -> StoreResult<Option<Lease>> {
    let micros = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
    let query = sqlx::query(LEASE).bind(subscriber).bind(i64::from(incarnation.0)).bind(holder).bind(micros);
    let Some(row) = query.fetch_optional(pool).await? else { return Ok(None) };
    let epoch: i64 = row.try_get("epoch")?;
    Ok(Some(Lease {
        subscriber: subscriber.into(),
        holder: holder.into(),
        epoch: epoch.cast_unsigned(),
        checkpoint: Position(whole(&row, "position")?),
    }))
}

pub(super) async fn advance(
    pool: &PgPool,
    incarnation: Incarnation,
    lease: &Lease,
    to: Position,
) -> StoreResult<bool> {
    let query = sqlx::query(ADVANCE).bind(number(to.0)).bind(&lease.subscriber);
    let query = query.bind(number(lease.checkpoint.0)).bind(i64::from(incarnation.0));
    let query = query.bind(&lease.holder).bind(lease.epoch.cast_signed());
    Ok(query.execute(pool).await?.rows_affected() == 1)
}

pub(super) async fn release(pool: &PgPool, lease: &Lease) -> StoreResult<()> {
    let query = sqlx::query(RELEASE).bind(&lease.subscriber).bind(&lease.holder);
    query.bind(lease.epoch.cast_signed()).execute(pool).await?;
    Ok(())
}

pub(super) async fn checkpoint(
    pool: &PgPool,
    incarnation: Incarnation,
    subscriber: &str,
) -> StoreResult<Option<Position>> {
    let query = sqlx::query(SELECT_CHECKPOINT).bind(subscriber).bind(i64::from(incarnation.0));
    let row = query.fetch_optional(pool).await?;
    row.map(|row| Ok(Position(whole(&row, "position")?))).transpose()
}

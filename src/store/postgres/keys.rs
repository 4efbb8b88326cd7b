//! Idempotency keys: how requests ended, so that a repeated one is answered and not done again.

use std::collections::HashMap;

use muster_events::{stream::Position, time::Timestamp};
use sqlx::{PgConnection, PgPool, Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    errors::StoreResult,
    rows::{limit, number, whole},
};
use crate::store::{
    KeyedOutcome,
    idempotency::{key_digest, oldest_remembered_key},
};

const SELECT: &str = "SELECT digest, actor, request, status, result, position FROM log.idempotency_keys \
     WHERE digest = ANY($1) AND recorded_at >= $2";
const DELETE_FORGOTTEN: &str = "DELETE FROM log.idempotency_keys WHERE digest = ANY($1) AND recorded_at < $2";
const DELETE_OLDEST: &str = "DELETE FROM log.idempotency_keys WHERE digest IN \
     (SELECT digest FROM log.idempotency_keys WHERE recorded_at < $1 LIMIT $2)";

/// What a key is found by.
pub(super) fn digest(outcome: &KeyedOutcome) -> Uuid {
    Uuid::from_bytes(key_digest(&outcome.actor, &outcome.key))
}

/// How the requests with these keys ended, those that are still remembered at `now`; what is too old to count is
/// deleted, so that it is not in the way. To be called with the order lock.
pub(super) async fn load(
    connection: &mut PgConnection,
    outcomes: &[&KeyedOutcome],
    now: Timestamp,
) -> StoreResult<HashMap<Uuid, KeyedOutcome>> {
    let mut asked: HashMap<_, _> =
        outcomes.iter().map(|outcome| (digest(outcome), outcome.key.clone())).collect();
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let (digests, oldest): (Vec<_>, _) = (asked.keys().copied().collect(), oldest_remembered_key(now));
    sqlx::query(DELETE_FORGOTTEN).bind(&digests).bind(oldest).execute(&mut *connection).await?;
    let found = sqlx::query(SELECT).bind(&digests).bind(oldest).fetch_all(connection).await?;
    let mut outcomes = HashMap::with_capacity(found.len());
    for row in found {
        let digest: Uuid = row.try_get("digest")?;
        let key = asked.remove(&digest).unwrap_or_default();
        outcomes.insert(digest, outcome(&row, key)?);
    }
    Ok(outcomes)
}

/// How the request with this key ended, when that is still remembered at `now`.
pub(super) async fn find(
    pool: &PgPool,
    actor: &str,
    key: &str,
    now: Timestamp,
) -> StoreResult<Option<KeyedOutcome>> {
    let digest = vec![Uuid::from_bytes(key_digest(actor, key))];
    let query = sqlx::query(SELECT).bind(digest).bind(oldest_remembered_key(now));
    query.fetch_optional(pool).await?.map(|row| outcome(&row, key.into())).transpose()
}

fn outcome(row: &PgRow, key: String) -> StoreResult<KeyedOutcome> {
    let status: i32 = row.try_get("status")?;
    Ok(KeyedOutcome {
        actor: row.try_get("actor")?,
        key,
        request: row.try_get("request")?,
        status: u16::try_from(status).unwrap_or_default(),
        result: row.try_get("result")?,
        position: Position(whole(row, "position")?),
    })
}

/// Deletes some of those that are no longer remembered, at most `at_most`.
pub(super) async fn purge(connection: &mut PgConnection, now: Timestamp, at_most: usize) -> StoreResult<()> {
    let delete = sqlx::query(DELETE_OLDEST).bind(oldest_remembered_key(now)).bind(limit(at_most));
    delete.execute(connection).await?;
    Ok(())
}

/// Columns of rows to be written.
#[derive(Debug, Default)]
pub(super) struct NewKeys<'a> {
    pub(super) digests: Vec<Uuid>,
    pub(super) actors: Vec<&'a str>,
    pub(super) requests: Vec<&'a str>,
    pub(super) statuses: Vec<i32>,
    pub(super) results: Vec<&'a str>,
    pub(super) positions: Vec<i64>,
}

impl<'a> NewKeys<'a> {
    /// One more row, which is found by `digest` and answers `position`.
    pub(super) fn push(&mut self, digest: Uuid, outcome: &'a KeyedOutcome, position: Position) {
        self.digests.push(digest);
        self.actors.push(&outcome.actor);
        self.requests.push(&outcome.request);
        self.statuses.push(outcome.status.into());
        self.results.push(&outcome.result);
        self.positions.push(number(position.0));
    }
}

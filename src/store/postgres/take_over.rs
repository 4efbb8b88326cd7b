//! What is taken over from another log.

use muster_events::{id::OrganizationId, stream::Position, time::Timestamp};
use sqlx::{Executor as _, PgPool, PgTransaction};

use super::{
    errors::StoreResult,
    rows::number,
    schema::{self, ORDER_LOCK},
    statements,
};
use crate::store::{HeldClaim, StoredEvent, taking_over};

/// The events have their places already, see `schema.sql`.
const APPENDS: &str = "SET LOCAL muster.appends = 'yes'";
const LOCK: &str = "SELECT pg_advisory_xact_lock($1)";
const INSERT: &str = "INSERT INTO log.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
     metadata, position, event_id, recorded_at, organization, actor_kind, actor_id, leaf) \
     SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload::json, metadata::json, \
     position, event_id, recorded_at, organization, actor_kind, actor_id, leaf \
     FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], \
     $9::uuid[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::bytea[]) AS given (aggregate_type, \
     aggregate_id, sequence, event_type, event_version, payload, metadata, position, event_id, recorded_at, \
     organization, actor_kind, actor_id, leaf)";
const DELETE_CLAIMS: &str = "DELETE FROM log.claims";
const INSERT_CLAIMS: &str = "INSERT INTO log.claims (kind, scope, key, holder, held_until, count) \
     SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::integer[])";

/// Claims that are written by one statement.
const CLAIMS: usize = 10_000;

/// Appends a stretch as it stands.
pub(super) async fn stretch(pool: &PgPool, stretch: &[StoredEvent]) -> StoreResult<()> {
    let mut transaction = pool.begin().await?;
    lock(&mut transaction).await?;
    taking_over::follows(statements::standing(&mut *transaction).await?.head.position, stretch)?;
    insert(&mut transaction, stretch).await?;
    Ok(transaction.commit().await?)
}

async fn lock(transaction: &mut PgTransaction<'_>) -> StoreResult<()> {
    transaction.execute(sqlx::raw_sql(APPENDS)).await?;
    sqlx::query(LOCK).bind(ORDER_LOCK).execute(&mut **transaction).await?;
    Ok(())
}

async fn insert(transaction: &mut PgTransaction<'_>, stretch: &[StoredEvent]) -> StoreResult<()> {
    let actors = stretch.iter().map(taking_over::actor).collect::<StoreResult<Vec<_>>>()?;
    let column = |of: fn(&StoredEvent) -> i64| stretch.iter().map(of).collect::<Vec<_>>();
    let texts = |of: for<'a> fn(&'a StoredEvent) -> &'a str| stretch.iter().map(of).collect::<Vec<_>>();
    let query = sqlx::query(INSERT)
        .bind(texts(|event| &event.stream.aggregate_type))
        .bind(texts(|event| &event.stream.aggregate_id))
        .bind(column(|event| number(event.sequence.0)))
        .bind(texts(|event| &event.event_type))
        .bind(stretch.iter().map(|event| event.schema_version.to_string()).collect::<Vec<_>>())
        .bind(texts(|event| &event.payload))
        .bind(texts(|event| &event.metadata))
        .bind(column(|event| number(event.position.0)))
        .bind(stretch.iter().map(|event| event.event_id).collect::<Vec<_>>())
        .bind(column(|event| event.recorded_at.as_micros()));
    let organization = |event: &StoredEvent| event.organization.map(OrganizationId::get).map(number);
    let query = query
        .bind(stretch.iter().map(organization).collect::<Vec<_>>())
        .bind(actors.iter().map(|actor| actor.kind.as_str()).collect::<Vec<_>>())
        .bind(actors.iter().map(|actor| actor.id.as_deref()).collect::<Vec<_>>())
        .bind(stretch.iter().map(|event| &event.leaf[..]).collect::<Vec<_>>());
    query.execute(&mut **transaction).await?;
    Ok(())
}

/// Puts `claims` in the place of all that are held.
pub(super) async fn claims(pool: &PgPool, claims: &[HeldClaim], folded: Position) -> StoreResult<()> {
    let mut transaction = pool.begin().await?;
    lock(&mut transaction).await?;
    let hash_key = schema::hash_key(&mut *transaction).await?;
    taking_over::is_nobodys(
        folded,
        statements::standing(&mut *transaction).await?.head.position,
        hash_key.as_deref(),
    )?;
    sqlx::query(DELETE_CLAIMS).execute(&mut *transaction).await?;
    for part in claims.chunks(CLAIMS) {
        let count = |held: &HeldClaim| i32::try_from(held.count).unwrap_or(i32::MAX);
        let query = sqlx::query(INSERT_CLAIMS)
            .bind(part.iter().map(|held| held.claim.kind.name()).collect::<Vec<_>>())
            .bind(part.iter().map(|held| held.claim.scope.as_str()).collect::<Vec<_>>())
            .bind(part.iter().map(|held| held.claim.key.as_str()).collect::<Vec<_>>())
            .bind(part.iter().map(|held| held.holder.as_str()).collect::<Vec<_>>())
            .bind(part.iter().map(|held| held.held_until.map(Timestamp::as_micros)).collect::<Vec<_>>())
            .bind(part.iter().map(count).collect::<Vec<_>>());
        query.execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}

//! Turns what people want to see into one statement that reads an index from the right place on.

use muster_events::recorded::ActorKind;
use sqlx::{PgPool, Postgres, QueryBuilder, Row};

use super::{
    errors::StoreResult,
    rows::{collect, columns, limit, number},
    statements,
};
use crate::store::{LogQuery, Order, StoredEvent, log_query::on_behalf_of};

/// The first position whose time is `>=` (or, with `>`, later than) the one that is asked for. Times run along
/// positions, so a handful of look-ups does what an index would.
const FIRST_NOT_BEFORE: &str = "WITH RECURSIVE search (low, high) AS ( \
         SELECT 1::bigint, $2::bigint + 1 \
         UNION ALL \
         SELECT CASE WHEN before THEN middle + 1 ELSE low END, CASE WHEN before THEN high ELSE middle END \
         FROM search, LATERAL (SELECT (low + high) / 2 AS middle) AS halves, LATERAL ( \
             SELECT coalesce((SELECT recorded_at < $1 FROM log.events WHERE position = middle), true) AS before \
         ) AS compared \
         WHERE low < high \
     ) SELECT low FROM search WHERE low >= high LIMIT 1";

/// The events that `query` asks for.
pub(super) async fn run(pool: &PgPool, query: &LogQuery) -> StoreResult<Vec<StoredEvent>> {
    let positions = Positions::of(pool, query).await?;
    let mut statement = statement(query, &positions);
    collect(&statement.build().fetch_all(pool).await?)
}

/// The positions that all answers lie between, both included.
struct Positions {
    first: i64,
    last: i64,
}

impl Positions {
    /// Events that are committed after the look at the head are left out, as if this had read before them.
    async fn of(pool: &PgPool, query: &LogQuery) -> StoreResult<Self> {
        let head = number(statements::standing(pool).await?.head.position.0);
        let up_to = query.up_to.map_or(head, |up_to| number(up_to.0).min(head));
        let mut positions = Self { first: 1, last: up_to };
        match (query.after, query.order) {
            (Some(after), Order::Ascending) => positions.first = number(after.0).saturating_add(1),
            (Some(after), Order::Descending) => {
                positions.last = positions.last.min(number(after.0).saturating_sub(1));
            }
            (None, _) => {}
        }
        if let Some(from) = query.from {
            positions.first = positions.first.max(first_not_before(pool, head, from.as_micros()).await?);
        }
        if let Some(to) = query.to {
            let beyond = first_not_before(pool, head, to.as_micros().saturating_add(1)).await?;
            positions.last = positions.last.min(beyond - 1);
        }
        Ok(positions)
    }
}

async fn first_not_before(pool: &PgPool, head: i64, micros: i64) -> StoreResult<i64> {
    let row = sqlx::query(FIRST_NOT_BEFORE).bind(micros).bind(head).fetch_one(pool).await?;
    Ok(row.try_get("low")?)
}

fn statement(query: &LogQuery, positions: &Positions) -> QueryBuilder<'static, Postgres> {
    let mut sql =
        QueryBuilder::new(concat!("SELECT ", columns!(), " FROM log.events WHERE position BETWEEN "));
    sql.push_bind(positions.first).push(" AND ").push_bind(positions.last);
    if let Some(stream) = &query.stream {
        sql.push(" AND aggregate_type = ").push_bind(stream.aggregate_type.to_string());
        sql.push(" AND aggregate_id = ").push_bind(stream.aggregate_id.to_string());
    }
    if let Some(organization) = query.organization {
        sql.push(" AND organization = ").push_bind(number(organization.get()));
    }
    if let Some(kind) = query.actor_kind.map(ActorKind::name) {
        sql.push(" AND actor_kind = ").push_bind(kind);
    }
    if let Some(id) = &query.actor_id {
        sql.push(" AND actor_id = ").push_bind(id.clone());
    }
    if let Some(person) = query.person {
        sql.push(" AND ((actor_kind = 'user' AND actor_id = ").push_bind(person.to_string());
        sql.push(") OR (actor_kind = 'policy' AND strpos(metadata::text, ").push_bind(on_behalf_of(person));
        sql.push(") > 0))");
    }
    if !query.streams.is_empty() {
        let (types, ids): (Vec<_>, Vec<_>) = query
            .streams
            .iter()
            .map(|stream| (stream.aggregate_type.to_string(), stream.aggregate_id.to_string()))
            .unzip();
        sql.push(" AND (aggregate_type, aggregate_id) IN (SELECT * FROM unnest(").push_bind(types);
        sql.push("::text[], ").push_bind(ids).push("::text[]))");
    }
    if !query.types.is_empty() {
        sql.push(" AND event_type = ANY(").push_bind(query.types.clone()).push(")");
    }
    // Within a stream the order of sequences is that of positions.
    sql.push(if query.stream.is_some() { " ORDER BY sequence" } else { " ORDER BY position" });
    sql.push(if query.order == Order::Descending { " DESC LIMIT " } else { " LIMIT " });
    sql.push_bind(limit(query.limit));
    sql
}

//! Looks for damage that the tables should not allow.

use sqlx::{PgPool, Row, postgres::PgRow};

use super::{errors::StoreResult, rows::limit};

/// Findings of one kind that are listed.
const LISTED: usize = 20;

const SELECT_POSITION_HOLES: &str = "SELECT before + 1 AS first, position - 1 AS last FROM \
     (SELECT position, lag(position, 1, 0::bigint) OVER (ORDER BY position) AS before FROM log.events) AS pairs \
     WHERE position <> before + 1 LIMIT $1";
const SELECT_TIMES_BACKWARDS: &str = "SELECT position FROM \
     (SELECT position, recorded_at, lag(recorded_at) OVER (ORDER BY position) AS before FROM log.events) AS pairs \
     WHERE recorded_at < before LIMIT $1";
const SELECT_SEQUENCE_HOLES: &str = "SELECT aggregate_type || ':' || aggregate_id AS stream, count(*) AS events, \
     max(sequence) AS last FROM log.events GROUP BY aggregate_type, aggregate_id \
     HAVING min(sequence) <> 1 OR max(sequence) <> count(*) LIMIT $1";
const SELECT_STREAMS_OUT_OF_ORDER: &str = "SELECT aggregate_type || ':' || aggregate_id AS stream, sequence FROM \
     (SELECT aggregate_type, aggregate_id, sequence, position, lag(position) OVER \
     (PARTITION BY aggregate_type, aggregate_id ORDER BY sequence) AS before FROM log.events) AS pairs \
     WHERE position < before LIMIT $1";
/// What keeps the log append-only and in order, by name and with the state in which it works always.
const SELECT_MISSING_TRIGGERS: &str = "SELECT name FROM \
     (VALUES ('events_are_not_changed'), ('events_of_others_are_placed')) AS needed (name) \
     WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'log.events'::regclass AND tgname = name \
     AND tgenabled = 'A') LIMIT $1";
const SELECT_MISSING_INDEXES: &str = "SELECT name FROM \
     (VALUES ('events_pkey'), ('events_position_key'), ('events_by_organization'), ('claims_pkey'), \
     ('idempotency_keys_pkey')) AS needed (name) \
     WHERE NOT EXISTS (SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid \
     WHERE relname = name AND relnamespace = 'log'::regnamespace AND indisvalid) LIMIT $1";

/// One sentence for each finding.
pub(super) async fn run(pool: &PgPool) -> StoreResult<Vec<String>> {
    let mut findings = list(pool, SELECT_MISSING_TRIGGERS, |row| {
        Ok(format!("The trigger {} is missing or switched off.", row.try_get::<&str, _>("name")?))
    })
    .await?;
    let indexes = list(pool, SELECT_MISSING_INDEXES, |row| {
        Ok(format!("The index {} is missing or not valid.", row.try_get::<&str, _>("name")?))
    });
    findings.extend(indexes.await?);
    let holes = list(pool, SELECT_POSITION_HOLES, |row| {
        let (first, last): (i64, i64) = (row.try_get("first")?, row.try_get("last")?);
        Ok(format!("The log has no event at the positions from {first} to {last}."))
    });
    findings.extend(holes.await?);
    let times = list(pool, SELECT_TIMES_BACKWARDS, |row| {
        let position: i64 = row.try_get("position")?;
        Ok(format!("The event at position {position} was recorded before its predecessor."))
    });
    findings.extend(times.await?);
    let sequences = list(pool, SELECT_SEQUENCE_HOLES, |row| {
        let (stream, events, last): (&str, i64, i64) =
            (row.try_get("stream")?, row.try_get("events")?, row.try_get("last")?);
        Ok(format!("The stream {stream} has {events} events and ends at sequence {last}."))
    });
    findings.extend(sequences.await?);
    let orders = list(pool, SELECT_STREAMS_OUT_OF_ORDER, |row| {
        let (stream, sequence): (&str, i64) = (row.try_get("stream")?, row.try_get("sequence")?);
        Ok(format!("The event {sequence} of the stream {stream} stands before its predecessor in the log."))
    });
    findings.extend(orders.await?);
    Ok(findings)
}

async fn list(
    pool: &PgPool,
    select: &str,
    sentence: impl Fn(&PgRow) -> Result<String, sqlx::Error>,
) -> StoreResult<Vec<String>> {
    let rows = sqlx::query(select).bind(limit(LISTED)).fetch_all(pool).await?;
    Ok(rows.iter().map(sentence).collect::<Result<_, _>>()?)
}

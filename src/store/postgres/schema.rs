//! The schema `log`: how it is made, brought up to date and compared with what is there.

use std::collections::BTreeSet;

use muster_events::event::Event;
use sqlx::{Connection as _, Executor as _, PgConnection, PgExecutor, PgPool, Row};

use super::{connection::Server, errors::StoreResult, statements};
use crate::store::{Incarnation, StoreError};

/// The lock that all appends of a database take, one after the other: "muster.l" in ASCII. The functions of the schema take it too.
pub(super) const ORDER_LOCK: i64 = 0x6D75_7374_6572_2E6C;

/// What brings a database from one version to the next. Steps are added, never edited.
const STEPS: [&str; 3] =
    [include_str!("schema.sql"), include_str!("append.sql"), include_str!("subscribers.sql")];

/// The version that this program writes.
const VERSION: usize = STEPS.len();

const CREATE: &str = "CREATE SCHEMA IF NOT EXISTS log; \
     CREATE TABLE IF NOT EXISTS log.schema_version (only_row boolean PRIMARY KEY CHECK (only_row), \
     version integer NOT NULL, oldest_reader integer NOT NULL)";
const SELECT_VERSION: &str = "SELECT version, oldest_reader FROM log.schema_version";
const SET_VERSION: &str = "INSERT INTO log.schema_version VALUES (true, $1, $2) \
     ON CONFLICT (only_row) DO UPDATE SET version = excluded.version, oldest_reader = excluded.oldest_reader";
const HAS_VERSION: &str = "SELECT to_regclass('log.schema_version') IS NOT NULL AS found, \
     to_regclass('log.events') IS NOT NULL AS foreign_log";
const ADD_KNOWN_EVENT: &str = "INSERT INTO log.known_events SELECT * FROM UNNEST($1::text[], $2::text[], $3::bool[]) \
     ON CONFLICT (aggregate_type, event_type) DO UPDATE SET foreign_may = excluded.foreign_may";
const INSERT_DEPLOYMENT: &str =
    "INSERT INTO log.deployment (only_row, incarnation, cluster) VALUES (true, $1, $2)";
const SELECT_DEPLOYMENT: &str = "SELECT incarnation, cluster FROM log.deployment";
const UPDATE_DEPLOYMENT: &str = "UPDATE log.deployment SET incarnation = $1, cluster = $2";
/// Whoever moves a checkpoint at this moment is waited for; whoever comes later finds that the log is another one.
const HOLD_CHECKPOINTS: &str = "LOCK TABLE log.subscribers IN SHARE ROW EXCLUSIVE MODE";
/// Positions beyond the end will be those of other events, which are not to be passed over.
const PUT_BACK_CHECKPOINTS: &str = "UPDATE log.subscribers SET position = ended.position \
     FROM (SELECT coalesce(max(position), 0) AS position FROM log.events) AS ended \
     WHERE subscribers.position > ended.position";
const NOTE_HASH_KEY: &str = "UPDATE log.deployment SET hash_key = $1 WHERE hash_key IS NULL";
const SELECT_HASH_KEY: &str = "SELECT hash_key FROM log.deployment";

/// The lowest version of this program that can work beside the schema of this one; a step that an older program would
/// not survive raises it.
const OLDEST_READER: i32 = 1;

/// Brings the database up to date. Under a lock of its own: of several processes that start at once, all but one find
/// nothing left to do. A process that is one version older goes on, unless the new schema says that it cannot.
pub(super) async fn migrate(connection: &mut PgConnection, server: &Server) -> StoreResult<()> {
    if version(connection).await?.is_some_and(|(version, _)| version == VERSION) {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(ORDER_LOCK).execute(&mut *transaction).await?;
    let from = match version(&mut transaction).await? {
        Some((version, oldest_reader)) if version > VERSION => {
            return if oldest_reader <= int(VERSION) {
                Ok(())
            } else {
                Err(StoreError::Unusable(format!(
                    "the log has schema {version}, which this muster does not know (it knows {VERSION}): use the \
                     newer muster"
                )))
            };
        }
        Some((version, _)) => version,
        None => 0,
    };
    transaction.execute(sqlx::raw_sql(CREATE)).await?;
    for step in STEPS.iter().skip(from) {
        transaction.execute(sqlx::raw_sql(step)).await?;
    }
    if from == 0 {
        let Incarnation(incarnation) = Incarnation::drawn();
        let insert = sqlx::query(INSERT_DEPLOYMENT).bind(i64::from(incarnation)).bind(&server.cluster);
        insert.execute(&mut *transaction).await?;
    }
    add_known_events(&mut transaction).await?;
    sqlx::query(SET_VERSION).bind(int(VERSION)).bind(OLDEST_READER).execute(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}

fn int(version: usize) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}

/// Whether the schema of this program is not for programs that know `version` and no later one.
pub(super) fn ends_programs_of(version: usize) -> bool {
    OLDEST_READER > int(version)
}

/// Whether there is a log.
pub(super) async fn exists(connection: &mut PgConnection) -> StoreResult<bool> {
    Ok(version(connection).await?.is_some())
}

/// The version of the schema, and the oldest program that can work with it; none before the first migration.
pub(super) async fn version(connection: &mut PgConnection) -> StoreResult<Option<(usize, i32)>> {
    let found = sqlx::query(HAS_VERSION).fetch_one(&mut *connection).await?;
    if !found.try_get::<bool, _>("found")? {
        if found.try_get::<bool, _>("foreign_log")? {
            let text = "the schema \"log\" of this database is another program's: name another database";
            return Err(StoreError::Unusable(text.into()));
        }
        return Ok(None);
    }
    let row = sqlx::query(SELECT_VERSION).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(None) };
    let version: i32 = row.try_get("version")?;
    Ok(Some((usize::try_from(version).unwrap_or_default(), row.try_get("oldest_reader")?)))
}

async fn add_known_events(connection: &mut PgConnection) -> StoreResult<()> {
    let foreign: BTreeSet<_> = Event::FOREIGN_MAY.iter().copied().collect();
    let known: BTreeSet<_> = Event::stored_types().map(|(aggregate, event, _)| (aggregate, event)).collect();
    let may: Vec<_> = known.iter().map(|known| foreign.contains(known)).collect();
    let (aggregates, events): (Vec<_>, Vec<_>) = known.into_iter().unzip();
    sqlx::query(ADD_KNOWN_EVENT).bind(aggregates).bind(events).bind(may).execute(connection).await?;
    Ok(())
}

/// Which incarnation the log is, and on which cluster it was last seen.
pub(super) async fn deployment(connection: &mut PgConnection) -> StoreResult<(Incarnation, String)> {
    let row = sqlx::query(SELECT_DEPLOYMENT).fetch_one(&mut *connection).await?;
    Ok((statements::incarnation(&row)?, row.try_get("cluster")?))
}

/// Draws another incarnation, on this cluster: no subscriber has come further in it than it goes. To be called with the
/// order lock.
pub(super) async fn renew_incarnation(
    connection: &mut PgConnection,
    cluster: &str,
) -> StoreResult<Incarnation> {
    let incarnation = Incarnation::drawn();
    sqlx::query(HOLD_CHECKPOINTS).execute(&mut *connection).await?;
    let update = sqlx::query(UPDATE_DEPLOYMENT).bind(i64::from(incarnation.0)).bind(cluster);
    update.execute(&mut *connection).await?;
    sqlx::query(PUT_BACK_CHECKPOINTS).execute(connection).await?;
    Ok(incarnation)
}

/// The hash key of the log, where one is noted.
pub(super) async fn hash_key(on: impl PgExecutor<'_>) -> StoreResult<Option<String>> {
    Ok(sqlx::query_scalar(SELECT_HASH_KEY).fetch_one(on).await?)
}

/// Notes the hash key, unless one is noted.
pub(super) async fn note_hash_key(pool: &PgPool, id: &str) -> StoreResult<()> {
    sqlx::query(NOTE_HASH_KEY).bind(id).execute(pool).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::statements::BEGIN_AND_LOCK, ORDER_LOCK, STEPS, VERSION, ends_programs_of};

    #[test]
    fn a_program_that_knows_this_schema_goes_on_and_one_that_knows_none_does_not() {
        assert!(!ends_programs_of(VERSION));
        assert!(ends_programs_of(0));
    }

    #[test]
    fn all_appends_take_the_same_lock() {
        for text in [STEPS[0], STEPS[1], BEGIN_AND_LOCK] {
            assert!(text.contains(&format!("pg_advisory_xact_lock({ORDER_LOCK})")), "{text}");
        }
    }
}

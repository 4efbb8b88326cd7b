//! How schema `keys` comes to be, and what is refused when it is opened.

use sqlx::{Connection as _, Executor as _, PgConnection, Result};

use super::{errors::cannot_open, statements};
use crate::{database::Database, sealing::SealingError};

/// What brings the schema from one version to the next. Steps are added, never edited.
const STEPS: [&str; 1] = [include_str!("schema.sql")];
/// How long to wait for another process that makes the schema or changes all keys, in milliseconds.
const LOCK_TIMEOUT_MS: &str = "30000";
/// Settings of the server with which what it calls committed may be lost.
const NOT_DURABLE: [(&str, &str); 2] = [("fsync", "off"), ("synchronous_commit", "off")];

/// Brings the schema up to date; refuses one that is another program's or a newer muster's.
pub(super) async fn open(database: &Database) -> std::result::Result<(), SealingError> {
    let place = database.place();
    let mut connection = database
        .connect(&[("lock_timeout", LOCK_TIMEOUT_MS)])
        .await
        .map_err(|error| cannot_open(&place, error))?;
    refuse_careless(&mut connection, &place).await?;
    migrate(&mut connection, &place).await?;
    // Whether the server hears of it matters to nobody.
    let _ = connection.close().await;
    Ok(())
}

/// The version of the schema; none where there is none. Makes nothing.
pub(super) async fn version(database: &Database) -> std::result::Result<Option<usize>, SealingError> {
    let place = database.place();
    let cannot = |error| cannot_open(&place, error);
    let mut connection = database.connect(&[("lock_timeout", LOCK_TIMEOUT_MS)]).await.map_err(cannot)?;
    let version = look(&mut connection).await.map_err(cannot)?.version(&place)?;
    // Whether the server hears of it matters to nobody.
    let _ = connection.close().await;
    Ok((version > 0).then_some(version))
}

async fn refuse_careless(
    connection: &mut PgConnection,
    place: &str,
) -> std::result::Result<(), SealingError> {
    for (setting, careless) in NOT_DURABLE {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| cannot_open(place, error))?;
        if value == careless {
            let text = format!("{place} has {setting} off and may lose what it was given: turn it on");
            return Err(SealingError::Unusable(text));
        }
    }
    Ok(())
}

/// Sound with several processes at once: all but one find nothing left to do. Who finds that at once takes no lock and
/// needs no right to create.
async fn migrate(connection: &mut PgConnection, place: &str) -> std::result::Result<(), SealingError> {
    let cannot = |error| cannot_open(place, error);
    if look(connection).await.map_err(cannot)?.version(place)? == STEPS.len() {
        return Ok(());
    }
    let mut transaction = connection.begin().await.map_err(cannot)?;
    statements::lock(&mut transaction).await.map_err(cannot)?;
    let found = look(&mut transaction).await.map_err(cannot)?.version(place)?;
    take_steps(&mut transaction, found).await.map_err(cannot)?;
    transaction.commit().await.map_err(cannot)
}

async fn take_steps(connection: &mut PgConnection, found: usize) -> Result<()> {
    if found == STEPS.len() {
        return Ok(());
    }
    if found == 0 {
        sqlx::query("CREATE SCHEMA IF NOT EXISTS keys").execute(&mut *connection).await?;
    }
    for step in STEPS.iter().skip(found) {
        connection.execute(*step).await?;
    }
    let version = i32::try_from(STEPS.len()).unwrap_or(i32::MAX);
    sqlx::query("UPDATE keys.muster_schema SET version = $1").bind(version).execute(connection).await?;
    Ok(())
}

/// What a schema is, before anything is written to it.
struct Look {
    /// Tables, indexes and alike in it; none where there is no schema.
    objects: i64,
    /// What it says of itself.
    version: Option<i32>,
}

async fn look(connection: &mut PgConnection) -> Result<Look> {
    let objects = "SELECT count(*), count(*) FILTER (WHERE relname = 'muster_schema') FROM pg_class \
        WHERE relnamespace = to_regnamespace('keys')";
    let (objects, is_ours): (i64, i64) = sqlx::query_as(objects).fetch_one(&mut *connection).await?;
    let version = if is_ours == 0 {
        None
    } else {
        sqlx::query_scalar("SELECT version FROM keys.muster_schema").fetch_optional(connection).await?
    };
    Ok(Look { objects, version })
}

impl Look {
    /// The number of steps that were taken.
    fn version(&self, place: &str) -> std::result::Result<usize, SealingError> {
        let known = STEPS.len();
        let text = match self.version.map(usize::try_from) {
            None if self.objects == 0 => return Ok(0),
            Some(Ok(version)) if (1..=known).contains(&version) => return Ok(version),
            Some(Ok(version)) if version > known => format!(
                "schema keys of {place} was written by a newer muster (schema {version}, this one knows {known}): use \
                 that one"
            ),
            Some(_) => format!("schema keys of {place} is damaged: put it back from its backup"),
            None => format!(
                "{place} has a schema keys of another program: name another database with --database-url"
            ),
        };
        Err(SealingError::Unusable(text))
    }
}

//! How schema `blobs` comes to be, and what is refused when it is opened.

use sqlx::{Connection as _, Executor as _, PgConnection, Result};

use crate::{blobs::BlobError, database::Database};

/// What brings the schema from one version to the next. Steps are added, never edited.
const STEPS: [&str; 1] = [include_str!("schema.sql")];
/// The lock of the pictures among the advisory locks of the database: "musblob1" in ASCII.
const LOCK: i64 = 0x6D75_7362_6C6F_6231;
/// How long to wait for another process that makes the schema, in milliseconds.
const LOCK_TIMEOUT_MS: &str = "30000";

/// Brings the schema up to date; refuses one that is another program's or a newer muster's.
pub(super) async fn open(database: &Database) -> std::result::Result<(), BlobError> {
    let place = database.place();
    let mut connection = database.connect(&[("lock_timeout", LOCK_TIMEOUT_MS)]).await?;
    migrate(&mut connection, &place).await?;
    // Whether the server hears of it matters to nobody.
    let _ = connection.close().await;
    Ok(())
}

/// Sound with several processes at once: all but one find nothing left to do. Who finds that at once takes no lock and
/// needs no right to create.
async fn migrate(connection: &mut PgConnection, place: &str) -> std::result::Result<(), BlobError> {
    if look(connection).await?.version(place)? == STEPS.len() {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
    let found = look(&mut transaction).await?.version(place)?;
    take_steps(&mut transaction, found).await?;
    Ok(transaction.commit().await?)
}

async fn take_steps(connection: &mut PgConnection, found: usize) -> Result<()> {
    if found == STEPS.len() {
        return Ok(());
    }
    if found == 0 {
        sqlx::query("CREATE SCHEMA IF NOT EXISTS blobs").execute(&mut *connection).await?;
    }
    for step in STEPS.iter().skip(found) {
        connection.execute(*step).await?;
    }
    let version = i32::try_from(STEPS.len()).unwrap_or(i32::MAX);
    sqlx::query("UPDATE blobs.muster_schema SET version = $1").bind(version).execute(connection).await?;
    Ok(())
}

/// What a schema is, before anything is written to it: how many tables and alike it has, and what it says of itself.
struct Look {
    objects: i64,
    version: Option<i32>,
}

async fn look(connection: &mut PgConnection) -> Result<Look> {
    let objects = "SELECT count(*), count(*) FILTER (WHERE relname = 'muster_schema') FROM pg_class \
        WHERE relnamespace = to_regnamespace('blobs')";
    let (objects, is_ours): (i64, i64) = sqlx::query_as(objects).fetch_one(&mut *connection).await?;
    let version = if is_ours == 0 {
        None
    } else {
        sqlx::query_scalar("SELECT version FROM blobs.muster_schema").fetch_optional(connection).await?
    };
    Ok(Look { objects, version })
}

impl Look {
    /// The number of steps that were taken.
    fn version(&self, place: &str) -> std::result::Result<usize, BlobError> {
        let known = STEPS.len();
        let text = match self.version.map(usize::try_from) {
            None if self.objects == 0 => return Ok(0),
            Some(Ok(version)) if (1..=known).contains(&version) => return Ok(version),
            Some(Ok(version)) if version > known => format!(
                "schema blobs of {place} was written by a newer muster (schema {version}, this one knows {known}): use \
                 that one"
            ),
            Some(_) => format!("schema blobs of {place} is damaged: put it back from its backup"),
            None => format!(
                "{place} has a schema blobs of another program: name another database with --database-url"
            ),
        };
        Err(BlobError::Unusable(text))
    }
}

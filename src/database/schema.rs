//! A schema that one part of muster has for itself: how it comes to be, and what is refused when it is opened.

use sqlx::{Connection as _, Executor as _, PgConnection, Result};
use thiserror::Error;

/// A schema with a table `muster_schema`, whose only row says how many of its steps were taken.
#[derive(Debug, Clone, Copy)]
pub struct OwnSchema {
    /// Its name.
    pub name: &'static str,
    /// What brings it from one version to the next. Steps are added, never edited; the first makes `muster_schema`.
    pub steps: &'static [&'static str],
    /// Its lock among the advisory locks of the database.
    pub lock: i64,
}

/// Why a schema cannot be used.
#[derive(Debug, Error)]
pub enum SchemaError {
    /// It is another program's, a newer muster's, or damaged; the text says what to mend.
    #[error("{0}")]
    Unusable(String),
    /// What the server said.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What a schema is, before anything is written to it.
struct Look {
    /// Tables, indexes and alike in it; none where there is no schema.
    objects: i64,
    /// What it says of itself.
    version: Option<i32>,
}

impl OwnSchema {
    /// Brings it up to date. Sound with several processes at once: all but one find nothing left to do. Who finds that
    /// at once takes no lock and needs no right to create. `place` is the database, for messages.
    ///
    /// # Errors
    ///
    /// [`SchemaError`]; nothing is changed then.
    pub async fn migrate(&self, connection: &mut PgConnection, place: &str) -> Result<(), SchemaError> {
        if self.version(connection, place).await? == self.steps.len() {
            return Ok(());
        }
        let mut transaction = connection.begin().await?;
        let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(self.lock);
        lock.execute(&mut *transaction).await?;
        let found = self.version(&mut transaction, place).await?;
        self.take_steps(&mut transaction, found).await?;
        Ok(transaction.commit().await?)
    }

    /// How many steps were taken; zero where there is nothing yet.
    ///
    /// # Errors
    ///
    /// [`SchemaError`].
    pub async fn version(&self, connection: &mut PgConnection, place: &str) -> Result<usize, SchemaError> {
        let (name, known) = (self.name, self.steps.len());
        let look = self.look(connection).await?;
        let text = match look.version.map(usize::try_from) {
            None if look.objects == 0 => return Ok(0),
            Some(Ok(version)) if (1..=known).contains(&version) => return Ok(version),
            Some(Ok(version)) if version > known => format!(
                "schema {name} of {place} was written by a newer muster (schema {version}, this one knows {known}): \
                 use that one"
            ),
            Some(_) => format!("schema {name} of {place} is damaged: put it back from its backup"),
            None => format!(
                "{place} has a schema {name} of another program: name another database with --database-url"
            ),
        };
        Err(SchemaError::Unusable(text))
    }

    async fn take_steps(&self, connection: &mut PgConnection, found: usize) -> Result<()> {
        if found == self.steps.len() {
            return Ok(());
        }
        if found == 0 {
            let create = format!("CREATE SCHEMA IF NOT EXISTS {}", self.name);
            sqlx::query(&create).execute(&mut *connection).await?;
        }
        for step in self.steps.iter().skip(found) {
            connection.execute(*step).await?;
        }
        let version = i32::try_from(self.steps.len()).unwrap_or(i32::MAX);
        let update = format!("UPDATE {}.muster_schema SET version = $1", self.name);
        sqlx::query(&update).bind(version).execute(connection).await?;
        Ok(())
    }

    async fn look(&self, connection: &mut PgConnection) -> Result<Look> {
        let objects = "SELECT count(*), count(*) FILTER (WHERE relname = 'muster_schema') FROM pg_class \
            WHERE relnamespace = to_regnamespace($1)";
        let (objects, is_ours): (i64, i64) =
            sqlx::query_as(objects).bind(self.name).fetch_one(&mut *connection).await?;
        if is_ours == 0 {
            return Ok(Look { objects, version: None });
        }
        let select = format!("SELECT version FROM {}.muster_schema", self.name);
        Ok(Look { objects, version: sqlx::query_scalar(&select).fetch_optional(connection).await? })
    }
}

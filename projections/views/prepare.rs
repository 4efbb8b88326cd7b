//! Making the tables, and making them again where what stands in them cannot be trusted.

use std::collections::BTreeMap;

use sqlx::{Row, SqliteConnection};

use super::{Checkpoint, Views, checkpoint, parked};
use crate::{error::ViewError, projection::Projection, sql};

/// The tables that belong to no projection.
const OWN_TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS checkpoints (
        projection TEXT NOT NULL PRIMARY KEY,
        version INTEGER NOT NULL,
        incarnation TEXT NOT NULL,
        position INTEGER NOT NULL,
        tables TEXT NOT NULL
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS parked (
        projection TEXT NOT NULL,
        aggregate_type TEXT NOT NULL,
        aggregate_id TEXT NOT NULL,
        organization_id INTEGER,
        first_sequence INTEGER NOT NULL,
        first_position INTEGER NOT NULL,
        last_position INTEGER NOT NULL,
        events INTEGER NOT NULL,
        error TEXT NOT NULL,
        PRIMARY KEY (projection, aggregate_type, aggregate_id)
    ) STRICT, WITHOUT ROWID",
];

impl Views {
    /// Makes the tables that are not there. A projection whose rows are of another version, of another incarnation
    /// of the log or in other tables than it has now starts anew. Returns where each of `projections` stands.
    pub async fn prepare(
        &self,
        projections: &[&'static Projection],
        incarnation: &str,
    ) -> Result<Vec<Checkpoint>, ViewError> {
        let mut writing = self.writing().await?;
        for sql in OWN_TABLES {
            sqlx::query(sql).execute(&mut *writing).await?;
        }
        let stored = checkpoint::read(&mut writing).await?;
        let schema = schema(&mut writing).await?;
        for projection in projections {
            let old = stored.iter().find(|stored| stored.projection == projection.name);
            let is_trusted = old.is_some_and(|old| old.is_of(projection, incarnation));
            if !(is_trusted && is_as_declared(projection, &schema)) {
                begin(&mut writing, projection, old, incarnation).await?;
            }
        }
        let mut checkpoints = checkpoint::read(&mut writing).await?;
        writing.commit().await?;
        checkpoints
            .retain(|stored| projections.iter().any(|projection| projection.name == stored.projection));
        Ok(checkpoints)
    }

    /// Empties the tables of `projection`; it starts anew from the beginning of the log `incarnation`.
    pub async fn begin_anew(
        &self,
        projection: &'static Projection,
        incarnation: &str,
    ) -> Result<(), ViewError> {
        let mut writing = self.writing().await?;
        let stored = checkpoint::read(&mut writing).await?;
        let old = stored.iter().find(|stored| stored.projection == projection.name);
        begin(&mut writing, projection, old, incarnation).await?;
        Ok(writing.commit().await?)
    }
}

/// The statements that the tables and indexes of the database were made by, by name.
async fn schema(connection: &mut SqliteConnection) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let sql = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL";
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Also true to the letter after somebody changed a table and forgot to raise the version.
fn is_as_declared(projection: &Projection, schema: &BTreeMap<String, String>) -> bool {
    projection.tables.iter().all(|table| {
        schema.get(table.name) == Some(&sql::create_table(table))
            && sql::create_indexes(table).all(|(name, sql)| schema.get(&name) == Some(&sql))
    })
}

async fn begin(
    connection: &mut SqliteConnection,
    projection: &Projection,
    old: Option<&Checkpoint>,
    incarnation: &str,
) -> Result<(), sqlx::Error> {
    let old = old.iter().flat_map(|old| old.tables.iter().map(String::as_str));
    for table in old.chain(projection.tables.iter().map(|table| table.name)) {
        sqlx::query(&format!("DROP TABLE IF EXISTS {table}"))
            .persistent(false)
            .execute(&mut *connection)
            .await?;
    }
    for table in projection.tables {
        sqlx::query(&sql::create_table(table)).persistent(false).execute(&mut *connection).await?;
        for (_, sql) in sql::create_indexes(table) {
            sqlx::query(&sql).persistent(false).execute(&mut *connection).await?;
        }
    }
    parked::forget(connection, projection).await?;
    checkpoint::begin(connection, projection, incarnation).await
}

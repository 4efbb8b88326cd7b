//! The pictures in a Postgres database, in schema `blobs`.

mod schema;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use sqlx::{Error, PgPool, error::DatabaseError};

use super::{Blob, BlobError, BlobStore};
use crate::database::Database;

/// Connections at the most: pictures are small, and those who look at them keep them.
const CONNECTIONS: u32 = 2;
/// The user has no right to do it.
const INSUFFICIENT_PRIVILEGE: &str = "42501";
/// Classes of SQLSTATE by which the schema or what is in it is not what was made there: data exception, broken
/// constraint, unknown name, damaged on disk.
const DAMAGED: [&str; 4] = ["22", "23", "42", "XX"];

/// Keeps blobs in a Postgres database. Cheap to clone; other processes may use it at the same time.
#[derive(Clone)]
pub struct PostgresBlobStore {
    place: Arc<str>,
    pool: PgPool,
}

impl fmt::Debug for PostgresBlobStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PostgresBlobStore({})", self.place)
    }
}

impl PostgresBlobStore {
    /// Opens the schema, which is made when there is none; its database must be there.
    pub async fn open(database: &Database) -> Result<Self, BlobError> {
        schema::open(database).await?;
        Ok(Self { place: database.place().into(), pool: database.pool(CONNECTIONS) })
    }
}

impl From<Error> for BlobError {
    fn from(error: Error) -> Self {
        let code = |refused: &dyn DatabaseError| refused.code().unwrap_or_default().into_owned();
        match error.as_database_error().map(code) {
            Some(code) if code == INSUFFICIENT_PRIVILEGE => {
                Self::Unusable(format!("{error}: give the user of --database-url all rights on schema blobs"))
            }
            Some(code) if DAMAGED.iter().any(|class| code.starts_with(class)) => Self::Unusable(format!(
                "the pictures are damaged ({error}): put schema blobs of the database back from its backup"
            )),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

#[async_trait]
impl BlobStore for PostgresBlobStore {
    async fn put(&self, blob: Blob) -> Result<(), BlobError> {
        let insert = sqlx::query("INSERT INTO blobs.blobs (name, digest, bytes) VALUES ($1, $2, $3)");
        insert.bind(blob.name).bind(blob.digest).bind(blob.bytes).execute(&self.pool).await?;
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Option<Blob>, BlobError> {
        let select = sqlx::query_as("SELECT name, digest, bytes FROM blobs.blobs WHERE name = $1");
        let found: Option<(String, String, Vec<u8>)> = select.bind(name).fetch_optional(&self.pool).await?;
        found.map(|(name, digest, bytes)| Blob { name, digest, bytes }.checked()).transpose()
    }

    async fn names(&self, after: &str, limit: u32) -> Result<Vec<String>, BlobError> {
        let sql = "SELECT name FROM blobs.blobs WHERE name > $1 ORDER BY name LIMIT $2";
        Ok(sqlx::query_scalar(sql).bind(after).bind(i64::from(limit)).fetch_all(&self.pool).await?)
    }

    async fn remove(&self, name: &str) -> Result<(), BlobError> {
        sqlx::query("DELETE FROM blobs.blobs WHERE name = $1").bind(name).execute(&self.pool).await?;
        Ok(())
    }
}

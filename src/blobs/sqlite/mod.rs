//! The pictures in an SQLite file, `blobs.db`.

mod file;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::task;

use self::file::FILE;
use super::{Blob, BlobError, BlobStore};

/// Keeps blobs in an SQLite file. Cheap to clone; other processes may use the file at the same time.
#[derive(Clone)]
pub struct SqliteBlobStore {
    path: Arc<PathBuf>,
    connection: Arc<Mutex<Connection>>,
}

impl fmt::Debug for SqliteBlobStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SqliteBlobStore({})", self.path.display())
    }
}

impl SqliteBlobStore {
    /// Opens the file, which is made when there is none; its directory must be there.
    pub async fn open(path: &Path) -> Result<Self, BlobError> {
        let path = Arc::new(path.to_path_buf());
        blocking(move || {
            let connection = Arc::new(Mutex::new(FILE.open(&path)?));
            Ok(Self { path, connection })
        })
        .await
    }

    async fn with<T, F>(&self, work: F) -> Result<T, BlobError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let connection = Arc::clone(&self.connection);
        blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(work(&connection)?)
        })
        .await
    }
}

#[async_trait]
impl BlobStore for SqliteBlobStore {
    async fn put(&self, blob: Blob) -> Result<(), BlobError> {
        self.with(move |connection| {
            let sql = "INSERT INTO blobs (name, digest, bytes) VALUES (?1, ?2, ?3)";
            connection.prepare_cached(sql)?.execute(params![blob.name, blob.digest, blob.bytes]).map(drop)
        })
        .await
    }

    async fn get(&self, name: &str) -> Result<Option<Blob>, BlobError> {
        let name = name.to_owned();
        let found = self
            .with(move |connection| {
                let mut select =
                    connection.prepare_cached("SELECT name, digest, bytes FROM blobs WHERE name = ?1")?;
                let blob = |row: &rusqlite::Row<'_>| {
                    Ok(Blob { name: row.get(0)?, digest: row.get(1)?, bytes: row.get(2)? })
                };
                select.query_row([name], blob).optional()
            })
            .await?;
        found.map(Blob::checked).transpose()
    }

    async fn names(&self, after: &str, limit: u32) -> Result<Vec<String>, BlobError> {
        let after = after.to_owned();
        self.with(move |connection| {
            let sql = "SELECT name FROM blobs WHERE name > ?1 ORDER BY name LIMIT ?2";
            let mut select = connection.prepare_cached(sql)?;
            select.query_map(params![after, limit], |row| row.get(0))?.collect()
        })
        .await
    }

    async fn remove(&self, name: &str) -> Result<(), BlobError> {
        let name = name.to_owned();
        self.with(move |connection| {
            connection.prepare_cached("DELETE FROM blobs WHERE name = ?1")?.execute([name]).map(drop)
        })
        .await
    }
}

/// SQLite waits for disks and locks, which the threads of the runtime must not.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    let cut_off = |error| BlobError::Unavailable(format!("the work was cut off: {error}"));
    task::spawn_blocking(work).await.map_err(cut_off)?
}

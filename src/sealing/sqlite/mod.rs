//! The keys in an SQLite file, `keys.db`.

mod file;
mod statements;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use compact_str::CompactString;
use muster_events::{
    id::{MemberId, UserId},
    time::Timestamp,
};
use rusqlite::{Connection, TransactionBehavior};
use tokio::task;

use self::file::FILE;
use super::{
    Founding, KeyRow, KeyStore, Link, NewKey, Rotation, SealingError, Snapshot, StoredKey, Subject,
    WrappedKey,
};

/// Keeps the keys in an SQLite file. Cheap to clone; other processes may use the file at the same time.
#[derive(Clone)]
pub struct SqliteKeyStore {
    path: Arc<PathBuf>,
    /// Apart from the reader, so that those who only read do not wait for a commit.
    writer: Arc<Mutex<Connection>>,
    reader: Arc<Mutex<Connection>>,
}

impl fmt::Debug for SqliteKeyStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SqliteKeyStore({})", self.path.display())
    }
}

impl SqliteKeyStore {
    /// Opens the file, which is made when there is none; its directory must be there.
    pub async fn open(path: &Path) -> Result<Self, SealingError> {
        let path = Arc::new(path.to_path_buf());
        blocking(move || {
            let writer = FILE.open(&path)?;
            // What a process left that was killed in the middle of an erasure. When somebody reads, the next one does it.
            statements::scrub(&writer)?;
            let reader = FILE.open(&path)?;
            let (writer, reader) = (Arc::new(Mutex::new(writer)), Arc::new(Mutex::new(reader)));
            Ok(Self { path, writer, reader })
        })
        .await
    }

    /// The version of the schema of the file at `path`; none where there is none. Changes nothing.
    pub async fn schema_version(path: &Path) -> Result<Option<usize>, SealingError> {
        let path = path.to_path_buf();
        blocking(move || Ok(FILE.version(&path)?)).await
    }

    /// One snapshot.
    async fn read<T, F>(&self, read: F) -> Result<T, SealingError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let reader = Arc::clone(&self.reader);
        blocking(move || {
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = reader.transaction()?;
            Ok(read(&transaction)?)
        })
        .await
    }

    /// One transaction, durable when this returns.
    async fn write<T, F>(&self, write: F) -> Result<T, SealingError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, SealingError> + Send + 'static,
    {
        let writer = Arc::clone(&self.writer);
        blocking(move || {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            in_transaction(&mut writer, write)
        })
        .await
    }

    /// One transaction that overwrites keys, and what it takes until they are in no file.
    async fn destroy<T, F>(&self, write: F) -> Result<T, SealingError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, SealingError> + Send + 'static,
    {
        let writer = Arc::clone(&self.writer);
        blocking(move || {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            let written = in_transaction(&mut writer, write)?;
            if statements::scrub(&writer)? {
                return Ok(written);
            }
            let text =
                "the keys are destroyed, but another process still reads what was there before: do it again";
            Err(SealingError::Unavailable(text.into()))
        })
        .await
    }
}

#[async_trait]
impl KeyStore for SqliteKeyStore {
    async fn founding(&self) -> Result<Option<Founding>, SealingError> {
        self.read(statements::founding).await
    }

    async fn found(&self, new: Founding) -> Result<Founding, SealingError> {
        self.write(|connection| Ok(statements::found(connection, new)?)).await
    }

    async fn erasures(&self) -> Result<u64, SealingError> {
        self.read(statements::erasures).await
    }

    async fn keys(&self, ids: Vec<CompactString>) -> Result<Snapshot<Vec<StoredKey>>, SealingError> {
        self.read(move |connection| snapshot(connection, statements::keys(connection, &ids)?)).await
    }

    async fn key_of(&self, subject: Subject) -> Result<Snapshot<Option<WrappedKey>>, SealingError> {
        let subject = subject.to_string();
        self.read(move |connection| snapshot(connection, statements::key_of(connection, &subject)?)).await
    }

    async fn create(&self, new: NewKey) -> Result<Snapshot<WrappedKey>, SealingError> {
        self.write(|connection| Ok(snapshot(connection, statements::create(connection, new)?)?)).await
    }

    async fn link(&self, invitee: MemberId, user: UserId) -> Result<(), SealingError> {
        let (invitee, user) = (Subject::Invitee(invitee).to_string(), Subject::User(user).to_string());
        self.write(move |connection| Ok(statements::link(connection, &invitee, &user)?)).await
    }

    async fn erase(&self, subject: Subject, at: Timestamp) -> Result<u64, SealingError> {
        let subject = subject.to_string();
        self.destroy(move |connection| Ok(statements::erase(connection, &subject, at.as_micros())?)).await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<(), SealingError> {
        self.destroy(|connection| statements::rotate(connection, rotation)).await
    }

    async fn scan(&self, after: i64, limit: u32) -> Result<Vec<KeyRow>, SealingError> {
        self.read(move |connection| statements::keys_after(connection, after, limit)).await
    }

    async fn links(&self, after: Option<Link>, limit: u32) -> Result<Vec<Link>, SealingError> {
        self.read(move |connection| statements::links(connection, after.as_ref(), limit)).await
    }

    async fn take_over(&self, rows: Vec<KeyRow>, links: Vec<Link>) -> Result<(), SealingError> {
        self.destroy(move |connection| statements::take_over(connection, &rows, &links)).await
    }
}

fn snapshot<T>(connection: &Connection, found: T) -> rusqlite::Result<Snapshot<T>> {
    Ok(Snapshot { erasures: statements::erasures(connection)?, found })
}

fn in_transaction<T>(
    writer: &mut Connection,
    write: impl FnOnce(&Connection) -> Result<T, SealingError>,
) -> Result<T, SealingError> {
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let written = write(&transaction)?;
    transaction.commit()?;
    Ok(written)
}

/// SQLite waits for disks and locks, which the threads of the runtime must not.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SealingError> + Send + 'static,
) -> Result<T, SealingError> {
    let cut_off = |error| SealingError::Unavailable(format!("the work was cut off: {error}"));
    task::spawn_blocking(work).await.map_err(cut_off)?
}

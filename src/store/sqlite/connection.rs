//! How connections to `log.db` are opened, and what is refused then.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, DatabaseName, ErrorCode, OpenFlags, Result};
use tokio::task::spawn_blocking;

use super::{
    SqliteOptions,
    errors::{StoreResult, cannot_open},
    schema::{self, Origin},
};
use crate::store::StoreError;

/// Statements that a connection keeps prepared; more than there are.
const STATEMENTS: usize = 64;
/// KiB of pages that the writer keeps in memory: the upper parts of the indexes that are written at random places. More
/// would slow down each commit, after which SQLite walks through them.
const WRITER_CACHE_KIB: i64 = 8 * 1024;
/// KiB of pages that each reader keeps in memory.
const READER_CACHE_KIB: i64 = 8 * 1024;
/// Pages in the write-ahead log that make the writer move them into the file: 64 MiB. Most pages of the indexes
/// change again and again and are moved once; measured against SQLite's own 1,000, appends take a fifth less
/// processor time and the longest of them no longer.
const CHECKPOINT_PAGES: i64 = 16_000;
/// Bytes that the write-ahead log is cut to after it was moved into the file.
const WAL_BYTES: i64 = 64 * 1024 * 1024;
/// Times that the write-ahead log is asked for while other processes open the file; the first success is for all.
const SWITCHES: usize = 50;
/// The value of `PRAGMA synchronous` that is `FULL`: every commit is on disk before it is answered.
const FULL: i64 = 2;

/// Where the log is and how it is opened.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) options: SqliteOptions,
}

impl Place {
    /// A connection that may write, to a file that is made when there is none and brought up to date.
    pub(super) fn open_writer(&self) -> StoreResult<Connection> {
        self.look_before()?;
        match self.try_open_writer() {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(what_to_mend)) => {
                Err(StoreError::Unusable(format!("{} {what_to_mend}", self.path.display())))
            }
            Err(error) => Err(cannot_open(&self.path, &error)),
        }
    }

    /// A connection that only reads, to a file that a writer has opened before.
    pub(super) fn open_reader(&self) -> StoreResult<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        self.prepare(&connection, READER_CACHE_KIB)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    /// Finds what SQLite would only call "unable to open database file".
    fn look_before(&self) -> StoreResult<()> {
        let path = self.path.display();
        if self.path.is_dir() {
            let text = format!("{path} is a directory: name the file that the log is to be kept in");
            return Err(StoreError::Unusable(text));
        }
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        if !directory.is_dir() {
            let directory = directory.display();
            let text =
                format!("there is no directory {directory}: create it, or name another data directory");
            return Err(StoreError::Unusable(text));
        }
        Ok(())
    }

    /// The inner error is a sentence that goes on from the path.
    fn try_open_writer(&self) -> Result<Result<Connection, String>> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags)?;
        self.prepare(&connection, WRITER_CACHE_KIB)?;
        match schema::origin(&mut connection)? {
            Origin::Foreign => {
                return Ok(Err("is a database of another program: name another data directory".into()));
            }
            Origin::Muster(version) if version > schema::VERSION => {
                let known = schema::VERSION;
                let text = format!("has schema {version}, this muster knows {known}: use the newer muster");
                return Ok(Err(text));
            }
            Origin::Muster(_) | Origin::Empty => {}
        }
        // SQLite opens a file that it may not write all the same, for reading.
        if connection.is_readonly(DatabaseName::Main)? {
            let text = "cannot be written: give this user the right to write the file and its directory";
            return Ok(Err(text.into()));
        }
        if let Err(text) = make_durable(&connection)? {
            return Ok(Err(text));
        }
        if let Some(pages) = self.options.max_pages {
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        }
        schema::migrate(&mut connection)?;
        Ok(Ok(connection))
    }

    fn prepare(&self, connection: &Connection, cache_kib: i64) -> Result<()> {
        connection.busy_timeout(self.options.busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // A negative number is KiB, a positive one pages.
        connection.pragma_update(None, "cache_size", -cache_kib)
    }
}

/// A second connection that writes, for what is no append. Not the one of the writer, who has appends to make.
#[derive(Debug)]
pub(super) struct SecondWriter {
    place: Place,
    connection: Mutex<Option<Connection>>,
}

impl SecondWriter {
    /// The connection is opened when it is first needed.
    pub(super) fn new(place: Place) -> Self {
        Self { place, connection: Mutex::new(None) }
    }

    /// Works on a thread that may block.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        let this = Arc::clone(self);
        let blocking = spawn_blocking(move || {
            let mut connection = this.connection.lock().unwrap_or_else(PoisonError::into_inner);
            // After an error the connection is not used again, and what it had begun is undone.
            let open = connection.take().map_or_else(|| this.place.open_writer(), Ok)?;
            let done = work(&open)?;
            *connection = Some(open);
            Ok(done)
        });
        let cut_off = |error| StoreError::Unavailable(format!("the work was cut off: {error}"));
        blocking.await.unwrap_or_else(|error| Err(cut_off(error)))
    }
}

/// A commit must be on disk when it is answered, so a place or a build where it would not be is refused.
fn make_durable(connection: &Connection) -> Result<Result<(), String>> {
    let mode = write_ahead(connection)?;
    connection.pragma_update(None, "synchronous", FULL)?;
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    if mode != "wal" || synchronous != FULL {
        let found = format!("journal mode {mode}, synchronous {synchronous}");
        return Ok(Err(format!("cannot be kept durably where it is ({found}): put it on a local disk")));
    }
    connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES, |_| Ok(()))?;
    Ok(Ok(()))
}

/// Switches to the write-ahead log and says which journal mode there is now. That needs the file for itself for a
/// moment, and SQLite gives up at once when another process is opening it too; so this waits until it was free once.
fn write_ahead(connection: &Connection) -> Result<String> {
    let switch = || connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0));
    for _ in 0..SWITCHES {
        match switch() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                connection.execute_batch("BEGIN EXCLUSIVE; ROLLBACK")?;
            }
            outcome => return outcome,
        }
    }
    switch()
}

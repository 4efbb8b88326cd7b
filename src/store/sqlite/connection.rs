//! How connections to `log.db` are opened, and what is refused then.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, DatabaseName, ErrorCode, OpenFlags};

use super::{
    SqliteOptions,
    errors::{StoreResult, cannot_open},
    schema,
};
use crate::store::StoreError;

/// Statements that a connection keeps prepared; more than there are.
const STATEMENTS: usize = 64;
/// KiB of pages that the writer keeps in memory: the upper parts of the indexes that are written at random places.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
/// KiB of pages that each reader keeps in memory.
const READER_CACHE_KIB: i64 = 8 * 1024;
/// Pages in the write-ahead log that make the writer move them into the file. Four times SQLite's own number, so
/// that a page that changes often is moved less often.
const CHECKPOINT_PAGES: i64 = 4_000;
/// Bytes that the write-ahead log is cut to after it was moved into the file.
const WAL_BYTES: i64 = 64 * 1024 * 1024;
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
        let mut code = None;
        self.try_open_writer(&mut code).map_err(|error| cannot_open(&self.path, error, code))
    }

    /// A connection that only reads, to a file that a writer has opened before.
    pub(super) fn open_reader(&self) -> StoreResult<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        self.prepare(&connection, READER_CACHE_KIB)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    /// What SQLite would only call "unable to open database file".
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
            let text = format!("there is no directory {directory}: create it, or name another one for {path}");
            return Err(StoreError::Unusable(text));
        }
        Ok(())
    }

    fn try_open_writer(&self, code: &mut Option<ErrorCode>) -> StoreResult<Connection> {
        let mut noting = |error: rusqlite::Error| {
            *code = error.sqlite_error_code();
            StoreError::from(error)
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags).map_err(&mut noting)?;
        connection.busy_timeout(self.options.busy_timeout).map_err(&mut noting)?;
        let objects = "SELECT count(*) FROM sqlite_schema";
        let objects: i64 = connection.query_row(objects, [], |row| row.get(0)).map_err(&mut noting)?;
        self.refuse_foreign(&connection, objects > 0)?;
        // SQLite opens a file that it may not write all the same, for reading.
        if connection.is_readonly(DatabaseName::Main).map_err(&mut noting)? {
            let text = "the file is read-only".into();
            *code = Some(ErrorCode::ReadOnly);
            return Err(StoreError::Unavailable(text));
        }
        self.make_durable(&connection, &mut noting)?;
        self.prepare(&connection, WRITER_CACHE_KIB).map_err(&mut noting)?;
        schema::migrate(&mut connection)?;
        Ok(connection)
    }

    /// Nothing has been written yet when this looks whose file it is.
    fn refuse_foreign(&self, connection: &Connection, has_objects: bool) -> StoreResult<()> {
        let path = self.path.display();
        let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let version = schema::version(connection)?;
        let is_new = application == 0 && version == 0 && !has_objects;
        if application != schema::APPLICATION_ID && !is_new {
            let text = format!("{path} is a database of another program: name another data directory");
            return Err(StoreError::Unusable(text));
        }
        if version > schema::VERSION {
            let known = schema::VERSION;
            let text = format!(
                "{path} was written by a newer muster (schema {version}, this one knows {known}): use that one"
            );
            return Err(StoreError::Unusable(text));
        }
        Ok(())
    }

    /// A commit must be on disk when it is answered, so a file system or build that does not do that is refused.
    fn make_durable(
        &self,
        connection: &Connection,
        noting: &mut impl FnMut(rusqlite::Error) -> StoreError,
    ) -> StoreResult<()> {
        let mode: String = connection
            .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
            .map_err(&mut *noting)?;
        connection.pragma_update(None, "synchronous", "full").map_err(&mut *noting)?;
        let synchronous: i64 =
            connection.pragma_query_value(None, "synchronous", |row| row.get(0)).map_err(&mut *noting)?;
        if mode != "wal" || synchronous != FULL {
            let path = self.path.display();
            let text = format!(
                "{path} cannot be kept durably here (journal mode {mode}, synchronous {synchronous}): put it on a \
                 local disk"
            );
            return Err(StoreError::Unusable(text));
        }
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(&mut *noting)?;
        connection
            .pragma_update_and_check(None, "journal_size_limit", WAL_BYTES, |_| Ok(()))
            .map_err(&mut *noting)?;
        if let Some(pages) = self.options.max_pages {
            connection
                .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
                .map_err(&mut *noting)?;
        }
        Ok(())
    }

    fn prepare(&self, connection: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
        connection.busy_timeout(self.options.busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // A negative number is KiB, a positive one pages.
        connection.pragma_update(None, "cache_size", -cache_kib)
    }
}

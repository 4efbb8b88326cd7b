//! An SQLite file that one part of muster has for itself: how it is opened, and what is refused then.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, DatabaseName, Error, ErrorCode, OpenFlags, TransactionBehavior};
use thiserror::Error;

/// For how long a statement waits for another process.
const BUSY: Duration = Duration::from_secs(5);
/// Times that the change to a write-ahead log is tried again while other processes are at it.
const WAL_TRIES: usize = 100;
/// The value of `PRAGMA synchronous` that is `FULL`.
const FULL: i64 = 2;

/// A file whose `user_version` says how many of its steps were taken.
#[derive(Debug, Clone, Copy)]
pub struct OwnFile {
    /// What is kept in it, as a plural for messages: "keys".
    pub holds: &'static str,
    /// Stands in the file's header and says whose file it is.
    pub application_id: i32,
    /// What brings it from one version to the next. Steps are added, never edited.
    pub steps: &'static [&'static str],
}

/// Why a file cannot be used.
#[derive(Debug, Error)]
pub enum FileError {
    /// For now: busy, full.
    #[error("{0}")]
    Unavailable(String),
    /// It cannot be used as it is; the text says what to mend.
    #[error("{0}")]
    Unusable(String),
}

/// What a file is, before anything is written to it.
struct Look {
    application: i32,
    version: usize,
    objects: i64,
    is_readonly: bool,
}

impl OwnFile {
    /// A connection to the file at `path`, which is made when there is none and brought up to date. What is committed
    /// is on disk, and what is overwritten is gone.
    ///
    /// # Errors
    ///
    /// [`FileError`]; nothing is changed then.
    pub fn open(&self, path: &Path) -> Result<Connection, FileError> {
        let (holds, shown) = (self.holds, path.display());
        if path.is_dir() {
            let text = format!("{shown} is a directory: name the file that the {holds} are to be kept in");
            return Err(FileError::Unusable(text));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let cannot = |error: Error| self.cannot_open(path, &error);
        let mut connection = Connection::open_with_flags(path, flags).map_err(cannot)?;
        self.refuse_foreign(path, &look(&connection).map_err(cannot)?)?;
        if !make_durable(&connection).map_err(cannot)? {
            let text = format!("{shown} cannot be kept durably here: put it on a local disk");
            return Err(FileError::Unusable(text));
        }
        self.migrate(&mut connection).map_err(cannot)?;
        Ok(connection)
    }

    /// How many steps were taken; none where there is no file, or nothing in it yet. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`FileError`].
    pub fn version(&self, path: &Path) -> Result<Option<usize>, FileError> {
        if !path.exists() {
            return Ok(None);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags);
        let version = connection.and_then(|connection| Ok(look(&connection)?.version));
        let version = version.map_err(|error| self.cannot_open(path, &error))?;
        Ok((version > 0).then_some(version))
    }

    fn refuse_foreign(&self, path: &Path, look: &Look) -> Result<(), FileError> {
        let (path, known) = (path.display(), self.steps.len());
        let is_new = look.application == 0 && look.version == 0 && look.objects == 0;
        let text = if look.application != self.application_id && !is_new {
            format!("{path} is a database of another program: name another data directory")
        } else if look.version > known {
            let version = look.version;
            format!(
                "{path} was written by a newer muster (schema {version}, this one knows {known}): use that one"
            )
        } else if look.is_readonly {
            format!("{path} cannot be written: give this user the right to write the file and its directory")
        } else {
            return Ok(());
        };
        Err(FileError::Unusable(text))
    }

    /// Sound with several processes at once: all but one find nothing left to do.
    fn migrate(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        if version(connection)? == self.steps.len() {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let from = version(&transaction)?;
        for step in self.steps.iter().skip(from) {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "application_id", self.application_id)?;
        transaction.pragma_update(None, "user_version", self.steps.len())?;
        transaction.commit()
    }

    /// Why the file at `path` cannot be opened, and what to mend.
    fn cannot_open(&self, path: &Path, error: &Error) -> FileError {
        let (path, holds) = (path.display(), self.holds);
        FileError::Unusable(match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => format!(
                "{path} does not hold the {holds} of muster ({error}): put the right file back from its backup, or \
                 name another data directory"
            ),
            Some(ErrorCode::DatabaseCorrupt) => {
                format!("{path} is damaged ({error}): put it back from its backup")
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => format!(
                "{path} cannot be opened ({error}): check that its directory exists, and that this user may read and \
                 write both"
            ),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                return FileError::Unavailable(format!("another process keeps {path} locked ({error})"));
            }
            Some(ErrorCode::DiskFull) => format!("{path} cannot grow ({error}): make room on its disk"),
            _ => format!("{path} cannot be used ({error})"),
        })
    }
}

/// All at one moment, because another process may be making the file.
fn look(connection: &Connection) -> rusqlite::Result<Look> {
    connection.busy_timeout(BUSY)?;
    let moment = connection.unchecked_transaction()?;
    let objects = "SELECT count(*) FROM sqlite_schema";
    Ok(Look {
        objects: moment.query_row(objects, [], |row| row.get(0))?,
        application: moment.pragma_query_value(None, "application_id", |row| row.get(0))?,
        version: version(&moment)?,
        is_readonly: moment.is_readonly(DatabaseName::Main)?,
    })
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Whether what is committed is on disk, and what is overwritten is gone.
fn make_durable(connection: &Connection) -> rusqlite::Result<bool> {
    let mode = write_ahead(connection)?;
    connection.pragma_update(None, "synchronous", "full")?;
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    let secure: i64 = connection.pragma_update_and_check(None, "secure_delete", true, |row| row.get(0))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(mode == "wal" && synchronous == FULL && secure == 1)
}

/// Changes the journal mode. SQLite does not wait for another process that does the same at this moment, so this
/// waits, with a statement that does, and tries again.
fn write_ahead(connection: &Connection) -> rusqlite::Result<String> {
    let mut tries = 0..WAL_TRIES;
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)) {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && tries.next().is_some() =>
            {
                connection.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
            }
            other => return other,
        }
    }
}

//! How `keys.db` is opened, and what is refused then.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, DatabaseName, Error, ErrorCode, OpenFlags, TransactionBehavior};

use crate::sealing::SealingError;

/// Stands in the file's header and says whose file it is: "musk" in ASCII.
const APPLICATION_ID: i32 = 0x6D75_736B;
/// What brings a file from one `user_version` to the next. Steps are added, never edited.
const STEPS: [&str; 1] = [include_str!("schema.sql")];
/// For how long a statement waits for another process.
const BUSY: Duration = Duration::from_secs(5);
/// Times that the change to a write-ahead log is tried again while other processes are at it.
const WAL_TRIES: usize = 100;
/// The value of `PRAGMA synchronous` that is `FULL`.
const FULL: i64 = 2;

impl From<Error> for SealingError {
    /// The meaning while the keys are in use; that of an error while they are opened is [`cannot_open`].
    fn from(error: Error) -> Self {
        let damaged = matches!(
            error,
            Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) | Error::Utf8Error(_)
        );
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Unusable(damaged_text(&error))
            }
            _ if damaged => Self::Unusable(damaged_text(&error)),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

fn damaged_text(error: &Error) -> String {
    format!("the keys are damaged ({error}): put them back from their backup")
}

/// A connection to the file, which is made when there is none and brought up to date.
pub(super) fn open(path: &Path) -> Result<Connection, SealingError> {
    if path.is_dir() {
        let text =
            format!("{} is a directory: name the file that the keys are to be kept in", path.display());
        return Err(SealingError::Unusable(text));
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let cannot = |error: Error| cannot_open(path, &error);
    let mut connection = Connection::open_with_flags(path, flags).map_err(cannot)?;
    refuse_foreign(path, &look(&connection).map_err(cannot)?)?;
    if !make_durable(&connection).map_err(cannot)? {
        let text = format!("{} cannot be kept durably here: put it on a local disk", path.display());
        return Err(SealingError::Unusable(text));
    }
    migrate(&mut connection).map_err(cannot)?;
    Ok(connection)
}

/// The version of the schema of the file; none where there is no file, or nothing in it yet. Changes nothing.
pub(super) fn schema_version(path: &Path) -> Result<Option<usize>, SealingError> {
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags);
    let version = connection.and_then(|connection| Ok(look(&connection)?.version));
    let version = version.map_err(|error| cannot_open(path, &error))?;
    Ok((version > 0).then_some(version))
}

/// What a file is, before anything is written to it.
struct Look {
    application: i32,
    version: usize,
    objects: i64,
    is_readonly: bool,
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

fn refuse_foreign(path: &Path, look: &Look) -> Result<(), SealingError> {
    let (path, known) = (path.display(), STEPS.len());
    let is_new = look.application == 0 && look.version == 0 && look.objects == 0;
    let text = if look.application != APPLICATION_ID && !is_new {
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
    Err(SealingError::Unusable(text))
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

/// Sound with several processes at once: all but one find nothing left to do.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    if version(connection)? == STEPS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from = version(&transaction)?;
    for step in STEPS.iter().skip(from) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", STEPS.len())?;
    transaction.commit()
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Why the file at `path` cannot be opened, and what to mend.
fn cannot_open(path: &Path, error: &Error) -> SealingError {
    let path = path.display();
    SealingError::Unusable(match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => format!(
            "{path} does not hold the keys of muster ({error}): put the right file back from its backup, or name \
             another data directory"
        ),
        Some(ErrorCode::DatabaseCorrupt) => {
            format!("{path} is damaged ({error}): put it back from its backup")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => format!(
            "{path} cannot be opened ({error}): check that its directory exists, and that this user may read and \
             write both"
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            return SealingError::Unavailable(format!("another process keeps {path} locked ({error})"));
        }
        Some(ErrorCode::DiskFull) => format!("{path} cannot grow ({error}): make room on its disk"),
        _ => format!("{path} cannot be used ({error})"),
    })
}

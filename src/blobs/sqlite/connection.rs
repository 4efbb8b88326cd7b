//! How `blobs.db` is opened, and what is refused then.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, Error, ErrorCode, OpenFlags, TransactionBehavior};

use crate::blobs::BlobError;

/// Stands in the file's header and says whose file it is: "musb" in ASCII.
const APPLICATION_ID: i32 = 0x6D75_7362;
/// What brings a file from one `user_version` to the next. Steps are added, never edited.
const STEPS: [&str; 1] = [include_str!("schema.sql")];
/// For how long a statement waits for another process.
const BUSY: Duration = Duration::from_secs(5);
/// Times that the change to a write-ahead log is tried again while other processes are at it.
const WAL_TRIES: usize = 100;

impl From<Error> for BlobError {
    fn from(error: Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Unusable(format!("the pictures are damaged ({error}): put them back from their backup"))
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// A connection to the file, which is made when there is none and brought up to date.
pub(super) fn open(path: &Path) -> Result<Connection, BlobError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let cannot = |error: Error| cannot_open(path, &error);
    let mut connection = Connection::open_with_flags(path, flags).map_err(cannot)?;
    connection.busy_timeout(BUSY).map_err(cannot)?;
    refuse_foreign(path, &look(&connection).map_err(cannot)?)?;
    write_ahead(&connection).map_err(cannot)?;
    connection.pragma_update(None, "synchronous", "full").map_err(cannot)?;
    migrate(&mut connection).map_err(cannot)?;
    Ok(connection)
}

/// What a file is, before anything is written to it: whose, in which version, with how many tables and alike.
struct Look {
    application: i32,
    version: usize,
    objects: i64,
}

/// All at one moment, because another process may be making the file.
fn look(connection: &Connection) -> rusqlite::Result<Look> {
    let moment = connection.unchecked_transaction()?;
    Ok(Look {
        objects: moment.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?,
        application: moment.pragma_query_value(None, "application_id", |row| row.get(0))?,
        version: version(&moment)?,
    })
}

fn refuse_foreign(path: &Path, look: &Look) -> Result<(), BlobError> {
    let (path, known) = (path.display(), STEPS.len());
    let is_new = look.application == 0 && look.version == 0 && look.objects == 0;
    let text = if look.application != APPLICATION_ID && !is_new {
        format!("{path} is a database of another program: name another data directory")
    } else if look.version > known {
        let version = look.version;
        format!(
            "{path} was written by a newer muster (schema {version}, this one knows {known}): use that one"
        )
    } else {
        return Ok(());
    };
    Err(BlobError::Unusable(text))
}

/// Changes the journal mode. SQLite does not wait for another process that does the same at this moment, so this
/// waits, with a statement that does, and tries again.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mut tries = 0..WAL_TRIES;
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
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
fn cannot_open(path: &Path, error: &Error) -> BlobError {
    let path = path.display();
    BlobError::Unusable(match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            return BlobError::Unavailable(format!("another process keeps {path} locked ({error})"));
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            format!("{path} is damaged ({error}): put it back from its backup")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => format!(
            "{path} cannot be opened ({error}): check that its directory exists, and that this user may read and \
             write both"
        ),
        _ => format!("{path} cannot be used ({error})"),
    })
}

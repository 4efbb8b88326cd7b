//! The schema of `log.db`: how it is made, brought up to date and compared with what is there.

use std::collections::BTreeMap;

use rusqlite::{Connection, Result, TransactionBehavior};

use crate::store::Incarnation;

/// Stands in the file's header and says whose file it is: "must" in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x6D75_7374;

/// What brings a file from one `user_version` to the next. Steps are added, never edited.
const STEPS: [&str; 2] = [include_str!("schema.sql"), include_str!("subscribers.sql")];

/// The `user_version` of a file that this program writes.
pub(super) const VERSION: usize = STEPS.len();

const INSERT_DEPLOYMENT: &str = "INSERT INTO deployment (only_row, incarnation) VALUES (1, ?1)";
const UPDATE_INCARNATION: &str = "UPDATE deployment SET incarnation = ?1";
const NOTE_HASH_KEY: &str = "UPDATE deployment SET hash_key = ?1 WHERE hash_key IS NULL";
const SELECT_HASH_KEY: &str = "SELECT hash_key FROM deployment";
const SELECT_INCARNATION: &str = "SELECT incarnation FROM deployment";
const SELECT_OBJECTS: &str = "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE sql IS NOT NULL";
const COUNT_OBJECTS: &str = "SELECT count(*) FROM sqlite_schema";

/// Whose a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Nothing is in it yet.
    Empty,
    /// Ours, written by the program that made this `user_version`.
    Muster(usize),
    /// Another program's.
    Foreign,
}

/// Looks whose file it is, and writes nothing. In one transaction, because another process may be making it.
pub(super) fn origin(connection: &mut Connection) -> Result<Origin> {
    let transaction = connection.transaction()?;
    let objects: i64 = transaction.query_row(COUNT_OBJECTS, [], |row| row.get(0))?;
    let application: i32 = transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok(match application {
        APPLICATION_ID => Origin::Muster(version(&transaction)?),
        0 if objects == 0 => Origin::Empty,
        _ => Origin::Foreign,
    })
}

/// Brings the file up to date. Sound with several processes at once: all but one find nothing left to do.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    if version(connection)? == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from = version(&transaction)?;
    for step in STEPS.iter().skip(from) {
        transaction.execute_batch(step)?;
    }
    if from == 0 {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.execute(INSERT_DEPLOYMENT, [Incarnation::drawn().0])?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn version(connection: &Connection) -> Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// The incarnation that was drawn when the file was made.
pub(super) fn incarnation(connection: &Connection) -> Result<Incarnation> {
    connection.query_row(SELECT_INCARNATION, [], |row| row.get(0)).map(Incarnation)
}

/// Draws another incarnation.
pub(super) fn renew_incarnation(connection: &Connection) -> Result<()> {
    set_incarnation(connection, Incarnation::drawn())
}

/// Notes which incarnation this is.
pub(super) fn set_incarnation(connection: &Connection, incarnation: Incarnation) -> Result<()> {
    connection.execute(UPDATE_INCARNATION, [incarnation.0]).map(drop)
}

/// The hash key of the log, where one is noted.
pub(super) fn hash_key(connection: &Connection) -> Result<Option<String>> {
    connection.query_row(SELECT_HASH_KEY, [], |row| row.get(0))
}

/// Notes the hash key, unless one is noted.
pub(super) fn note_hash_key(connection: &Connection, id: &str) -> Result<()> {
    connection.execute(NOTE_HASH_KEY, [id]).map(drop)
}

/// One sentence for each table, index or trigger that is not as this program made it.
pub(super) fn deviations(connection: &Connection) -> Result<Vec<String>> {
    let reference = Connection::open_in_memory()?;
    for step in STEPS {
        reference.execute_batch(step)?;
    }
    let found = objects(connection)?;
    let deviation = |(name, sql): (String, String)| match found.get(&name) {
        None => Some(format!("The {name} is missing.")),
        Some(other) if *other != sql => Some(format!("The {name} was altered.")),
        Some(_) => None,
    };
    Ok(objects(&reference)?.into_iter().filter_map(deviation).collect())
}

fn objects(connection: &Connection) -> Result<BTreeMap<String, String>> {
    let mut statement = connection.prepare(SELECT_OBJECTS)?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

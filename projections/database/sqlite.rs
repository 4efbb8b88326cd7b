//! What is SQLite's own: a few rows a statement, as there is no way to a server that more could save; result codes.

use sqlx::{
    Sqlite, SqliteConnection, SqlitePool, Transaction, query::Query as Bound, sqlite::SqliteArguments,
};

use super::{Query, Row};
use crate::{
    sink::fold::{Act, Group},
    sql::{self, Dialect},
    table::Value,
};

pub(super) async fn rows(connection: &mut SqliteConnection, query: &Query) -> Result<Vec<Row>, sqlx::Error> {
    let bound = query.values.iter().fold(sqlx::query(&query.sql), bind).persistent(query.persistent);
    Ok(bound.fetch_all(connection).await?.into_iter().map(Row::Sqlite).collect())
}

/// A transaction with the lock.
///
/// In a task of its own: the library leaves the transaction open for good when whoever begins it is cancelled between the
/// statement and the look whether it has begun one (`TransactionManager::begin` of sqlx-sqlite 0.8). Here it is begun to
/// its end, and rolled back when nobody wants it any more.
pub(super) async fn writing(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with("BEGIN IMMEDIATE").await });
    begun.await.map_err(|_| sqlx::Error::WorkerCrashed)?
}

/// How often whoever fills waits for the lock, each time for [`super::LOCK_WAIT`].
pub(super) const FILLING_TRIES: u32 = 20;

/// The same for who fills. Whoever waits for the lock stands in no queue, and is overtaken again and again while others
/// write without a rest; between two tries the connection is theirs who wait for it in this process.
pub(super) async fn filling(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    for _ in 1..FILLING_TRIES {
        match writing(pool).await {
            Err(error) if result_code(&error) == Some(SQLITE_BUSY) => {}
            begun => return begun,
        }
    }
    writing(pool).await
}

/// Values of one statement, where there are as many: each statement is handed to the thread of the connection and back.
const AT_ONCE: usize = 600;

pub(super) async fn carry_out(connection: &mut SqliteConnection, group: &Group) -> Result<(), sqlx::Error> {
    // An update by many rows may be planned as a search through the whole table for each.
    let at_once = if group.act == Act::Set { 1 } else { (AT_ONCE / group.columns.len().max(1)).max(1) };
    let (many, rest) = group.rows.split_at(group.rows.len() / at_once * at_once);
    for (rows, at_once) in [(many, at_once), (rest, 1)].into_iter().filter(|(rows, _)| !rows.is_empty()) {
        let sql = sql::statement(Dialect::Sqlite, group, at_once);
        for rows in rows.chunks(at_once) {
            let values = rows.iter().flatten();
            values.fold(sqlx::query(&sql), bind).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

fn bind<'q>(
    query: Bound<'q, Sqlite, SqliteArguments<'q>>,
    value: &'q Value,
) -> Bound<'q, Sqlite, SqliteArguments<'q>> {
    match value {
        Value::Null => query.bind(None::<i64>),
        Value::Bool(value) => query.bind(*value),
        Value::Integer(value) => query.bind(*value),
        Value::Text(value) => query.bind(value.as_str()),
    }
}

const SQLITE_BUSY: i32 = 5;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_TOOBIG: i32 = 18;
const SQLITE_CONSTRAINT: i32 = 19;
const SQLITE_MISMATCH: i32 = 20;
const SQLITE_NOTADB: i32 = 26;

/// The primary result code, where the error is one of SQLite's.
pub(crate) fn result_code(error: &sqlx::Error) -> Option<i32> {
    let error = error.as_database_error()?.try_downcast_ref::<sqlx::sqlite::SqliteError>()?;
    let extended: i32 = sqlx::error::DatabaseError::code(error)?.parse().ok()?;
    Some(extended & 0xFF)
}

pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    matches!(result_code(error), Some(SQLITE_TOOBIG | SQLITE_CONSTRAINT | SQLITE_MISMATCH))
}

pub(super) fn is_damage(error: &sqlx::Error) -> bool {
    matches!(result_code(error), Some(SQLITE_CORRUPT | SQLITE_NOTADB))
}

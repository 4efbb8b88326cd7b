//! Filling tables of SQLite on a thread that may work for a while.
//!
//! Through a pool each statement is handed to the thread of its connection and back, which costs several times what a row
//! does. Here one thread writes thousands of rows with one statement that stays prepared.

use std::{
    io,
    sync::{Arc, Weak},
};

use rusqlite::{
    Connection, Error, ErrorCode, OpenFlags, OptionalExtension as _, ToSql, TransactionBehavior,
    params_from_iter,
    types::{ToSqlOutput, ValueRef},
};
use sqlx::SqlitePool;
use tokio::task::spawn_blocking;

use super::{LOCK_WAIT, Query, sqlite::FILLING_TRIES};
use crate::{
    sink::{fold::Group, live::SinkError},
    sql::{self, Dialect},
    table::Value,
};

/// Nothing is made where there is no database.
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);
/// A commit that is lost with the machine is done again: what says that it was done is lost with it.
const SETTINGS: &str = "PRAGMA synchronous = NORMAL";

/// A connection of its own, whose turn is that of the one connection of the pool that writes: who keeps the living rows in
/// this process stands in the same queue.
#[derive(Debug)]
pub(crate) struct Filler {
    connection: Connection,
    turns: SqlitePool,
}

impl Filler {
    /// To the database of this pool.
    pub(crate) async fn open(pool: &SqlitePool) -> Result<Self, SinkError> {
        let (path, turns) = (pool.connect_options().get_filename().to_owned(), pool.clone());
        let opened = spawn_blocking(move || {
            let connection = Connection::open_with_flags(path, FLAGS)?;
            connection.busy_timeout(LOCK_WAIT)?;
            connection.execute_batch(SETTINGS)?;
            Ok(Self { connection, turns })
        });
        opened.await.map_err(cut_off)?.map_err(sink_error)
    }

    /// Carries out changes that have one statement in common, in one transaction, if `still` finds a row in it; nothing
    /// otherwise. Gives itself back, and whether it was done.
    ///
    /// The thread goes on when nobody waits for it any more, but has no lock then, or has it before anybody who comes
    /// after: rows of before never overwrite rows of after.
    pub(crate) async fn carry_out(
        mut self,
        still: &Arc<Query>,
        group: Group,
    ) -> Result<(Self, bool), SinkError> {
        let (waiting, group) = (Arc::new(()), Arc::new(group));
        let mut tries = 1..FILLING_TRIES;
        loop {
            let turn = self.turns.acquire().await?;
            let (still, group, waits) = (Arc::clone(still), Arc::clone(&group), Arc::downgrade(&waiting));
            let worked = spawn_blocking(move || {
                let done = work(&mut self.connection, &waits, &still, &group);
                (self, done)
            });
            let done;
            (self, done) = worked.await.map_err(cut_off)?;
            drop(turn);
            match done {
                Err(error) if is_busy(&error) && tries.next().is_some() => {}
                done => return done.map(|done| (self, done)).map_err(sink_error),
            }
        }
    }
}

fn work(connection: &mut Connection, waits: &Weak<()>, still: &Query, group: &Group) -> Result<bool, Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if waits.strong_count() == 0 {
        return Ok(false);
    }
    let found = transaction.query_row(&still.sql, params_from_iter(&still.values), |_| Ok(()));
    if found.optional()?.is_none() {
        return Ok(false);
    }
    let mut statement = transaction.prepare(&sql::statement(Dialect::Sqlite, group, 1))?;
    for row in &group.rows {
        statement.execute(params_from_iter(row))?;
    }
    drop(statement);
    transaction.commit()?;
    Ok(true)
}

impl ToSql for Value {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, Error> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Bool(value) => ToSqlOutput::from(*value),
            Self::Integer(value) => ToSqlOutput::from(*value),
            Self::Text(value) => ToSqlOutput::from(value.as_str()),
        })
    }
}

fn is_busy(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

fn cut_off(error: tokio::task::JoinError) -> SinkError {
    SinkError::Database(sqlx::Error::Io(io::Error::other(error)))
}

fn sink_error(error: Error) -> SinkError {
    match error.sqlite_error_code() {
        Some(ErrorCode::TooBig | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) => {
            SinkError::Refused(error.to_string())
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => SinkError::Damaged(error.to_string()),
        _ => SinkError::Database(sqlx::Error::Io(io::Error::other(error))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Weak};

    use rusqlite::Connection;

    use super::{Query, work};
    use crate::{
        change::Change,
        sink::fold::Fold,
        table::{Column, ColumnType, Table, Value},
    };

    static NUMBERS: Table = Table {
        name: "numbers",
        key: &[Column::new("number", ColumnType::Integer)],
        columns: &[Column::new("is_even", ColumnType::Bool), Column::optional("name", ColumnType::Text)],
        indexes: &[],
    };

    /// What is written of two rows when the query finds something, or not, for one who waits, or not.
    fn written(waits: &Weak<()>, still: &'static str) -> (bool, Vec<(i64, bool, Option<String>)>) {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE numbers (number PRIMARY KEY, is_even, name)").unwrap();
        let mut fold = Fold::default();
        for (number, name) in [(1_i64, Value::Null), (2, "two".into())] {
            let cells = [("is_even", (number % 2 == 0).into()), ("name", name)];
            fold.add(Change::put(&NUMBERS, [number.into()], cells));
        }
        let [group] = fold.into_groups().try_into().unwrap();
        let done = work(&mut connection, waits, &Query::new(still).bind(7_i64), &group).unwrap();
        let mut statement = connection.prepare("SELECT * FROM numbers ORDER BY number").unwrap();
        let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        (done, rows.collect::<Result<_, _>>().unwrap())
    }

    #[test]
    fn rows_are_written_while_somebody_waits_and_the_query_finds_something() {
        let waiting = Arc::new(());
        let waits = Arc::downgrade(&waiting);
        let both = vec![(1, false, None), (2, true, Some("two".to_owned()))];
        assert_eq!(written(&waits, "SELECT 1 WHERE $1 = 7"), (true, both));
        assert_eq!(written(&waits, "SELECT 1 WHERE $1 = 8"), (false, vec![]));
        drop(waiting);
        assert_eq!(written(&waits, "SELECT 1 WHERE $1 = 7"), (false, vec![]));
    }
}

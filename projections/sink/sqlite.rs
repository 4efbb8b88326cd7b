//! Changes carried out in a SQLite database, through a transaction that is open already.

use sqlx::{Row as _, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};
use thiserror::Error;

use super::Rows;
use crate::{
    change::{Change, Misfit, Row},
    sql,
    table::{Column, ColumnType, Table, Value},
};

/// Why a change was not carried out.
#[derive(Debug, Error)]
pub enum SinkError {
    /// Because of what it is: it will be refused again.
    #[error("{0}")]
    Refused(String),
    /// Because of the database, for now: busy, full, unreachable, damaged.
    #[error(transparent)]
    Database(sqlx::Error),
}

impl From<Misfit> for SinkError {
    fn from(misfit: Misfit) -> Self {
        Self::Refused(misfit.to_string())
    }
}

/// Primary result codes of SQLite that speak of the value, not of the database.
const REFUSALS: [i32; 3] = [SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH];
const SQLITE_TOOBIG: i32 = 18;
const SQLITE_CONSTRAINT: i32 = 19;
const SQLITE_MISMATCH: i32 = 20;

/// The primary result code of SQLite, where the error is one of SQLite's.
pub(crate) fn result_code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xFF)
}

impl From<sqlx::Error> for SinkError {
    fn from(error: sqlx::Error) -> Self {
        match result_code(&error) {
            Some(code) if REFUSALS.contains(&code) => Self::Refused(error.to_string()),
            _ => Self::Database(error),
        }
    }
}

/// Carries out `changes` in order. After an error the transaction or savepoint has to be rolled back.
pub async fn apply(connection: &mut SqliteConnection, changes: &[Change]) -> Result<(), SinkError> {
    for change in changes {
        change.check()?;
        let statement = sql::statement(change);
        let cells = match &change.row {
            Row::Put(cells) | Row::Set(cells) => cells.as_slice(),
            Row::Delete => &[],
        };
        let values = change.key.iter().chain(cells.iter().map(|(_, value)| value));
        values.fold(sqlx::query(&statement), bind).execute(&mut *connection).await?;
    }
    Ok(())
}

fn bind<'q>(
    query: Query<'q, Sqlite, SqliteArguments<'q>>,
    value: &'q Value,
) -> Query<'q, Sqlite, SqliteArguments<'q>> {
    match value {
        Value::Null => query.bind(None::<i64>),
        Value::Bool(value) => query.bind(*value),
        Value::Integer(value) => query.bind(*value),
        Value::Text(value) => query.bind(value.as_str()),
    }
}

/// All rows of `table`, to be compared with those of another sink.
pub async fn rows(connection: &mut SqliteConnection, table: &'static Table) -> Result<Rows, sqlx::Error> {
    let statement = sql::select_all(table);
    let mut rows = Rows::new();
    for row in sqlx::query(&statement).fetch_all(connection).await? {
        let cell = |(place, column): (usize, &Column)| match column.kind {
            ColumnType::Bool => row.try_get::<Option<bool>, _>(place).map(Value::from),
            ColumnType::Integer => {
                let value = row.try_get::<Option<i64>, _>(place)?;
                Ok(value.map_or(Value::Null, Value::Integer))
            }
            ColumnType::Text | ColumnType::Json => row.try_get::<Option<&str>, _>(place).map(Value::from),
        };
        let mut key: Vec<_> = table.all_columns().enumerate().map(cell).collect::<Result<_, _>>()?;
        let cells = key.split_off(table.key.len());
        rows.insert(key, cells);
    }
    Ok(rows)
}

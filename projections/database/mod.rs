//! The database of the views, SQLite or Postgres, behind one face: queries with their values, rows, transactions.
//!
//! A query has one text for both. What differs between them is in the two modules here and in [`crate::sql`]; how each
//! is opened is in [`crate::views`].

mod copy;
mod filler;
mod postgres;
mod sqlite;

use std::{borrow::Cow, io, time::Duration};

use sqlx::{
    ColumnIndex, Decode, Executor as _, PgPool, Postgres, Row as _, Sqlite, SqlitePool, Type,
    postgres::PgRow, raw_sql, sqlite::SqliteRow,
};
use tokio::time::timeout;

pub(crate) use filler::Filler;
pub(crate) use postgres::sqlstate;
pub(crate) use sqlite::result_code;

use crate::{sink::fold::Group, sql::Dialect, table::Value};

/// How long a statement waits for the lock of another process. Short, because who keeps the views tries again, and
/// stops cleanly in between.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(1);

/// How long a statement may take on Postgres: longer than the server gives it, for one that says nothing any more.
const ANSWER: Duration = Duration::from_secs(40);

/// What a statement leads to, unless the server says nothing any more.
async fn answered<T>(statement: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let silent = || sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "Postgres does not answer"));
    timeout(ANSWER, statement).await.unwrap_or_else(|_| Err(silent()))
}

/// A statement with its values, `$1` being the first of them.
#[derive(Debug)]
pub(crate) struct Query {
    sql: Cow<'static, str>,
    values: Vec<Value>,
    /// Whether the connection keeps it prepared.
    persistent: bool,
}

impl Query {
    pub(crate) fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Self { sql: sql.into(), values: vec![], persistent: true }
    }

    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Whether its text is worth a place among the prepared statements.
    pub(crate) fn persistent(self, persistent: bool) -> Self {
        Self { persistent, ..self }
    }
}

/// One row of an answer.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The value of a column, by its name or its place.
    pub(crate) fn cell<'r, T, C>(&'r self, column: C) -> Result<T, sqlx::Error>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
        C: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}

/// Connections to the database.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    pub(crate) async fn rows(&self, query: &Query) -> Result<Vec<Row>, sqlx::Error> {
        match self {
            Self::Sqlite(pool) => sqlite::rows(&mut *pool.acquire().await?, query).await,
            Self::Postgres(pool) => answered(postgres::rows(&mut *pool.acquire().await?, query)).await,
        }
    }

    /// The row of a query that finds one at most.
    pub(crate) async fn row(&self, query: &Query) -> Result<Option<Row>, sqlx::Error> {
        Ok(self.rows(query).await?.pop())
    }

    /// A transaction in which several queries see the same state.
    pub(crate) async fn reading(&self) -> Result<Transaction, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin().await?),
            Self::Postgres(pool) => Transaction::Postgres(answered(postgres::reading(pool)).await?),
        })
    }

    /// A transaction that holds the write lock from its first moment: what it reads stays true until it commits.
    pub(crate) async fn writing(&self) -> Result<Transaction, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => Transaction::Sqlite(sqlite::writing(pool).await?),
            Self::Postgres(pool) => Transaction::Postgres(answered(postgres::writing(pool)).await?),
        })
    }

    /// A transaction for rows that nobody else writes. On Postgres it does not hold the write lock, so that whoever keeps
    /// the living rows goes on meanwhile; on SQLite whoever fills waits longer for the one lock that there is.
    pub(crate) async fn filling(&self) -> Result<Transaction, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => Transaction::Sqlite(sqlite::filling(pool).await?),
            Self::Postgres(pool) => Transaction::Postgres(answered(postgres::filling(pool)).await?),
        })
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A transaction; rolled back when it is dropped.
pub(crate) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(crate) async fn rows(&mut self, query: &Query) -> Result<Vec<Row>, sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => sqlite::rows(transaction, query).await,
            Self::Postgres(transaction) => answered(postgres::rows(transaction, query)).await,
        }
    }

    /// The row of a query that finds one at most.
    pub(crate) async fn row(&mut self, query: &Query) -> Result<Option<Row>, sqlx::Error> {
        Ok(self.rows(query).await?.pop())
    }

    /// Runs a text without values, such as a definition; nothing of it is kept prepared.
    pub(crate) async fn run(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => transaction.execute(raw_sql(sql)).await.map(|_| ()),
            Self::Postgres(transaction) => answered(transaction.execute(raw_sql(sql))).await.map(|_| ()),
        }
    }

    /// Carries out changes that have one statement in common.
    pub(crate) async fn carry_out(&mut self, group: &Group) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => sqlite::carry_out(transaction, group).await,
            Self::Postgres(transaction) => answered(postgres::carry_out(transaction, group)).await,
        }
    }

    /// Fills a table that has no rows with those of a group, where the database has a way of its own for that.
    pub(crate) async fn fill(&mut self, group: &Group) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(_) => self.carry_out(group).await,
            Self::Postgres(transaction) => answered(copy::fill(transaction, group)).await,
        }
    }

    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => answered(transaction.commit()).await,
        }
    }
}

/// Whether a statement was refused because of what it says, and will be refused again.
pub(crate) fn is_refusal(error: &sqlx::Error) -> bool {
    sqlite::is_refusal(error) || postgres::is_refusal(error)
}

/// Whether what is stored cannot be read any more.
pub(crate) fn is_damage(error: &sqlx::Error) -> bool {
    sqlite::is_damage(error) || postgres::is_damage(error)
}

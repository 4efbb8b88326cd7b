//! The database that the read models are kept in. Disposable: whatever is wrong with it, it is built again from the
//! log.
//!
//! Several processes may keep and read the same views: `serve`, and verbs beside it. What each of them applies is
//! decided under the database's write lock, so nothing is applied twice.

mod apply;
mod checkpoint;
mod open;
mod parked;
mod prepare;

use sqlx::{Sqlite, SqlitePool, Transaction};

pub use apply::{Applied, Outcome};
pub use checkpoint::Checkpoint;
pub use parked::ParkedStream;

use crate::{
    error::ViewError,
    sink::{self, Rows},
    table::Table,
};

/// The views.
#[derive(Debug, Clone)]
pub struct Views {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Views {
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// A transaction in which several queries see the same state.
    pub(crate) async fn reading(&self) -> Result<Transaction<'static, Sqlite>, ViewError> {
        Ok(self.readers.begin().await?)
    }

    /// A transaction that holds the write lock from its first moment: what it reads stays true until it commits.
    async fn writing(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// All rows of a table, to be compared with what the log says.
    pub async fn rows(&self, table: &'static Table) -> Result<Rows, ViewError> {
        let mut connection = self.readers.acquire().await?;
        Ok(sink::sqlite::rows(&mut connection, table).await?)
    }

    /// Closes the database; waits for queries that are under way.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

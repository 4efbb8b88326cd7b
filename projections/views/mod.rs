//! The database that the read models are kept in: a file of SQLite, or a schema of a Postgres database. Disposable:
//! whatever is wrong with it, it is built again from the log.
//!
//! Several processes may keep and read the same views: `serve`, and verbs beside it; on Postgres on several machines.
//! What each of them applies is decided under the database's write lock, so nothing is applied twice. Where only one
//! of them is to work, it holds a [`Lease`].

mod apply;
mod bookkeeping;
mod building;
mod digest;
mod generation;
mod lease;
mod parked;
mod postgres;
mod prepare;
mod retry;
mod save;
mod snapshots;
mod sqlite;
mod switch;
mod verification;
mod verify;

pub use apply::{Applied, Outcome};
pub use building::{BUILDER_TTL, Building, Busy, Claim};
pub use digest::{Comparison, TableDigest, ViewDigest};
pub use generation::{Builder, Generation, State};
pub use lease::Lease;
pub use parked::ParkedStream;
pub use prepare::Prepared;
pub use retry::Retried;
pub use save::Saved;
pub use snapshots::SnapshotOf;
pub use switch::Switched;
pub use verification::Verification;
pub use verify::{Difference, Differences, LogFold, Snapshot};

use crate::{
    database::{Pool, Transaction},
    error::ViewError,
    sink::{Rows, live},
    table::Table,
};

/// The views.
#[derive(Debug, Clone)]
pub struct Views {
    pub(crate) writer: Pool,
    readers: Pool,
}

impl Views {
    pub(crate) fn readers(&self) -> &Pool {
        &self.readers
    }

    /// A transaction in which several queries see the same state.
    pub(crate) async fn reading(&self) -> Result<Transaction, ViewError> {
        Ok(self.readers.reading().await?)
    }

    /// All rows of a table, to be compared with what the log says.
    pub async fn rows(&self, table: &'static Table) -> Result<Rows, ViewError> {
        Ok(live::rows(&self.readers, table).await?)
    }

    /// Closes the database; waits for queries that are under way.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

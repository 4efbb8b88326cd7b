//! Leases: of several processes, one does a piece of work.
//!
//! On SQLite there is one process that works (a second `serve` of a directory is refused), so a lease is always
//! granted there, and never lost.

use std::time::Duration;

use super::Views;
use crate::{
    database::{Pool, Query, Transaction},
    error::ViewError,
    read::Cells,
};

/// The right to do a piece of work alone, until it runs out or another process has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The name of the work.
    pub name: String,
    /// Which process has the lease.
    pub holder: String,
    /// Grows whenever another holder gets the lease: what was begun under an older epoch is not carried out.
    pub epoch: u64,
}

impl Views {
    /// Gets the lease on the work `name` for `ttl`, by the clock of the database, or renews it; none while another
    /// holder has it.
    pub async fn lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, ViewError> {
        let granted = |epoch| Lease { name: name.into(), holder: holder.into(), epoch };
        if let Pool::Sqlite(_) = self.writer {
            return Ok(Some(granted(1)));
        }
        let micros = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
        let sql = "INSERT INTO leases (name, holder, epoch, until) \
                VALUES ($1, $2, 1, clock_timestamp() + $3 * interval '1 microsecond') \
            ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until, \
                epoch = leases.epoch + CASE WHEN leases.holder = excluded.holder THEN 0 ELSE 1 END \
            WHERE leases.holder = excluded.holder OR leases.until <= clock_timestamp() \
            RETURNING epoch";
        let row = self.writer.row(&Query::new(sql).bind(name).bind(holder).bind(micros)).await?;
        row.map(|row| Cells(&row).count("epoch").map(granted)).transpose()
    }

    /// Gives the lease back, so that another holder gets it at once. Nothing happens when it is lost already.
    pub async fn release(&self, lease: &Lease) -> Result<(), ViewError> {
        if let Pool::Postgres(_) = self.writer {
            // The row stays, and with it the epoch that the next one has to exceed.
            let sql = "UPDATE leases SET until = '-infinity' WHERE name = $1 AND holder = $2 AND epoch = $3";
            let query = Query::new(sql).bind(lease.name.as_str()).bind(lease.holder.as_str());
            self.writer.rows(&query.bind(lease.epoch.cast_signed())).await?;
        }
        Ok(())
    }
}

/// Whether nobody else has got the lease. One that has run out is still held: until another has it, nobody else works.
pub(super) async fn is_held(writing: &mut Transaction, lease: &Lease) -> Result<bool, sqlx::Error> {
    if let Transaction::Sqlite(_) = writing {
        return Ok(true);
    }
    let sql = "SELECT 1 FROM leases WHERE name = $1 AND holder = $2 AND epoch = $3";
    let query = Query::new(sql).bind(lease.name.as_str()).bind(lease.holder.as_str());
    Ok(writing.row(&query.bind(lease.epoch.cast_signed())).await?.is_some())
}

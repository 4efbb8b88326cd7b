//! A deployment in a Postgres database, of three schemas.

use std::sync::Arc;

use muster_projections::views::Views;

use super::{DeploymentOptions, OpenError, Parts, is_ahead};
use crate::{
    clock::Clock,
    database::Database,
    sealing::{KeyRing, MasterSource},
    store::postgres::PostgresStore,
};

/// Connections that apply to the views: one, and one that renews the lease meanwhile.
const VIEW_WRITERS: u32 = 2;
/// Connections that read the views at the same time.
const VIEW_READERS: u32 = 8;

/// Opens the schemas, which are made in a database without them.
pub(super) async fn open(
    database: &Database,
    options: &DeploymentOptions,
    master: MasterSource,
    clock: &Arc<dyn Clock>,
) -> Result<Parts, OpenError> {
    if !options.create && !PostgresStore::exists(database).await? {
        return Err(OpenError::NoLedger(database.place()));
    }
    let mut store = PostgresStore::open(database, Arc::clone(clock)).await?;
    let keys = KeyRing::open_postgres(database, master, Arc::clone(clock)).await?;
    let views = Views::open_postgres(database.pool(VIEW_WRITERS), database.pool(VIEW_READERS)).await?;
    if is_ahead(&views, &store).await? {
        drop(store);
        PostgresStore::renew_incarnation(database).await?;
        store = PostgresStore::open(database, Arc::clone(clock)).await?;
    }
    Ok(Parts { store: Arc::new(store), keys, views })
}

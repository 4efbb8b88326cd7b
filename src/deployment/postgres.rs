//! A deployment in a Postgres database, of four schemas.

use std::sync::Arc;

use muster_projections::views::Views;

use super::{DeploymentOptions, OpenError, Parts, is_ahead};
use crate::{
    blobs::PostgresBlobStore,
    clock::Clock,
    database::Database,
    sealing::{KeyRing, MasterSource},
    store::{StoreError, postgres::PostgresStore},
};

/// Connections that write the views: one applies, one renews the lease meanwhile, one fills rows that are built anew.
const VIEW_WRITERS: u32 = 3;
/// Connections that read the views at the same time.
const VIEW_READERS: u32 = 8;

/// Opens the schemas, which are made in a database without them.
pub(super) async fn open(
    database: &Database,
    options: &DeploymentOptions,
    master: MasterSource,
    clock: &Arc<dyn Clock>,
) -> Result<Parts, OpenError> {
    if !PostgresStore::exists(database).await? && !options.create {
        return Err(OpenError::NoLedger(options.place()));
    }
    refuse_lost(database, options).await?;
    // The keys first and the views last, so that what is there without the one before it has lost that.
    let keys = KeyRing::open_postgres(database, master, Arc::clone(clock)).await?;
    let mut store = PostgresStore::open(database, Arc::clone(clock)).await?;
    let views = open_views(database).await?;
    if is_ahead(&views, &store).await? {
        drop(store);
        PostgresStore::renew_incarnation(database).await?;
        store = PostgresStore::open(database, Arc::clone(clock)).await?;
    }
    let blobs = Arc::new(PostgresBlobStore::open(database).await?);
    Ok(Parts { store: Arc::new(store), keys, blobs, views })
}

/// The views.
pub(super) async fn open_views(database: &Database) -> Result<Views, OpenError> {
    Ok(Views::open_postgres(database.pool(VIEW_WRITERS), database.pool(VIEW_READERS)).await?)
}

/// Refuses a database that has lost a part of what belongs together.
async fn refuse_lost(database: &Database, options: &DeploymentOptions) -> Result<(), OpenError> {
    let used = database.used_schemas().await.map_err(StoreError::from)?;
    let has = |schema: &str| used.iter().any(|used| used == schema);
    let lost = |lost, left| Err(OpenError::Lost { place: options.place(), lost, left });
    match (has("log"), has("keys"), has("views")) {
        (true, false, _) => lost("schema keys", "schema log"),
        (false, true, true) => lost("schema log", "schema keys"),
        _ => Ok(()),
    }
}

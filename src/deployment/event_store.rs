//! A deployment whose log is in an event store; keys, pictures and read models are in a data directory or in a Postgres
//! database. Each process has a mirror of the log in its data directory.

use std::sync::Arc;

use muster_projections::views::Views;

use super::{
    BLOBS_FILE, DeploymentOptions, KEYS_FILE, OpenError, Parts, VIEWS_FILE, directory, is_ahead, postgres,
};
use crate::{
    blobs::{BlobStore, PostgresBlobStore, SqliteBlobStore},
    clock::Clock,
    sealing::{KeyRing, MasterSource},
    store::{
        Store as _, StoreError,
        eventstore::{EventStore, EventStoreUrl},
    },
};

/// Opens the parts where they are, which are made for a new log.
pub(super) async fn open(
    url: &EventStoreUrl,
    options: &DeploymentOptions,
    master: MasterSource,
    clock: &Arc<dyn Clock>,
) -> Result<Parts, OpenError> {
    let event_store = EventStore::at(url)?;
    refuse_lost(&event_store, options).await?;
    let (data, clock) = (&options.data, Arc::clone(clock));
    directory::make(data)?;
    // The keys first and the views last, so that what is there without the one before it has lost that.
    let keys = match &options.database {
        None => KeyRing::open_sqlite(&data.join(KEYS_FILE), master, Arc::clone(&clock)).await?,
        Some(database) => KeyRing::open_postgres(database, master, Arc::clone(&clock)).await?,
    };
    let mut store = event_store.open(data, Arc::clone(&clock)).await?;
    let views = match &options.database {
        None => Views::open(&data.join(VIEWS_FILE)).await?,
        Some(database) => postgres::open_views(database).await?,
    };
    if is_ahead(&views, &*store).await? {
        let seen = store.incarnation();
        drop(store);
        event_store.renew_incarnation(seen).await?;
        store = event_store.open(data, clock).await?;
    }
    let blobs: Arc<dyn BlobStore> = match &options.database {
        None => Arc::new(SqliteBlobStore::open(&data.join(BLOBS_FILE)).await?),
        Some(database) => Arc::new(PostgresBlobStore::open(database).await?),
    };
    Ok(Parts { store, keys, blobs, views })
}

/// Refuses what has lost a part of what belongs together.
async fn refuse_lost(event_store: &EventStore, options: &DeploymentOptions) -> Result<(), OpenError> {
    let lost = |lost, left| Err(OpenError::Lost { place: options.place(), lost, left });
    let has_log = event_store.has_log().await?;
    let (has_keys, has_views) = match &options.database {
        None => {
            let has = |file: &str| options.data.join(file).exists();
            (has(KEYS_FILE), has(VIEWS_FILE))
        }
        Some(database) => {
            let used = database.used_schemas().await.map_err(StoreError::from)?;
            let has = |schema: &str| used.iter().any(|used| used == schema);
            (has("keys"), has("views"))
        }
    };
    match (has_log, has_keys) {
        (true, false) => lost("what holds the keys", "the log"),
        (false, true) if has_views => lost("the log", "what holds the keys"),
        (false, _) if !options.create => Err(OpenError::NoLedger(options.place())),
        _ => Ok(()),
    }
}

//! What of a deployment cannot be built anew.

use std::{path::Path, sync::Arc};

use super::{BLOBS_FILE, DeploymentOptions, KEYS_FILE, LOG_FILE, OpenError, Place, directory};
use crate::{
    blobs::{BlobStore, PostgresBlobStore, SqliteBlobStore},
    clock::{Clock, SystemClock},
    sealing::{KeyStore, PostgresKeyStore, SqliteKeyStore},
    store::{
        Store,
        eventstore::{EventStoreStore, EventStoreUrl},
        postgres::PostgresStore,
        sqlite::SqliteStore,
    },
};

/// The log, the keys as they are wrapped, and the pictures: opened without the master key, and without asking whether they
/// are whole.
#[derive(Debug, Clone)]
pub struct Holdings {
    /// Where they are kept.
    pub place: Place,
    /// The log.
    pub store: Arc<dyn Store>,
    /// The keys.
    pub keys: Arc<dyn KeyStore>,
    /// The pictures.
    pub blobs: Arc<dyn BlobStore>,
}

impl Holdings {
    /// Opens those of a deployment; made where there are none, when `options` say so.
    pub async fn of(options: &DeploymentOptions) -> Result<Self, OpenError> {
        let place = options.place();
        if !options.create && !options.has_ledger().await? {
            return Err(OpenError::NoLedger(place));
        }
        if let Some(url) = &options.event_store {
            return Self::with_log_in(url, options).await;
        }
        let Some(database) = &options.database else {
            let data = &options.data;
            directory::make(data)?;
            let [log, keys, blobs] = [LOG_FILE, KEYS_FILE, BLOBS_FILE].map(|file| data.join(file));
            return Self::in_files(&log, &keys, &blobs, place).await;
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Ok(Self {
            place,
            keys: Arc::new(PostgresKeyStore::open(database).await?),
            store: Arc::new(PostgresStore::open(database, clock).await?),
            blobs: Arc::new(PostgresBlobStore::open(database).await?),
        })
    }

    async fn with_log_in(url: &EventStoreUrl, options: &DeploymentOptions) -> Result<Self, OpenError> {
        let (data, clock) = (&options.data, Arc::new(SystemClock));
        directory::make(data)?;
        let store = EventStoreStore::open(url, data, clock).await?;
        let (keys, blobs): (Arc<dyn KeyStore>, Arc<dyn BlobStore>) = match &options.database {
            None => (
                Arc::new(SqliteKeyStore::open(&data.join(KEYS_FILE)).await?),
                Arc::new(SqliteBlobStore::open(&data.join(BLOBS_FILE)).await?),
            ),
            Some(database) => (
                Arc::new(PostgresKeyStore::open(database).await?),
                Arc::new(PostgresBlobStore::open(database).await?),
            ),
        };
        Ok(Self { place: options.place(), store, keys, blobs })
    }

    /// Opens three files, which are made where there are none; their directories must be there.
    pub async fn in_files(log: &Path, keys: &Path, blobs: &Path, place: Place) -> Result<Self, OpenError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Ok(Self {
            place,
            store: Arc::new(SqliteStore::open(log, clock)?),
            keys: Arc::new(SqliteKeyStore::open(keys).await?),
            blobs: Arc::new(SqliteBlobStore::open(blobs).await?),
        })
    }
}

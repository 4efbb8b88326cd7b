//! What of a deployment cannot be built anew.

use std::{path::Path, sync::Arc};

use super::{BLOBS_FILE, DeploymentOptions, KEYS_FILE, LOG_FILE, OpenError, Place, directory};
use crate::{
    blobs::{BlobStore, PostgresBlobStore, SqliteBlobStore},
    clock::{Clock, SystemClock},
    sealing::{KeyStore, PostgresKeyStore, SqliteKeyStore},
    store::{Store, eventstore::EventStore, postgres::PostgresStore, sqlite::SqliteStore},
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
        let (data, clock): (_, Arc<dyn Clock>) = (&options.data, Arc::new(SystemClock));
        if options.database.is_none() || options.event_store.is_some() {
            directory::make(data)?;
        }
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
        let store: Arc<dyn Store> = match (&options.event_store, &options.database) {
            (Some(url), _) => EventStore::at(url)?.open(data, clock).await?,
            (None, None) => Arc::new(SqliteStore::open(&data.join(LOG_FILE), clock)?),
            (None, Some(database)) => Arc::new(PostgresStore::open(database, clock).await?),
        };
        Ok(Self { place, store, keys, blobs })
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

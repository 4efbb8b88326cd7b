//! A deployment in a data directory, of four SQLite files.

use std::{fs, os::unix::fs::DirBuilderExt, path::Path, sync::Arc};

use muster_projections::views::Views;

use super::{DeploymentOptions, OpenError, Parts, is_ahead};
use crate::{
    blobs::SqliteBlobStore,
    clock::Clock,
    sealing::{KeyRing, MasterSource},
    store::{Store, sqlite::SqliteStore},
};

/// The log.
pub const LOG_FILE: &str = "log.db";
/// The read models; may be deleted, and are built again.
pub const VIEWS_FILE: &str = "views.db";
/// The pictures.
pub const BLOBS_FILE: &str = "blobs.db";
/// The keys.
pub const KEYS_FILE: &str = "keys.db";

/// Opens the files, which are made in a new directory.
pub(super) async fn open(
    options: &DeploymentOptions,
    master: MasterSource,
    clock: &Arc<dyn Clock>,
) -> Result<Parts, OpenError> {
    let data = &options.data;
    prepare(options)?;
    let keys = KeyRing::open_sqlite(&data.join(KEYS_FILE), master, Arc::clone(clock)).await?;
    let (store, views) = open_log(data, clock).await?;
    let blobs = Arc::new(SqliteBlobStore::open(&data.join(BLOBS_FILE)).await?);
    Ok(Parts { store, keys, blobs, views })
}

/// Makes the directory of a new ledger; refuses one that has lost a part of what belongs together.
fn prepare(options: &DeploymentOptions) -> Result<(), OpenError> {
    let data = &options.data;
    let has = |file: &str| data.join(file).exists();
    match (has(LOG_FILE), has(KEYS_FILE)) {
        (true, false) => Err(OpenError::Lost { place: options.place(), lost: KEYS_FILE, left: LOG_FILE }),
        (false, true) if has(VIEWS_FILE) => {
            Err(OpenError::Lost { place: options.place(), lost: LOG_FILE, left: KEYS_FILE })
        }
        (true, true) => Ok(()),
        (false, _) if !options.create => Err(OpenError::NoLedger(options.place())),
        (false, _) => make(data),
    }
}

/// Makes a directory where there is none. Nobody else is to read what is in there, sealed or not.
pub(super) fn make(data: &Path) -> Result<(), OpenError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|error| OpenError::Directory { directory: data.into(), error })
}

/// The log, and the views after it, so that views without a log are views that have lost theirs. The log gets another
/// incarnation when the views have seen more of it than there is.
async fn open_log(data: &Path, clock: &Arc<dyn Clock>) -> Result<(Arc<dyn Store>, Views), OpenError> {
    let path = data.join(LOG_FILE);
    let store = SqliteStore::open(&path, Arc::clone(clock))?;
    let views = Views::open(&data.join(VIEWS_FILE)).await?;
    if !is_ahead(&views, &store).await? {
        return Ok((Arc::new(store), views));
    }
    drop(store);
    SqliteStore::renew_incarnation(&path)?;
    Ok((Arc::new(SqliteStore::open(&path, Arc::clone(clock))?), views))
}

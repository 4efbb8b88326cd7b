//! One deployment, opened: the log, the keys, the write side and the read side of one data directory, wired.

use std::{fs, io, path::PathBuf, sync::Arc};

use muster_projections::{error::ViewError, views::Views};
use thiserror::Error;

use crate::{
    clock::{Clock, SystemClock},
    ledger::{ExecuteError, Ledger},
    sealing::{KeyRing, MasterSource, SealingError},
    store::{Store, StoreError, sqlite::SqliteStore},
    subscription::Runner,
};

/// The log.
pub const LOG_FILE: &str = "log.db";
/// The read models; may be deleted, and are built again.
pub const VIEWS_FILE: &str = "views.db";
/// The keys.
pub const KEYS_FILE: &str = "keys.db";
/// The master key, where no other file is named.
pub const MASTER_KEY_FILE: &str = "master.key";

/// What to open.
#[derive(Debug, Clone)]
pub struct DeploymentOptions {
    /// The data directory.
    pub data: PathBuf,
    /// The file of the master key; by default in the data directory.
    pub master_key_file: Option<PathBuf>,
    /// Whether a directory that is not there, or that is empty, becomes a new ledger.
    pub create: bool,
}

/// Why a deployment cannot be opened; each text says what to mend.
#[derive(Debug, Error)]
pub enum OpenError {
    /// There is no ledger.
    #[error("there is no ledger in {}: name another directory with --data, or make one with `muster import` or `muster serve`", .0.display())]
    NoLedger(PathBuf),
    /// The directory cannot be used.
    #[error("the data directory {} cannot be used: {error}; name another one with --data", .directory.display())]
    Directory {
        /// Which.
        directory: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] StoreError),
    /// The keys cannot be opened.
    #[error(transparent)]
    Keys(#[from] SealingError),
    /// The read models cannot be opened.
    #[error(transparent)]
    Views(#[from] ViewError),
    /// The first event cannot be written.
    #[error(transparent)]
    First(#[from] ExecuteError),
}

/// One deployment, opened.
#[derive(Debug)]
pub struct Deployment {
    /// The data directory.
    pub data: PathBuf,
    /// The write side.
    pub ledger: Arc<Ledger>,
    /// The rows of the read models. Not kept up to date by themselves: see [`Deployment::runner`].
    pub views: Views,
}

impl Deployment {
    /// Opens the ledger of a data directory.
    pub async fn open(options: &DeploymentOptions) -> Result<Self, OpenError> {
        Self::open_at(options, Arc::new(SystemClock)).await
    }

    /// The same with another clock.
    pub async fn open_at(options: &DeploymentOptions, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let data = options.data.clone();
        let log = data.join(LOG_FILE);
        if !log.exists() {
            if !options.create {
                return Err(OpenError::NoLedger(data));
            }
            fs::create_dir_all(&data)
                .map_err(|error| OpenError::Directory { directory: data.clone(), error })?;
        }
        let master = match &options.master_key_file {
            Some(file) => MasterSource::File(file.clone()),
            None => MasterSource::FileMadeOnFirstRun(data.join(MASTER_KEY_FILE)),
        };
        let keys = KeyRing::open_sqlite(&data.join(KEYS_FILE), master, Arc::clone(&clock)).await?;
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&log, Arc::clone(&clock))?);
        let ledger = Arc::new(Ledger::open(store, keys, clock).await?);
        let views = Views::open(&data.join(VIEWS_FILE)).await?;
        Ok(Self { data, ledger, views })
    }

    /// What keeps the read models up to date: run by a server all the time, by a verb to the head once.
    pub fn runner(&self) -> Runner {
        let (store, clock) = (Arc::clone(self.ledger.store()), Arc::clone(self.ledger.clock()));
        Runner::new(store, self.views.clone(), muster_projections::all(), clock)
    }
}

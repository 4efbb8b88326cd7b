//! One deployment, opened: the log, the keys, the write side and the read side of one data directory, wired.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use muster_projections::{error::ViewError, views::Views};
use thiserror::Error;

use crate::{
    clock::{Clock, SystemClock},
    database::Database,
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
    /// The database of the log and the keys; by default files in the data directory.
    pub database: Option<Database>,
    /// The file of the master key; by default in the data directory, where it is made when there are no keys yet.
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
    /// Part of what belongs together is gone.
    #[error(
        "{lost} is gone from {}, and {left} is nothing without it: put {lost} back from its backup, or begin anew in \
         another directory (--data)",
        .data.display()
    )]
    Lost {
        /// The data directory.
        data: PathBuf,
        /// What is gone.
        lost: &'static str,
        /// What is left.
        left: &'static str,
    },
    /// The keys are those of another log.
    #[error("{KEYS_FILE} in {} does not belong to {LOG_FILE} there: put the right one back from its backup", .0.display())]
    OtherKeys(PathBuf),
    /// The directory cannot be used.
    #[error("the data directory {} cannot be used: {error}; name another one with --data", .directory.display())]
    Directory {
        /// Which.
        directory: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// The log is to be kept where it cannot be.
    #[error("the log cannot be kept in {0} yet: leave --database-url out")]
    NotInDatabase(String),
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
        if let Some(database) = &options.database {
            return Err(OpenError::NotInDatabase(database.place()));
        }
        prepare(options)?;
        let keys = open_keys(options, &clock).await?;
        let (store, views) = open_log(&data, &clock).await?;
        let noted = store.hash_key(keys.hash_key_id()).await?;
        if noted != keys.hash_key_id() {
            return Err(OpenError::OtherKeys(data));
        }
        let ledger = Arc::new(Ledger::open(store, keys, clock).await?);
        Ok(Self { data, ledger, views })
    }

    /// What keeps the read models up to date: run by a server all the time, by a verb to the head once.
    pub fn runner(&self) -> Runner {
        let (store, clock) = (Arc::clone(self.ledger.store()), Arc::clone(self.ledger.clock()));
        Runner::new(store, self.views.clone(), muster_projections::all(), clock)
    }
}

/// Makes the directory of a new ledger; refuses one that has lost a part of what belongs together.
fn prepare(options: &DeploymentOptions) -> Result<(), OpenError> {
    let data = &options.data;
    let has = |file: &str| data.join(file).exists();
    match (has(LOG_FILE), has(KEYS_FILE)) {
        (true, false) => Err(OpenError::Lost { data: data.clone(), lost: KEYS_FILE, left: LOG_FILE }),
        (false, true) if has(VIEWS_FILE) => {
            Err(OpenError::Lost { data: data.clone(), lost: LOG_FILE, left: KEYS_FILE })
        }
        (true, true) => Ok(()),
        (false, _) if !options.create => Err(OpenError::NoLedger(data.clone())),
        (false, _) => {
            // Nobody else is to read what is in there, sealed or not.
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
            made.map_err(|error| OpenError::Directory { directory: data.clone(), error })
        }
    }
}

async fn open_keys(options: &DeploymentOptions, clock: &Arc<dyn Clock>) -> Result<KeyRing, SealingError> {
    let (data, clock) = (&options.data, Arc::clone(clock));
    let master = match &options.master_key_file {
        Some(file) => MasterSource::File(file.clone()),
        None => MasterSource::FileMadeOnFirstRun(data.join(MASTER_KEY_FILE)),
    };
    match &options.database {
        Some(database) => KeyRing::open_postgres(database, master, clock).await,
        None => KeyRing::open_sqlite(&data.join(KEYS_FILE), master, clock).await,
    }
}

/// The log, and the views after it, so that views without a log are views that have lost theirs. The log gets another
/// incarnation when the views have seen more of it than there is.
async fn open_log(data: &Path, clock: &Arc<dyn Clock>) -> Result<(Arc<dyn Store>, Views), OpenError> {
    let path = data.join(LOG_FILE);
    let store = SqliteStore::open(&path, Arc::clone(clock))?;
    let views = Views::open(&data.join(VIEWS_FILE)).await?;
    // The checkpoints first: what another process appends meanwhile makes the head higher, not lower.
    let seen = views.checkpoints().await?;
    let (incarnation, head) = (store.incarnation().to_string(), store.head().await?.position);
    if !seen.iter().any(|seen| seen.incarnation == incarnation && seen.position > head) {
        return Ok((Arc::new(store), views));
    }
    tracing::warn!(
        head = head.0,
        "the log ends before what was seen of it: it was put back to an earlier state"
    );
    drop(store);
    SqliteStore::renew_incarnation(&path)?;
    Ok((Arc::new(SqliteStore::open(&path, Arc::clone(clock))?), views))
}

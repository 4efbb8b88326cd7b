//! One deployment, opened: the log, the keys, the write side and the read side, wired; kept in the files of one data
//! directory, in one Postgres database, or in an event store with the rest in either.

mod directory;
mod event_store;
mod holdings;
mod place;
mod postgres;
mod schemas;

use std::{io, path::PathBuf, sync::Arc};

use muster_events::stream::Position;
use muster_projections::{error::ViewError, views::Views};
use thiserror::Error;

pub use directory::{BLOBS_FILE, KEYS_FILE, LOG_FILE, VIEWS_FILE};
pub use holdings::Holdings;
pub use place::Place;
pub use schemas::Schemas;

use crate::{
    blobs::{BlobError, BlobStore},
    clock::{Clock, SystemClock},
    database::Database,
    ledger::{ExecuteError, Ledger},
    sealing::{KeyRing, MasterSource, SealingError},
    store::{
        Store, StoreError,
        eventstore::{EventStore, EventStoreUrl},
        postgres::PostgresStore,
    },
    subscription::{Rebuild, Runner, Verifier},
};

/// The master key, where no other file is named.
pub const MASTER_KEY_FILE: &str = "master.key";

/// What to open.
#[derive(Debug, Clone)]
pub struct DeploymentOptions {
    /// The data directory.
    pub data: PathBuf,
    /// The database that holds the log, the keys and the read models, instead of files in the data directory.
    pub database: Option<Database>,
    /// The event store that holds the log, instead of the database or the data directory.
    pub event_store: Option<EventStoreUrl>,
    /// The file of the master key; by default one in the data directory, which is made when there are no keys yet.
    pub master_key_file: Option<PathBuf>,
    /// Whether a directory or a database in which there is no ledger becomes a new one.
    pub create: bool,
}

impl DeploymentOptions {
    /// The ledger of a data directory, which is made when there is none.
    pub fn directory(data: impl Into<PathBuf>) -> Self {
        Self { data: data.into(), database: None, event_store: None, master_key_file: None, create: true }
    }

    /// Where it is kept.
    pub fn place(&self) -> Place {
        let rest = match &self.database {
            None => Place::Directory(self.data.clone()),
            Some(database) => Place::Database(database.place()),
        };
        match &self.event_store {
            None => rest,
            Some(url) => Place::EventStore { log: url.to_string(), rest: Box::new(rest) },
        }
    }

    /// The file of the master key, wherever that was said.
    pub fn master_key(&self) -> PathBuf {
        self.master_key_file.clone().unwrap_or_else(|| self.data.join(MASTER_KEY_FILE))
    }

    /// The master key: where no other file is named, its file is made for a new ledger.
    pub(crate) fn master(&self) -> MasterSource {
        match &self.master_key_file {
            Some(file) => MasterSource::File(file.clone()),
            None => MasterSource::FileMadeOnFirstRun(self.master_key()),
        }
    }

    /// Whether there is a ledger. Makes nothing.
    pub async fn has_ledger(&self) -> Result<bool, StoreError> {
        match (&self.event_store, &self.database) {
            (Some(url), _) => EventStore::at(url)?.has_log().await,
            (None, None) => Ok(self.data.join(LOG_FILE).exists()),
            (None, Some(database)) => PostgresStore::exists(database).await,
        }
    }
}

/// Why a deployment cannot be opened; each text says what to mend.
#[derive(Debug, Error)]
pub enum OpenError {
    /// There is no ledger.
    #[error(
        "there is no ledger in {0}: name {another}, or make one with `muster import` or `muster serve`",
        another = .0.another()
    )]
    NoLedger(Place),
    /// Part of what belongs together is gone.
    #[error(
        "{lost} is gone from {place}, and {left} is nothing without it: put {lost} back from its backup, or begin anew \
         in {another}",
        another = .place.another()
    )]
    Lost {
        /// Where it was.
        place: Place,
        /// What is gone.
        lost: &'static str,
        /// What is left.
        left: &'static str,
    },
    /// The keys are those of another log.
    #[error("the keys in {0} do not belong to the log there: put the right ones back from their backup")]
    OtherKeys(Place),
    /// What is copied or restored there is not whole.
    #[error(
        "what is being copied or restored into {0} is not whole: run the same `muster copy` or `muster restore` again, it \
         goes on where it was, or begin anew in {another}",
        another = .0.another()
    )]
    NotWhole(Place),
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
    /// The pictures cannot be opened.
    #[error(transparent)]
    Blobs(#[from] BlobError),
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
    /// Where it is kept.
    pub place: Place,
    /// The write side.
    pub ledger: Arc<Ledger>,
    /// The pictures.
    pub blobs: Arc<dyn BlobStore>,
    /// The rows of the read models. Not kept up to date by themselves: see [`Deployment::runner`].
    pub views: Views,
}

impl Deployment {
    /// Opens the ledger.
    pub async fn open(options: &DeploymentOptions) -> Result<Self, OpenError> {
        Self::open_at(options, Arc::new(SystemClock)).await
    }

    /// The same with another clock.
    pub async fn open_at(options: &DeploymentOptions, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::wire(options, clock, false).await
    }

    /// Opens a ledger that has arrived from elsewhere as far as its events, keys and claims go, for what is left to be done
    /// before it is called whole.
    pub(crate) async fn open_arriving(options: &DeploymentOptions) -> Result<Self, OpenError> {
        Self::wire(options, Arc::new(SystemClock), true).await
    }

    async fn wire(
        options: &DeploymentOptions,
        clock: Arc<dyn Clock>,
        is_arriving: bool,
    ) -> Result<Self, OpenError> {
        let (place, master) = (options.place(), options.master());
        let Parts { store, keys, blobs, views } = match (&options.event_store, &options.database) {
            (Some(url), _) => event_store::open(url, options, master, &clock).await?,
            (None, None) => directory::open(options, master, &clock).await?,
            (None, Some(database)) => postgres::open(database, options, master, &clock).await?,
        };
        if !is_arriving {
            refuse_foreign_keys(&*store, keys.hash_key_id(), &place).await?;
        }
        let ledger = Arc::new(Ledger::open(store, keys, clock).await?);
        Ok(Self { place, ledger, blobs, views })
    }

    /// What keeps the read models up to date: run by a server all the time, by a verb to the head once.
    pub fn runner(&self) -> Runner {
        let (store, clock) = (Arc::clone(self.ledger.store()), Arc::clone(self.ledger.clock()));
        Runner::new(store, self.views.clone(), muster_projections::all(), clock)
    }
}

impl Deployment {
    /// What compares the read models with the log.
    pub fn verifier(&self) -> Verifier {
        let (store, clock) = (Arc::clone(self.ledger.store()), Arc::clone(self.ledger.clock()));
        Verifier::new(store, self.views.clone(), clock)
    }

    /// What builds read models anew.
    pub fn rebuild(&self) -> Rebuild {
        let (store, clock) = (Arc::clone(self.ledger.store()), Arc::clone(self.ledger.clock()));
        Rebuild::new(store, self.views.clone(), muster_projections::all(), clock)
    }
}

/// Refuses keys of another log, and a log that is not whole. A new log becomes that of these keys.
async fn refuse_foreign_keys(store: &dyn Store, hash_key: &str, place: &Place) -> Result<(), OpenError> {
    // Before the hash key: whoever founds a ledger notes that before its first event.
    let is_new = store.head().await?.position == Position::ZERO;
    if is_new {
        store.note_hash_key(hash_key).await?;
    }
    match store.hash_key().await? {
        Some(noted) if noted == hash_key => Ok(()),
        Some(_) => Err(OpenError::OtherKeys(place.clone())),
        None => Err(OpenError::NotWhole(place.clone())),
    }
}

/// What a deployment is made of.
struct Parts {
    store: Arc<dyn Store>,
    keys: KeyRing,
    blobs: Arc<dyn BlobStore>,
    views: Views,
}

/// Whether the views have seen more of the log than there is: it was put back to an earlier state.
async fn is_ahead(views: &Views, store: &dyn Store) -> Result<bool, OpenError> {
    // The checkpoints first: what another process appends meanwhile makes the head higher, not lower.
    let seen = views.generations().await?;
    let (incarnation, head) = (store.incarnation().to_string(), store.head().await?.position);
    let ahead = seen.iter().any(|seen| seen.incarnation == incarnation && seen.position > head);
    if ahead {
        tracing::warn!(
            head = head.0,
            "the log ends before what was seen of it: it was put back to an earlier state"
        );
    }
    Ok(ahead)
}

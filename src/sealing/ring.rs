//! The key ring: from a key's id, or from whose it is, to the key, through the cache.

use std::{
    collections::HashMap,
    fmt, mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use compact_str::CompactString;
use muster_events::id::{MemberId, UserId};
use tokio::{sync::Mutex as Turn, task};

use super::{
    Founding, KeyStore, MasterKey, MasterSource, NewKey, PostgresKeyStore, SealingError, Snapshot,
    SqliteKeyStore, StoredKey, Subject, WrappedKey,
    cache::{Cache, Held, PersonKey},
    cipher::{Secret, random_id},
    hashes::DeploymentKeys,
    moving,
};
use crate::{
    clock::{Clock, stopwatch},
    database::Database,
};

/// Times that a caller asks whether keys were erased, before he gives up because they are erased all the time.
const CONFIRMATIONS: usize = 8;

/// The keys of a deployment, for all who hash, seal and unseal; cheap to clone.
///
/// Unwrapped keys are kept in memory. An erasure by this ring is in force when it returns, one by another process
/// within 250 ms: by then every use asks the store for the number of erasures first. A person who is sealed for
/// within that time after another process erased him is sealed for with the destroyed key, as if it had been before.
#[derive(Clone)]
pub struct KeyRing(Arc<Inner>);

struct Inner {
    store: Arc<dyn KeyStore>,
    clock: Arc<dyn Clock>,
    /// Replaced by a rotation, here or elsewhere.
    master: RwLock<MasterKey>,
    /// Read again when another process has rotated the master key.
    master_file: Option<PathBuf>,
    deployment: DeploymentKeys,
    /// Held for a look-up only, never across an await.
    cache: Mutex<Cache>,
    /// Whoever holds it asks for the number of erasures; the others wait for his answer.
    confirming: Turn<()>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("KeyRing").field(&self.0.store).finish()
    }
}

impl KeyRing {
    /// Opens the keys in an SQLite file, which is made when there is none.
    pub async fn open_sqlite(
        path: &Path,
        master: impl Into<MasterSource>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SealingError> {
        Self::open(Arc::new(SqliteKeyStore::open(path).await?), master.into(), clock).await
    }

    /// Opens the keys in schema `keys` of a Postgres database, which is made when there is none.
    pub async fn open_postgres(
        database: &Database,
        master: impl Into<MasterSource>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SealingError> {
        Self::open(Arc::new(PostgresKeyStore::open(database).await?), master.into(), clock).await
    }

    /// Opens the keys in `store`; founds a deployment there when there is none. A master key that is not the one
    /// that wraps them is refused.
    pub async fn open(
        store: Arc<dyn KeyStore>,
        master: MasterSource,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SealingError> {
        let master_file = master.file().map(Path::to_path_buf);
        let master = moving::master_key(&*store, master).await?;
        let founding = if let Some(founding) = store.founding().await? {
            founding
        } else {
            let keys = DeploymentKeys::new_wrapped(&master);
            store.found(Founding { master: master.record(), keys }).await?
        };
        master.verify(&founding.master)?;
        let deployment = DeploymentKeys::unwrap(&master, &founding.keys)?;
        Ok(Self(Arc::new(Inner {
            store,
            clock,
            master: RwLock::new(master),
            master_file,
            deployment,
            cache: Mutex::default(),
            confirming: Turn::default(),
        })))
    }

    /// Notes that the person who was invited as `invitee` is `user`, so that an erasure of the user covers both.
    pub async fn link(&self, invitee: MemberId, user: UserId) -> Result<(), SealingError> {
        self.store().link(invitee, user).await
    }

    /// Destroys the keys of `subject`, and of the invitees linked to it, for ever. Gives their number. On an error
    /// the keys may be destroyed already; the same call again completes it.
    pub async fn erase(&self, subject: Subject) -> Result<u64, SealingError> {
        let ring = self.clone();
        // A task of its own: a caller who goes away must not leave destroyed keys in the cache.
        let erasure = task::spawn(async move {
            let erased = ring.store().erase(subject, ring.0.clock.now()).await;
            ring.cache().forget(stopwatch());
            erased
        });
        erasure.await.map_err(cut_off)?
    }

    /// Whether `subject` has a key that is not destroyed. Looked up in the store, and made by nobody.
    pub async fn has_key(&self, subject: Subject) -> Result<bool, SealingError> {
        Ok(self.store().key_of(subject).await?.found.is_some())
    }

    /// Asks the store now whether keys were erased elsewhere, without waiting until what is known has aged.
    pub async fn refresh(&self) -> Result<(), SealingError> {
        let began = stopwatch();
        let erasures = self.store().erasures().await?;
        self.cache().confirm(began, erasures);
        Ok(())
    }

    pub(super) fn deployment(&self) -> &DeploymentKeys {
        &self.0.deployment
    }

    /// The living key of `subject`; made, durably, when there is none.
    pub(super) async fn person_key(&self, subject: Subject) -> Result<Arc<PersonKey>, SealingError> {
        if let Some(key) = self.fresh(|cache| cache.key_of(subject)).await? {
            return Ok(key);
        }
        let began = stopwatch();
        let Snapshot { erasures, found } = self.store().key_of(subject).await?;
        let Snapshot { erasures, found } = match found {
            Some(found) => Snapshot { erasures, found },
            None => self.create(subject).await?,
        };
        let master = self.master_with(&found.master).await?;
        let key = Arc::new(PersonKey { secret: master.unwrap(&found)?, id: found.id });
        let mut cache = self.cache();
        if cache.confirm(began, erasures) {
            cache.keep_of(subject, Arc::clone(&key));
        }
        Ok(key)
    }

    /// What is known of the key `id`, when that is in memory.
    pub(super) async fn cached(&self, id: &str) -> Result<Option<Held>, SealingError> {
        self.fresh(|cache| cache.key(id)).await
    }

    /// What is known of each of the keys `ids`; a key that is not in the answer was never there.
    pub(super) async fn held(
        &self,
        ids: Vec<CompactString>,
    ) -> Result<HashMap<CompactString, Result<Held, SealingError>>, SealingError> {
        let mut all = HashMap::with_capacity(ids.len());
        let mut missing = Vec::new();
        let look_up = |cache: &mut Cache| ids.iter().map(|id| cache.key(id)).collect::<Vec<_>>();
        let cached = self.fresh(look_up).await?;
        for (id, held) in ids.into_iter().zip(cached) {
            match held {
                Some(held) => drop(all.insert(id, Ok(held))),
                None => missing.push(id),
            }
        }
        if missing.is_empty() {
            return Ok(all);
        }
        let began = stopwatch();
        let Snapshot { erasures, found } = self.store().keys(missing).await?;
        let fetched = self.unwrap_all(found).await;
        let mut cache = self.cache();
        let keep = cache.confirm(began, erasures);
        for (id, held) in fetched {
            if let (true, Ok(held)) = (keep, &held) {
                cache.keep(id.clone(), held.clone());
            }
            all.insert(id, held);
        }
        Ok(all)
    }

    async fn create(&self, subject: Subject) -> Result<Snapshot<WrappedKey>, SealingError> {
        let (id, holder, secret) = (random_id::<8>(), subject.to_string(), Secret::random());
        let at = self.0.clock.now();
        let new = |master: &MasterKey| NewKey { subject, key: master.wrap(&id, &holder, &secret), at };
        match self.store().create(new(&self.master())).await {
            Err(SealingError::WrongMasterKey { needed, .. }) => {
                self.store().create(new(&self.master_with(&needed).await?)).await
            }
            created => created,
        }
    }

    /// One key that does not open is no reason to withhold the others.
    pub(super) async fn unwrap_all(
        &self,
        keys: Vec<StoredKey>,
    ) -> Vec<(CompactString, Result<Held, SealingError>)> {
        let mut master = self.master();
        let mut may_have_changed = true;
        let mut unwrapped = Vec::with_capacity(keys.len());
        for key in keys {
            let held = match &key {
                StoredKey::Erased { .. } => Ok(Held::Erased),
                StoredKey::Living(wrapped) => {
                    // Looked up once, not for every key of a process that has the wrong file.
                    if master.id() != wrapped.master && mem::take(&mut may_have_changed) {
                        master = self.master_with(&wrapped.master).await.unwrap_or(master);
                    }
                    let person_key = |secret| Arc::new(PersonKey { id: wrapped.id.clone(), secret });
                    master.unwrap(wrapped).map(person_key).map(Held::Living)
                }
            };
            unwrapped.push((key.id().clone(), held));
        }
        unwrapped
    }

    /// What `read` finds in the cache, once that is known to hold no key that was erased 250 ms ago.
    async fn fresh<R>(&self, read: impl Fn(&mut Cache) -> R) -> Result<R, SealingError> {
        let asked = stopwatch();
        for _ in 0..CONFIRMATIONS {
            {
                let mut cache = self.cache();
                if cache.is_fresh(asked) {
                    return Ok(read(&mut cache));
                }
            }
            let _turn = self.0.confirming.lock().await;
            if !self.cache().is_fresh(asked) {
                self.refresh().await?;
            }
        }
        Err(SealingError::Unavailable("persons are being erased faster than keys can be read".into()))
    }

    pub(super) fn master(&self) -> MasterKey {
        self.0.master.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_master(&self, master: MasterKey) {
        *self.0.master.write().unwrap_or_else(PoisonError::into_inner) = master;
    }

    pub(super) fn store(&self) -> &dyn KeyStore {
        &*self.0.store
    }

    /// The master key `needed`: the one in use, or the one that has meanwhile taken its place in the file.
    async fn master_with(&self, needed: &str) -> Result<MasterKey, SealingError> {
        let used = self.master();
        if used.id() == needed {
            return Ok(used);
        }
        let Some(file) = self.0.master_file.clone() else { return Err(used.wrong(needed)) };
        let read = task::spawn_blocking(move || MasterKey::read(&file)).await.map_err(cut_off)??;
        if read.id() != needed {
            return Err(read.wrong(needed));
        }
        self.set_master(read.clone());
        Ok(read)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The runtime stopped, or a bug made the task panic.
#[expect(clippy::needless_pass_by_value, reason = "it is the shape that `map_err` takes")]
pub(super) fn cut_off(error: task::JoinError) -> SealingError {
    SealingError::Unavailable(format!("the work was cut off: {error}"))
}

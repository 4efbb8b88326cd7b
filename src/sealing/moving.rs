//! The keys of a deployment on their way into another store: a copy, a backup, what is put back from one.

use std::path::Path;

use sha2::{Digest as _, Sha256};
use tokio::task;

use super::{
    Founding, KeyRow, KeyStore, MasterKey, MasterSource, SealingError, StoredKey, WrappedKey, ring::cut_off,
};

/// Keys, and links, that are moved at once.
const BATCH: u32 = 1_000;

/// How keys are wrapped where they arrive.
#[derive(Debug, Clone)]
pub enum Wrapping {
    /// As they are: the same master key opens them there.
    AsTheyAre,
    /// By another master key.
    Anew {
        /// The one that wraps them now.
        from: MasterKey,
        /// The one that is to wrap them.
        to: MasterKey,
    },
}

/// What was moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MovedKeys {
    /// Keys that are there.
    pub living: u64,
    /// Tombstones.
    pub erased: u64,
}

impl Wrapping {
    /// From what one master key wraps to what another one is to wrap.
    pub fn between(from: MasterKey, to: MasterKey) -> Self {
        if from.id() == to.id() { Self::AsTheyAre } else { Self::Anew { from, to } }
    }

    fn founding(&self, mut founding: Founding) -> Result<Founding, SealingError> {
        if let Self::Anew { from, to } = self {
            from.verify(&founding.master)?;
            founding.master = to.record();
            founding.keys =
                founding.keys.iter().map(|key| rewrapped(from, to, key)).collect::<Result<_, _>>()?;
        }
        Ok(founding)
    }

    fn row(&self, mut row: KeyRow) -> Result<KeyRow, SealingError> {
        if let (Self::Anew { from, to }, StoredKey::Living(key)) = (self, &row.key) {
            row.key = StoredKey::Living(rewrapped(from, to, key)?);
        }
        Ok(row)
    }
}

fn rewrapped(from: &MasterKey, to: &MasterKey, key: &WrappedKey) -> Result<WrappedKey, SealingError> {
    Ok(to.wrap(&key.id, &key.holder, &from.unwrap(key)?))
}

/// The master key that a source names, for keys in `store`; refused when it is not the one that wraps them. A file that may
/// be made is made when there are no keys yet.
pub async fn master_key(store: &dyn KeyStore, source: MasterSource) -> Result<MasterKey, SealingError> {
    let founding = store.founding().await?;
    let is_first_run = founding.is_none();
    let master = task::spawn_blocking(move || source.key(is_first_run)).await.map_err(cut_off)??;
    if let Some(founding) = founding {
        master.verify(&founding.master)?;
    }
    Ok(master)
}

/// Refuses a master key file that does not open the keys in `store`.
pub async fn verify_master_key(store: &dyn KeyStore, file: &Path) -> Result<(), SealingError> {
    master_key(store, MasterSource::File(file.into())).await.map(drop)
}

/// Moves all keys and links, again too: what arrived already stays, and what was destroyed meanwhile is destroyed there.
/// Refused where the keys of another deployment are.
pub async fn move_keys(
    from: &dyn KeyStore,
    to: &dyn KeyStore,
    wrapping: &Wrapping,
) -> Result<MovedKeys, SealingError> {
    let Some(founding) = from.founding().await? else {
        return Err(SealingError::Unusable("there are no keys to be moved".into()));
    };
    let given = wrapping.founding(founding)?;
    let found = to.found(given.clone()).await?;
    let ids = |founding: &Founding| founding.keys.iter().map(|key| key.id.clone()).collect::<Vec<_>>();
    if ids(&found) != ids(&given) || found.master.id != given.master.id {
        let text = "other keys are there already: name a place without any";
        return Err(SealingError::Unusable(text.into()));
    }
    let (mut moved, mut after) = (MovedKeys::default(), 0);
    loop {
        let batch = from.scan(after, BATCH).await?;
        let Some(last) = batch.last() else { break };
        after = last.number;
        for row in &batch {
            *if row.erased_at.is_some() { &mut moved.erased } else { &mut moved.living } += 1;
        }
        let rows = batch.into_iter().map(|row| wrapping.row(row)).collect::<Result<_, _>>()?;
        to.take_over(rows, vec![]).await?;
    }
    let mut after = None;
    loop {
        let links = from.links(after, BATCH).await?;
        let Some(last) = links.last() else { return Ok(moved) };
        after = Some(last.clone());
        to.take_over(vec![], links).await?;
    }
}

/// SHA-256 over the ids of all persons' keys in order, and whether each is destroyed, in hexadecimal: the same however they
/// are wrapped.
pub async fn digest(store: &dyn KeyStore) -> Result<String, SealingError> {
    let (mut digest, mut after) = (Sha256::new(), 0);
    loop {
        let batch = store.scan(after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(hex::encode(digest.finalize())) };
        after = last.number;
        for row in &batch {
            digest.update(format!("{} {}\n", row.key.id(), row.erased_at.is_some()));
        }
    }
}

/// The id of the hash key among the deployment's keys in `store`, as the log notes it; none before it was founded.
pub async fn hash_key_id(store: &dyn KeyStore) -> Result<Option<String>, SealingError> {
    Ok(store.founding().await?.and_then(|founding| super::hashes::hash_key_id(&founding)))
}

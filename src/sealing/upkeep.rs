//! What an operator does with all keys at once.

use tokio::task;

use super::{KeyRing, MasterKey, Rotation, SealingError, WrappedKey, cache::Held, ring::cut_off};

/// Keys that a check reads at once.
const CHECK_BATCH: u32 = 1_000;

/// What a check of all keys found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyCheck {
    /// Keys that open.
    pub living: u64,
    /// Tombstones.
    pub erased: u64,
    /// One sentence for each key that does not open.
    pub faults: Vec<String>,
}

impl KeyRing {
    /// Wraps every key with `new`, which from then on is the only master key that opens them. The caller has put it
    /// into a file before, and other processes go on when that file takes the place of theirs.
    pub async fn rotate(&self, new: MasterKey) -> Result<(), SealingError> {
        let (old, ring) = (self.master(), self.clone());
        let rotation = task::spawn(async move {
            let (from, to, wrapping) = (old.id().into(), new.record(), new.clone());
            let rewrap = Box::new(move |key: &WrappedKey| {
                Ok(wrapping.wrap(&key.id, &key.holder, &old.unwrap(key)?).bytes)
            });
            ring.store().rotate(Rotation { from, to, rewrap }).await?;
            ring.set_master(new);
            Ok(())
        });
        rotation.await.map_err(cut_off)?
    }

    /// Opens every key once and says which do not.
    pub async fn check(&self) -> Result<KeyCheck, SealingError> {
        let (mut check, mut after) = (KeyCheck::default(), 0);
        loop {
            let batch = self.store().scan(after, CHECK_BATCH).await?;
            let Some(last) = batch.last() else { return Ok(check) };
            after = last.number;
            let keys = batch.into_iter().map(|row| row.key).collect();
            for (_, held) in self.unwrap_all(keys).await {
                match held {
                    Ok(Held::Living(_)) => check.living += 1,
                    Ok(Held::Erased) => check.erased += 1,
                    Err(error) => check.faults.push(error.to_string()),
                }
            }
        }
    }
}

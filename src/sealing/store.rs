//! What keeps the keys, whichever database that is. It sees wrapped keys only.

use std::fmt;

use async_trait::async_trait;
use compact_str::CompactString;
use muster_events::{
    id::{MemberId, UserId},
    time::Timestamp,
};

use super::{SealingError, Subject};

/// Bytes of a wrapped key: nonce, key and tag. The tables refuse any other length.
pub(super) const WRAPPED_BYTES: usize = 72;

/// A key as it is stored: encrypted by the master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Its id.
    pub id: CompactString,
    /// Whose it is: a [`Subject`] as text, or the purpose of a key of the deployment. Authenticated by the wrapping.
    pub holder: CompactString,
    /// Id of the master key that wraps it.
    pub master: CompactString,
    /// Nonce, ciphertext and tag; of the same length for every key.
    pub bytes: Vec<u8>,
}

/// A person's key as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredKey {
    /// It is there.
    Living(WrappedKey),
    /// It was destroyed; this is its tombstone.
    Erased {
        /// The id that it had.
        id: CompactString,
    },
}

impl StoredKey {
    /// The id of the key.
    pub fn id(&self) -> &CompactString {
        match self {
            Self::Living(key) => &key.id,
            Self::Erased { id } => id,
        }
    }
}

/// What was read, and after how many erasures: both in one snapshot of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot<T> {
    /// Erasures so far. While this number is the same, no key that was read has been erased.
    pub erasures: u64,
    /// What was read.
    pub found: T,
}

/// A person's key with all that is kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Its place among all keys of this store; counts for no other one.
    pub number: i64,
    /// Whose it is, or was: a [`Subject`] as text.
    pub subject: CompactString,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it was destroyed; none while it is there.
    pub erased_at: Option<Timestamp>,
    /// The key.
    pub key: StoredKey,
}

/// That the person who was invited is somebody with an account: both [`Subject`]s as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The account.
    pub user: CompactString,
    /// The invited.
    pub invitee: CompactString,
}

/// Which master key wraps everything, and how to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterRecord {
    /// Its id.
    pub id: CompactString,
    /// A known text, encrypted by it.
    pub check: Vec<u8>,
}

/// What a deployment has from its first day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Founding {
    /// The master key.
    pub master: MasterRecord,
    /// The deployment's own keys, one for each purpose.
    pub keys: Vec<WrappedKey>,
}

/// A person's key to be stored.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Whose it is.
    pub subject: Subject,
    /// The key.
    pub key: WrappedKey,
    /// When it was made.
    pub at: Timestamp,
}

/// Wraps a key anew: takes a key as it is wrapped now, gives the bytes that replace it, of the same length.
pub type Rewrap = Box<dyn FnMut(&WrappedKey) -> Result<Vec<u8>, SealingError> + Send>;

/// A change of the master key.
pub struct Rotation {
    /// Id of the master key that must be in force.
    pub from: CompactString,
    /// The one that takes its place.
    pub to: MasterRecord,
    /// Applied to every key.
    pub rewrap: Rewrap,
}

impl fmt::Debug for Rotation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Rotation").field("from", &self.from).field("to", &self.to).finish_non_exhaustive()
    }
}

/// Keeps the keys. Several processes may use the same ones at once; each function is atomic, and what it wrote is
/// durable when it returns.
#[async_trait]
pub trait KeyStore: fmt::Debug + Send + Sync {
    /// What was founded; none before the first run.
    async fn founding(&self) -> Result<Option<Founding>, SealingError>;

    /// Founds a deployment, unless another process was faster. Gives what stands now.
    async fn found(&self, new: Founding) -> Result<Founding, SealingError>;

    /// How many erasures there have been; cheap, asked for several times a second.
    async fn erasures(&self) -> Result<u64, SealingError>;

    /// Those of the keys `ids` that were ever there.
    async fn keys(&self, ids: Vec<CompactString>) -> Result<Snapshot<Vec<StoredKey>>, SealingError>;

    /// The living key of `subject`.
    async fn key_of(&self, subject: Subject) -> Result<Snapshot<Option<WrappedKey>>, SealingError>;

    /// Stores a key, unless its subject has a living one. Gives the one that stands now. Refused as
    /// [`SealingError::WrongMasterKey`] when another master key than the new key's is in force.
    async fn create(&self, new: NewKey) -> Result<Snapshot<WrappedKey>, SealingError>;

    /// Notes that the person who was invited as `invitee` is `user`, so that an erasure of the user covers both.
    async fn link(&self, invitee: MemberId, user: UserId) -> Result<(), SealingError>;

    /// Destroys the keys of `subject` and of the invitees linked to it, leaving tombstones, and gives their number.
    /// The bytes of the keys are nowhere in the database's files when it returns; when that fails after the keys
    /// are gone for every reader, it is an error, and the same call again completes it.
    async fn erase(&self, subject: Subject, at: Timestamp) -> Result<u64, SealingError>;

    /// Wraps every key anew, in one transaction; the old wrappings are nowhere in the database's files afterwards.
    async fn rotate(&self, rotation: Rotation) -> Result<(), SealingError>;

    /// The first `limit` persons' keys with numbers above `after`, for who looks at them all.
    async fn scan(&self, after: i64, limit: u32) -> Result<Vec<KeyRow>, SealingError>;

    /// The first `limit` links after `after`, for who looks at them all.
    async fn links(&self, after: Option<Link>, limit: u32) -> Result<Vec<Link>, SealingError>;

    /// Takes over persons' keys of another store, tombstones as tombstones, wrapped by the master key that is in force here;
    /// and links. What is here already stays, but for a key that is destroyed there: it is destroyed here, too.
    async fn take_over(&self, rows: Vec<KeyRow>, links: Vec<Link>) -> Result<(), SealingError>;
}

/// The bytes that a key has where it is taken over: wrapped by `master`, or those of a tombstone.
pub(super) fn taken_bytes(key: &StoredKey, master: &str) -> Result<Vec<u8>, SealingError> {
    match key {
        StoredKey::Erased { .. } => Ok(vec![0; WRAPPED_BYTES]),
        StoredKey::Living(key) if key.master == master => Ok(key.bytes.clone()),
        StoredKey::Living(key) => {
            Err(SealingError::WrongMasterKey { needed: master.into(), given: key.master.to_string() })
        }
    }
}

//! What keeps the keys, whichever database that is. It sees wrapped keys only.

use std::fmt;

use async_trait::async_trait;
use compact_str::CompactString;
use muster_events::{
    id::{MemberId, UserId},
    time::Timestamp,
};

use super::{SealingError, Subject};

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

    /// The first `limit` persons' keys with numbers above `after`, each with its number, for a check of them all.
    async fn scan(&self, after: i64, limit: u32) -> Result<Vec<(i64, StoredKey)>, SealingError>;
}

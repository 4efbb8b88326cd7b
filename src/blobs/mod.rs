//! Pictures, kept beside the log: the log names each by its digest, and its bytes can be removed without touching it.
//!
//! A blob is put here before the event that names it, so that whatever the log names was kept. One that no event came
//! to name is removed by who put it here; a process that is killed in between leaves it, which costs its room and
//! nothing else, because it is found under its name only.

mod postgres;
mod sqlite;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

pub use self::{postgres::PostgresBlobStore, sqlite::SqliteBlobStore};

/// Why a blob cannot be kept or had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BlobError {
    /// For now: busy, full, unreachable.
    #[error("the pictures are not available: {0}")]
    Unavailable(String),
    /// It cannot be used as it is; the text says what to mend.
    #[error("{0}")]
    Unusable(String),
}

/// Some bytes under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The name, which nothing else was or will be kept under.
    pub name: String,
    /// SHA-256 of the bytes, in hexadecimal digits.
    pub digest: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Blob {
    /// These bytes under this name.
    pub fn new(name: String, bytes: Vec<u8>) -> Self {
        Self { name, digest: digest(&bytes), bytes }
    }

    /// Fails when the bytes are not those that were kept.
    fn checked(self) -> Result<Self, BlobError> {
        if digest(&self.bytes) == self.digest {
            return Ok(self);
        }
        let text = format!("picture {} is damaged: put the pictures back from their backup", self.name);
        Err(BlobError::Unusable(text))
    }
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// What keeps blobs, whichever database that is.
#[async_trait]
pub trait BlobStore: std::fmt::Debug + Send + Sync {
    /// Keeps a blob, durably when this returns.
    async fn put(&self, blob: Blob) -> Result<(), BlobError>;

    /// The blob of this name, as it was kept.
    async fn get(&self, name: &str) -> Result<Option<Blob>, BlobError>;

    /// The first `limit` names after `after`, in order, for who looks at all.
    async fn names(&self, after: &str, limit: u32) -> Result<Vec<String>, BlobError>;

    /// Forgets the blob of this name; nothing happens when there is none.
    async fn remove(&self, name: &str) -> Result<(), BlobError>;
}

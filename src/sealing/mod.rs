//! The log is for ever, people are not: what is a person's is sealed with a key of that person before it is stored,
//! and forgotten by destroying the key.
//!
//! A [`KeyRing`] is what everyone holds. It hashes ([`KeyRing::hash`]), seals ([`KeyRing::sealer`]) and unseals
//! ([`KeyRing::unseal`], [`KeyRing::opener`]). Behind it a [`KeyStore`] keeps the keys of persons, each wrapped by
//! the one [`MasterKey`], which is a file of the operator's and never in the store. An erasure overwrites the wrapped
//! key and leaves a tombstone, so that what was erased ([`Unsealed::Erased`]) and what is lost
//! ([`SealingError::KeyMissing`]) are different answers.
//!
//! All of it is XChaCha20-Poly1305 with random nonces and HMAC-SHA256; whatever is authenticated or hashed is made of
//! length-prefixed parts that start with a name of their own use, so that nothing passes for something else.

mod cache;
mod cipher;
mod envelope;
mod hashes;
mod master;
pub mod moving;
mod opener;
mod postgres;
mod ring;
mod sealer;
mod sqlite;
mod store;
mod subject;
mod upkeep;

use thiserror::Error;

pub use self::{
    master::{MasterKey, MasterSource},
    opener::{ERASED, Opener, Unsealed},
    postgres::PostgresKeyStore,
    ring::KeyRing,
    sealer::{FieldSealer, Sealer},
    sqlite::SqliteKeyStore,
    store::{
        Founding, KeyRow, KeyStore, Link, MasterRecord, NewKey, Rewrap, Rotation, Snapshot, StoredKey,
        WrappedKey,
    },
    subject::{NotASubject, Subject, subject_of},
    upkeep::KeyCheck,
};

/// Why something cannot be sealed, unsealed or hashed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealingError {
    /// For now: busy, full, unreachable.
    #[error("the keys are not available: {0}")]
    Unavailable(String),
    /// The keys are wrapped by another master key than the one at hand.
    #[error(
        "the keys are wrapped by master key {needed}, but the key at hand is {given}: name the file of master key \
         {needed} with --master-key-file, or put it back from its backup"
    )]
    WrongMasterKey {
        /// Id of the master key that wraps the keys.
        needed: String,
        /// Id of the master key at hand.
        given: String,
    },
    /// The key was never here, or was lost. An erased key is no error, see [`Unsealed::Erased`].
    #[error("there is no key {0}, and it was not erased either: put the keys back from their backup")]
    KeyMissing(String),
    /// The ciphertext, or what it is said to be, is not what was sealed.
    #[error("the sealed {sealed_for} under key {key} was tampered with or damaged")]
    Tampered {
        /// Id of the person's key.
        key: String,
        /// What it is said to have been sealed as.
        sealed_for: String,
    },
    /// A personal value stands where there is no person to seal it for.
    #[error("stream {0} belongs to no person, so a personal value in it cannot be sealed")]
    NoSubject(String),
    /// It cannot be used as it is; the text says what to mend.
    #[error("{0}")]
    Unusable(String),
}

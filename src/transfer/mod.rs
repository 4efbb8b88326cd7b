//! A whole ledger on its way from one place to another: a copy into another store, a backup, what is put back from one.
//!
//! All of them are one [`Transfer`]. Events go in order, as they stand, with their identities, times and leaves; then the
//! keys as they are wrapped, or wrapped anew, and the pictures; the claims are folded from the events that arrived, and the
//! digest over their leaves has to be that of where they come from. What is there already is compared and not written
//! again, so that a transfer that was cut off goes on where it was. Idempotency keys stay behind, and the place that it
//! arrives at has an incarnation of its own.
//!
//! Until its hash key is noted, nobody opens what arrives as a ledger. Before that, [`arrive`] does what the policies had
//! not come to, tells nobody of it by letter, and parks the letters that wait: where they come from they may be sent.

pub mod backup;
pub mod receipts;

mod arrive;
mod events;
mod pictures;
mod verify;

use muster_events::stream::Position;
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use self::arrive::{Arrived, arrive};
use crate::{
    blobs::BlobError,
    deployment::{Holdings, Place},
    sealing::{
        SealingError,
        moving::{self, MovedKeys, Wrapping},
    },
    store::StoreError,
};

/// Why a transfer ended before it was done. What has arrived stays there.
#[derive(Debug, Error)]
pub enum TransferError {
    /// It was told to stop.
    #[error("cut off: the same command goes on where it was")]
    Stopped,
    /// A ledger is there.
    #[error("there is a ledger in {0} already: name {another}", another = .0.another())]
    Occupied(Place),
    /// What is to be moved is itself not whole.
    #[error(
        "what was copied or restored into {0} is not whole: the command that began it goes on where it was"
    )]
    NotWhole(Place),
    /// Another log is there.
    #[error(
        "{place} has another event at position {position}: name {another}, or remove what is there and begin anew",
        another = .place.another()
    )]
    Differs {
        /// Where it was to go.
        place: Place,
        /// The first event that differs.
        position: Position,
    },
    /// An event is not what was recorded.
    #[error(
        "the event at position {position} in {place} is not what was recorded there: `muster doctor` says more"
    )]
    Altered {
        /// Where.
        place: Place,
        /// Which.
        position: Position,
    },
    /// An event cannot be read, and so not what it claims.
    #[error(
        "the event at position {position} cannot be read ({why}): use the muster that wrote it, or a newer one"
    )]
    Unreadable {
        /// Which.
        position: Position,
        /// Why.
        why: String,
    },
    /// The log is not as long as it is said to be.
    #[error("the log in {place} ends at position {found}, and {said} was expected")]
    Short {
        /// Where.
        place: Place,
        /// Where it ends.
        found: Position,
        /// Where it should.
        said: Position,
    },
    /// What arrived is not what was sent.
    #[error("the digest over all leaves is {sent} where they come from, and {arrived} where they arrived")]
    Digest {
        /// There.
        sent: String,
        /// Here.
        arrived: String,
    },
    /// A log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Keys.
    #[error(transparent)]
    Keys(#[from] SealingError),
    /// Pictures.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// What is under way.
    pub stage: Stage,
    /// Events that were gone through in it.
    pub done: u64,
    /// Of how many.
    pub of: u64,
}

/// The two stages of a transfer that take long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stage {
    /// Events are moved.
    #[default]
    Moving,
    /// What arrived is read and compared.
    Comparing,
}

/// What has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Up to which position.
    pub position: Position,
    /// Events that were not there before.
    pub events: u64,
    /// The digest over all leaves, the same at both ends.
    pub digest: String,
    /// Keys of persons.
    pub keys: MovedKeys,
    /// Pictures that were not there before.
    pub pictures: u64,
    /// Claims that the events lead to.
    pub claims: usize,
    /// Events that were appended since to where these come from.
    pub behind: u64,
    /// The hash key, which is to be noted when all is done.
    hash_key: String,
}

/// A transfer to be made, or to go on.
#[derive(Debug)]
pub struct Transfer {
    from: Holdings,
    to: Holdings,
    wrapping: Wrapping,
    progress: watch::Sender<Progress>,
}

impl Transfer {
    /// Of all that is in `from`, to a place without a ledger.
    pub fn new(from: Holdings, to: Holdings, wrapping: Wrapping) -> Self {
        Self { from, to, wrapping, progress: watch::Sender::default() }
    }

    /// How far it is, from now on.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Moves everything, up to where the log stands when it begins. It is not whole before [`Transfer::finish`].
    ///
    /// # Errors
    ///
    /// [`TransferError`]; the same transfer goes on where this one ended, but for what is named there.
    pub async fn run(&self, stop: &CancellationToken) -> Result<Moved, TransferError> {
        if self.from.store.hash_key().await?.is_none() {
            return Err(TransferError::NotWhole(self.from.place.clone()));
        }
        if self.to.store.hash_key().await?.is_some() {
            return Err(TransferError::Occupied(self.to.place.clone()));
        }
        let (head, pictures) = self.move_pictures(stop).await?;
        let (digest, events) = self.move_events(head, stop).await?;
        // After the events, because a key is made before the first event that needs it.
        let keys = moving::move_keys(&*self.from.keys, &*self.to.keys, &self.wrapping).await?;
        let claims = self.compare(head, digest, stop).await?;
        let hash_key = moving::hash_key_id(&*self.to.keys).await?.unwrap_or_default();
        let behind = self.from.store.head().await?.position.0 - head.0;
        let digest = digest.to_string();
        Ok(Moved { position: head, events, digest, keys, pictures, claims, behind, hash_key })
    }

    /// Calls what has arrived whole: a ledger like any other from now on.
    pub async fn finish(&self, moved: &Moved) -> Result<(), TransferError> {
        Ok(self.to.store.note_hash_key(&moved.hash_key).await?)
    }

    fn tell(&self, stage: Stage, done: Position, of: Position) {
        self.progress.send_replace(Progress { stage, done: done.0, of: of.0 });
    }
}

/// Goes on unless it is told to stop.
fn go_on(stop: &CancellationToken) -> Result<(), TransferError> {
    if stop.is_cancelled() { Err(TransferError::Stopped) } else { Ok(()) }
}

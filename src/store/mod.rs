//! The log: one ordered, append-only sequence of events, and what is decided in the same instant as an append:
//! expected sequences, claims, idempotency keys.
//!
//! The promises that every store keeps stand in the contract suite, `tests/it/contract/`.

mod appending;
pub mod claimed;
pub mod eventstore;
mod followers;
mod heads;
mod idempotency;
pub mod leaf;
mod log_query;
pub mod postgres;
mod returning;
mod scan;
mod shared_read;
mod source;
pub mod sqlite;
mod stored;
mod subscribers;
mod tail;
mod taking_over;

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use async_trait::async_trait;
use muster_events::{
    claims::{BrokenClaim, Claim, ClaimChange, ClaimKind},
    event::Event,
    id::OrganizationId,
    recorded::Actor,
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock;

pub use log_query::{LogQuery, Order};
pub use scan::{Scan, ScannedEvent};
pub use stored::StoredEvent;
pub use subscribers::Lease;

/// An event to be appended, sealed and written down already.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Its identity.
    pub event_id: Uuid,
    /// The organization that it belongs to, where it belongs to one.
    pub organization: Option<OrganizationId>,
    /// What happened.
    pub event: Arc<Event>,
    /// `event`, encoded.
    pub payload: String,
    /// The metadata as JSON.
    pub metadata: Arc<str>,
    /// The actor, for filters.
    pub actor: Arc<Actor>,
}

/// The events that one command appends to one stream.
#[derive(Debug, Clone)]
pub struct StreamWrite {
    /// Where to.
    pub stream: StreamId,
    /// The sequence of the last event that the decision saw there; zero for a new stream.
    pub expected: Sequence,
    /// At least one event.
    pub events: Vec<NewEvent>,
}

/// A stream that the decision looked at and did not write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRead {
    /// Which; [`StreamId::whole_log`] reads the head of the log.
    pub stream: StreamId,
    /// The sequence of the last event that the decision saw there.
    pub sequence: Sequence,
}

/// The row that makes a retry safe: which request it was, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyedOutcome {
    /// Whose key it is: the actor as text.
    pub actor: String,
    /// Keyed hash of the key.
    pub key: String,
    /// Keyed hash of method, path, query, `If-Match` and body.
    pub request: String,
    /// The status that was answered.
    pub status: u16,
    /// What the answer is rendered from again: a refusal or the id of a resource, as JSON.
    pub result: String,
    /// The position that was answered. Set by the store: the last event of the append, the head when it had none.
    pub position: Position,
}

/// One atomic append: all of it happens, or none.
#[derive(Debug, Clone, Default)]
pub struct Append {
    /// Of which log everything is that was looked at before; none where nothing was.
    pub log: Option<Incarnation>,
    /// The events, by stream; no stream twice.
    pub writes: Vec<StreamWrite>,
    /// What else the decision rests on.
    pub reads: Vec<StreamRead>,
    /// What the events do to the claims, in order.
    pub claims: Vec<ClaimChange>,
    /// The idempotency row, written also when there are no events.
    pub key: Option<KeyedOutcome>,
}

/// What became of an append.
#[derive(Debug, Clone)]
pub struct Appended {
    /// The position of the last event of the append; of the head, when it had no events.
    pub position: Position,
    /// When all of its events were recorded.
    pub recorded_at: Timestamp,
    /// The events as stored, in order.
    pub events: Arc<[StoredEvent]>,
}

/// Why an append did not happen.
#[derive(Debug, Error)]
pub enum AppendError {
    /// A stream has moved since the decision looked at it.
    #[error("{stream} stands at {actual}, the decision saw {expected}")]
    Conflict {
        /// Which stream.
        stream: StreamId,
        /// What the decision saw.
        expected: Sequence,
        /// What the log has.
        actual: Sequence,
    },
    /// The log was put back to an earlier state since the decision looked at it.
    #[error("the log was put back to an earlier state since this was decided")]
    OtherLog,
    /// A claim stands against it.
    #[error("{:?} {} is claimed", .0.claim.kind, .0.claim.key)]
    Claimed(BrokenClaim),
    /// The idempotency key was used before; this is how that ended.
    #[error("the idempotency key was used before")]
    KeyUsed(Box<KeyedOutcome>),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a store cannot do what it is asked.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// For now: busy, full, unreachable, stopped. Nothing of the append was kept, or the text says that it is not known.
    #[error("the log is not available: {0}")]
    Unavailable(String),
    /// What is stored is not what this program wrote.
    #[error("the log is damaged: {0}")]
    Damaged(String),
    /// It cannot be opened; the text says what to mend.
    #[error("{0}")]
    Unusable(String),
    /// This append is more than the log takes at once, now and ever. Nothing of it was kept.
    #[error("that is more than the log takes at once: {0}")]
    TooLarge(String),
}

/// Where the log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The position of the last event.
    pub position: Position,
    /// When it was recorded; the epoch for an empty log.
    pub recorded_at: Timestamp,
}

/// A claim as it is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeldClaim {
    /// What is held.
    pub claim: Claim,
    /// By which aggregate; empty for a counter.
    pub holder: String,
    /// From when on it is free, where it is only held for a time.
    pub held_until: Option<Timestamp>,
    /// How often, for a counter; 1 otherwise.
    pub count: u32,
}

/// What a store can promise beyond what all do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Positions are 1, 2, 3, ... without a hole.
    pub gapless: bool,
    /// One append may write several streams.
    pub multi_stream: bool,
    /// The most bytes of one append, where there is a limit that people meet.
    pub most_bytes: Option<usize>,
}

/// Changes when a log was restored to an earlier state, so that a position of the one is never taken for a
/// position of the other. Eight hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incarnation(pub u32);

impl Incarnation {
    /// Another one.
    pub(crate) fn drawn() -> Self {
        Self(u32::from_le_bytes(clock::random_bytes()))
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:08x}", self.0)
    }
}

impl FromStr for Incarnation {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u32::from_str_radix(text, 16).map(Self)
    }
}

/// Told of every event of the log, in order, before the append that wrote it (here or in another process) has
/// any consequence in this process: before it is answered, and before a decision is checked against it.
pub trait Follower: fmt::Debug + Send + Sync {
    /// These events are durable. May be told again of events that it has seen.
    fn committed(&self, events: &[StoredEvent]);

    /// The log was put back to an earlier state: what was told before is to be forgotten.
    fn put_back(&self) {}
}

/// The log.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// What it promises beyond what all do.
    fn capabilities(&self) -> Capabilities;

    /// Which incarnation of the log this is.
    fn incarnation(&self) -> Incarnation;

    /// The one operation that writes. Durable when it returns.
    async fn append(&self, append: Append) -> Result<Appended, AppendError>;

    /// Where the log stands, whoever wrote last. Concurrent calls share one read that starts after they came.
    async fn head(&self) -> Result<Head, StoreError>;

    /// As [`Store::head`], and followers have been told of everything up to there when it returns.
    async fn confirm_head(&self) -> Result<Head, StoreError>;

    /// Events of `stream` after sequence `after`, in order, at most `limit`.
    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError>;

    /// Events of the whole log after position `after`, in order, at most `limit`.
    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError>;

    /// As [`Store::read_all`], for who reads on until nothing is left: may give fewer than there are, but none only when
    /// there are none.
    async fn read_on(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.read_all(after, limit).await
    }

    /// The wanted events of a stretch of the log, in order: all of them, so whoever asks chooses a short one.
    async fn scan(&self, scan: Scan) -> Result<Vec<ScannedEvent>, StoreError>;

    /// The events that people want to see.
    async fn query(&self, query: LogQuery) -> Result<Vec<StoredEvent>, StoreError>;

    /// Who holds `claim` now; one that was held for a time that is over is not held.
    async fn holder(&self, claim: &Claim, now: Timestamp) -> Result<Option<HeldClaim>, StoreError>;

    /// All claims in the order of [`Claim`], those after `after`, at most `limit`; held ones whose time is over
    /// included.
    async fn claims(&self, after: Option<&Claim>, limit: usize) -> Result<Vec<HeldClaim>, StoreError>;

    /// The claims of one kind with this key, whatever the scope, at most `limit`: a user's memberships, say.
    async fn claims_with_key(
        &self,
        kind: ClaimKind,
        key: &str,
        limit: usize,
    ) -> Result<Vec<HeldClaim>, StoreError>;

    /// How the request with this key ended, when it was made in the last seven days.
    async fn outcome(&self, actor: &str, key: &str) -> Result<Option<KeyedOutcome>, StoreError>;

    /// Adds a follower; it is told of what is committed from now on.
    fn follow(&self, follower: Arc<dyn Follower>);

    /// The highest position that this process knows to be durable; wakes on each commit in this process.
    fn commits(&self) -> watch::Receiver<Position>;

    /// The id of the hash key that the hashes in this log are made with. Hashes of another key never match, so that claims
    /// would hold twice: such keys are not to be used. None for an empty log, and for one that is taken over from another
    /// and is not whole yet.
    async fn hash_key(&self) -> Result<Option<String>, StoreError>;

    /// Notes the hash key, unless one is noted: from then on this is a ledger.
    async fn note_hash_key(&self, id: &str) -> Result<(), StoreError>;

    /// Takes over the next stretch of another log, as it stands there: positions, times, identities and leaves, right behind
    /// the end of this one. Durable when it returns; cut off, the beginning of it may be
    /// there. Neither claims nor keys come of it: that is for
    /// [`Store::replace_claims`] when all is there, and until [`Store::note_hash_key`] the log is nobody's to use.
    async fn take_over(&self, stretch: Vec<StoredEvent>) -> Result<(), StoreError>;

    /// Puts `claims` in the place of all that are held. Refused when the log does not end at `head`, and when it is a ledger.
    async fn replace_claims(&self, claims: Vec<HeldClaim>, head: Position) -> Result<(), StoreError>;

    /// How far a subscriber has come, whoever works; none for one that never worked.
    async fn checkpoint(&self, subscriber: &str) -> Result<Option<Position>, StoreError>;

    /// Gets the right to work as `subscriber` for `ttl`, or renews it; none while another holder has it.
    async fn lease(&self, subscriber: &str, holder: &str, ttl: Duration)
    -> Result<Option<Lease>, StoreError>;

    /// Moves the checkpoint of `lease` from where it is to `to`. False, and nothing has happened, when it is not there
    /// any more or another holder works.
    async fn advance(&self, lease: &Lease, to: Position) -> Result<bool, StoreError>;

    /// Gives the lease back, so that another holder gets it at once.
    async fn release(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Looks for damage that only this kind of store can have; one sentence for each finding.
    async fn check(&self) -> Result<Vec<String>, StoreError>;

    /// What a server does beside appends and reads for this kind of store, until it is told to stop.
    async fn upkeep(self: Arc<Self>, stop: CancellationToken) {
        stop.cancelled().await;
    }
}

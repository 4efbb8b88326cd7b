//! Idempotency keys: the request that made the key first is carried out; its repetitions are answered from the
//! row that was stored together with its events.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use muster_events::{
    refusal::{FieldError, Refusal},
    stream::Position,
};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedMutexGuard;

use super::{ExecuteError, Executed, Ledger};
use crate::store::{KeyedOutcome, StoreError};

/// The idempotency key of one request, and how its endings are answered.
#[derive(Debug, Clone)]
pub struct RequestKey {
    /// Whose key it is: the actor as text.
    pub actor: String,
    /// Keyed hash of the key.
    pub key: String,
    /// Keyed hash of method, path, query, `If-Match` and body.
    pub request: String,
    /// The status of success.
    pub success: u16,
    /// The status of a refusal.
    pub refused: fn(&Refusal) -> u16,
}

/// Said of a field whose error is not kept, because it could repeat what somebody wrote there.
const NOT_VALID_THEN: &str = "Not valid when it was first sent.";

/// What an answer is rendered from again. Nothing that somebody wrote is kept: it may be a person's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeyedResult {
    /// It was done; the id of the resource, where there is one.
    Done(Option<String>),
    /// It was refused.
    Refused(Refusal),
}

/// The right to carry out a request: no other one with the same key is under way in this process.
#[derive(Debug, Default)]
pub struct Turn {
    pub(super) key: Option<RequestKey>,
    _only: Option<OwnedMutexGuard<()>>,
}

impl Turn {
    /// For a request without a key.
    pub fn unkeyed() -> Self {
        Self::default()
    }
}

/// How a request ended that was carried out before with the same idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    /// The status that was answered.
    pub status: u16,
    /// The position that was answered.
    pub position: Position,
    /// Id of the resource.
    pub resource: Option<String>,
}

/// How a request ended.
#[derive(Debug)]
pub enum Outcome<T> {
    /// It was carried out now.
    Done(Executed<T>),
    /// It was carried out before, with this idempotency key.
    Replayed(Repeated),
}

impl<T> Outcome<T> {
    /// What was carried out now; none for a repetition.
    pub fn done(self) -> Option<Executed<T>> {
        match self {
            Self::Done(executed) => Some(executed),
            Self::Replayed(_) => None,
        }
    }
}

/// The keyed requests that this process carries out now: a repetition waits for the first.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    locks: Mutex<HashMap<(String, String), Lock>>,
}

type Lock = Arc<tokio::sync::Mutex<()>>;

impl UnderWay {
    /// Waits until no other request with this key is under way.
    pub(super) async fn begin(&self, key: &RequestKey) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            // Locks that nobody holds or waits for are forgotten here, so the map stays as small as the traffic.
            if locks.len() >= 1024 {
                locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            }
            Arc::clone(locks.entry((key.actor.clone(), key.key.clone())).or_default())
        };
        lock.lock_owned().await
    }
}

impl Ledger {
    /// Begins a request: waits while one with the same key is under way.
    ///
    /// Whether the key was used before is found out by the append, which is refused then, also when there is
    /// nothing to append but a refusal. So a key costs the first request no read of its own; whoever refuses a request
    /// before it comes to [`Ledger::execute`] does so through [`Ledger::refuse`].
    pub async fn begin(&self, key: Option<RequestKey>) -> Turn {
        let only = match &key {
            Some(key) => Some(self.under_way.begin(key).await),
            None => None,
        };
        Turn { key, _only: only }
    }

    /// How the request ended, when it was carried out before.
    pub(super) async fn before(&self, turn: &Turn, now: Refusal) -> Result<Option<Repeated>, ExecuteError> {
        let Some(key) = &turn.key else { return Ok(None) };
        let row = self.store.outcome(&key.actor, &key.key).await?;
        row.map(|row| repeated(key, row, Some(now))).transpose()
    }
}

/// The ending of the request that made the key first, for one that repeats it. `now` is the refusal that it meets at
/// this moment, where it was decided again: its words are those of the first time, as long as they are about the same.
pub(super) fn repeated(
    key: &RequestKey,
    row: KeyedOutcome,
    now: Option<Refusal>,
) -> Result<Repeated, ExecuteError> {
    if row.request != key.request {
        return Err(ExecuteError::KeyOfAnother);
    }
    let KeyedOutcome { status, position, result, .. } = row;
    match serde_json::from_str(&result) {
        Ok(KeyedResult::Done(resource)) => Ok(Repeated { status, position, resource }),
        Ok(KeyedResult::Refused(kept)) => {
            let refusal = now.filter(|now| without_values(now.clone()) == kept).unwrap_or(kept);
            Err(ExecuteError::Refused { refusal, position, replayed: true })
        }
        Err(error) => Err(StoreError::Damaged(format!("an idempotency row cannot be read: {error}")).into()),
    }
}

/// The refusal without what somebody wrote.
pub(super) fn without_values(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::InvalidFields { errors } => {
            let bare = |error: FieldError| FieldError::new(&error.field, NOT_VALID_THEN);
            Refusal::InvalidFields { errors: errors.into_iter().map(bare).collect() }
        }
        other => other,
    }
}

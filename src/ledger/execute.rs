//! Carrying out an operation: attempt, append, and again when something has moved.

use std::sync::Arc;

use compact_str::CompactString;
use muster_events::{
    claims::claims_of,
    personal::Personal,
    recorded::{Actor, ActorKind},
    refusal::Refusal,
    stream::{Position, Sequence, StreamId},
};
use thiserror::Error;
use uuid::Uuid;

use super::{
    Cached, Failure, Ledger, Operation, Outcome, RequestKey, Turn, Unit,
    cache::{AnyState, Versioned},
    keyed::{KeyedResult, Repeated, repeated, without_values},
    unit::{Parts, Staged},
};
use crate::{
    sealing::SealingError,
    store::{Append, AppendError, Appended, Incarnation, KeyedOutcome, StoreError},
};

/// How often a command is decided anew because something that it rests on has moved.
const ATTEMPTS: usize = 32;

/// The status of a refusal that is a matter of time.
const TOO_MANY_REQUESTS: u16 = 429;

/// What is known about how a command came to be asked.
#[derive(Debug, Clone)]
pub struct CommandMeta {
    /// Who asks.
    pub actor: Actor,
    /// The request.
    pub request_id: Option<CompactString>,
    /// The conversation.
    pub correlation_id: Option<CompactString>,
    /// The event that this answers.
    pub causation_id: Option<Uuid>,
    /// The address of the person who asks; sealed already, as that of the person on whose behalf a policy asks.
    pub ip: Option<Personal<String>>,
    /// The caller's program, when a person asks.
    pub user_agent: Option<String>,
}

impl CommandMeta {
    /// Nothing known but who.
    pub fn by(actor: Actor) -> Self {
        Self { actor, request_id: None, correlation_id: None, causation_id: None, ip: None, user_agent: None }
    }

    /// The ledger itself, or the operator at the command line.
    pub fn system() -> Self {
        Self::by(Actor::only(ActorKind::System))
    }

    /// An import.
    pub fn import() -> Self {
        Self::by(Actor::only(ActorKind::Import))
    }
}

/// Why a command was not carried out.
#[derive(Debug, Error)]
pub enum ExecuteError {
    /// The domain said no.
    #[error("{refusal}")]
    Refused {
        /// Why.
        refusal: Refusal,
        /// Where the log stood.
        position: Position,
        /// Whether this repeats the refusal of an earlier request with the same key.
        replayed: bool,
    },
    /// The token cannot be used any more.
    #[error("the token cannot be used")]
    Unauthenticated,
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyOfAnother,
    /// Not now; nothing was changed, or it will be found by its idempotency key.
    #[error("{0}")]
    Unavailable(String),
    /// What is stored is not what this program wrote.
    #[error("{0}")]
    Damaged(String),
    /// What the command leads to is more than the log takes at once; nothing was changed, and trying again is in vain.
    #[error("{0}")]
    TooLarge(String),
}

impl ExecuteError {
    /// Whether the command would fail in the same way the next time, whatever an operator does. What is too large for the log
    /// is not where that takes more.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Damaged(_))
    }
}

impl From<StoreError> for ExecuteError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged(_) => Self::Damaged(error.to_string()),
            StoreError::TooLarge(_) => Self::TooLarge(error.to_string()),
            StoreError::Unavailable(_) | StoreError::Unusable(_) => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<SealingError> for ExecuteError {
    fn from(error: SealingError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// A stream that the command wrote.
#[derive(Debug)]
pub struct Changed {
    /// Which.
    pub stream: StreamId,
    /// Its sequence afterwards.
    pub sequence: Sequence,
    before: AnyState,
}

/// A command that was carried out.
#[derive(Debug)]
pub struct Executed<T> {
    /// What the operation answers.
    pub answer: T,
    /// The position of its last event; of the head, when nothing changed.
    pub position: Position,
    /// What it appended, in order.
    pub appended: Appended,
    changed: Vec<Changed>,
}

impl<T> Executed<T> {
    /// Whether anything changed.
    pub fn changed_anything(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The state that the command led to, when it changed the aggregate of `id`.
    pub fn state<A: Cached>(&self, id: impl Into<StreamId>) -> Option<Versioned<A>> {
        let stream = id.into();
        let changed = self.changed.iter().find(|changed| changed.stream == stream)?;
        let mut state = A::clone(A::unwrap(&changed.before)?);
        for stored in self.appended.events.iter().filter(|stored| stored.stream == stream) {
            let event = stored.event().ok()?;
            state.evolve(A::event_of(&event)?, stored.recorded_at);
        }
        Some(Versioned { state: Arc::new(state), sequence: changed.sequence })
    }
}

/// Why one attempt ended without an append.
enum Ended {
    Moved(StreamId),
    OtherLog,
    Refused(Refusal),
    KeyUsed(Box<KeyedOutcome>),
    Failed(ExecuteError),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => Self::Refused(refusal),
            Failure::Unauthenticated => Self::Failed(ExecuteError::Unauthenticated),
            Failure::Busy => Self::Failed(ExecuteError::Unavailable(Failure::Busy.to_string())),
            Failure::Store(error) => Self::Failed(error.into()),
            Failure::Sealing(error) => Self::Failed(error.into()),
        }
    }
}

impl Ledger {
    /// Carries out `operation`; in a keyed `turn` exactly once, however often the request is repeated.
    pub async fn execute<O: Operation>(
        &self,
        operation: &O,
        meta: &CommandMeta,
        turn: Turn,
    ) -> Result<Outcome<O::Answer>, ExecuteError> {
        let key = turn.key.as_ref();
        let mut is_confirmed = false;
        for _ in 0..ATTEMPTS {
            let known = self.known();
            match self.attempt(operation, meta, key).await {
                Ok(executed) => return Ok(Outcome::Done(executed)),
                Err(Ended::Moved(stream)) => self.cache.forget(&stream),
                // Nothing is remembered of the log that was.
                Err(Ended::OtherLog) => {}
                // What it rests on was not checked by an append: another process may have changed it.
                Err(Ended::Refused(_)) if !is_confirmed && self.moved_since(known).await? => {
                    is_confirmed = true;
                }
                Err(Ended::Refused(refusal)) => {
                    return self.refuse(refusal, &turn).await.map(Outcome::Replayed);
                }
                Err(Ended::KeyUsed(row)) => {
                    let Some(key) = key else { break };
                    return repeated(key, *row, None).map(Outcome::Replayed);
                }
                Err(Ended::Failed(error)) => {
                    if matches!(error, ExecuteError::Unauthenticated) {
                        self.forget_latecomer(&meta.actor).await?;
                    }
                    return Err(error);
                }
            }
        }
        Err(ExecuteError::Unavailable(Failure::Busy.to_string()))
    }

    /// Which log is known here, and up to where.
    fn known(&self) -> (Incarnation, Position) {
        (self.store.incarnation(), *self.store.commits().borrow())
    }

    /// Whether the log has moved beyond `known`, or is another one; the caches have followed it then.
    async fn moved_since(&self, known: (Incarnation, Position)) -> Result<bool, StoreError> {
        let position = self.store.confirm_head().await?.position;
        Ok((self.store.incarnation(), position) != known)
    }

    async fn attempt<O: Operation>(
        &self,
        operation: &O,
        meta: &CommandMeta,
        key: Option<&RequestKey>,
    ) -> Result<Executed<O::Answer>, Ended> {
        let mut unit = Unit::new(self, self.clock.now());
        let answer = operation.attempt(&mut unit).await?;
        let parts = unit.into_parts();
        let done = || KeyedResult::Done(operation.resource(&answer));
        let status = |key: &RequestKey| operation.status(&answer).unwrap_or(key.success);
        let row = key.map(|key| row(key, status(key), &done()));
        // Also when nothing is to be appended: that nothing has to change is a decision that rests on what was looked at,
        // and another process may have changed it.
        let changed = parts.staged.iter().map(changed).collect();
        let appended = self.append(parts, meta, row).await?;
        Ok(Executed { answer, position: appended.position, appended, changed })
    }

    async fn append(
        &self,
        Parts { log, reads, staged, attempts }: Parts,
        meta: &CommandMeta,
        key: Option<KeyedOutcome>,
    ) -> Result<Appended, Ended> {
        let writes =
            self.seal(staged, meta, key.as_ref()).await.map_err(|error| Ended::Failed(error.into()))?;
        let events: Vec<_> =
            writes.iter().flat_map(|write| &write.events).map(|new| Arc::clone(&new.event)).collect();
        let of_events = writes.iter().flat_map(|write| {
            write.events.iter().flat_map(|new| claims_of(&write.stream, new.organization, &new.event))
        });
        // First: whoever tries too often is told so, and not what else stands against it.
        let claims = attempts.into_iter().chain(of_events).collect();
        let append = Append { log: Some(log), writes, reads, claims, key };
        self.store.append(append).await.map_err(|error| match error {
            AppendError::Conflict { stream, .. } => Ended::Moved(stream),
            AppendError::OtherLog => Ended::OtherLog,
            AppendError::Claimed(broken) => {
                Ended::Refused(Refusal::of_append(broken, events.iter().map(|event| &**event)))
            }
            AppendError::KeyUsed(row) => Ended::KeyUsed(row),
            AppendError::Store(error) => Ended::Failed(error.into()),
        })
    }

    /// Refuses a request. A refusal by rule is kept under the key, so that its repetition is refused in the same words;
    /// one that is a matter of time is not. A request that was carried out before is not refused for what stands
    /// against it now: how it ended then is the answer.
    pub async fn refuse(&self, refusal: Refusal, turn: &Turn) -> Result<Repeated, ExecuteError> {
        let mut position = *self.store.commits().borrow();
        let Some(key) = &turn.key else {
            return Err(ExecuteError::Refused { refusal, position, replayed: false });
        };
        let status = (key.refused)(&refusal);
        if status == TOO_MANY_REQUESTS {
            if let Some(repeated) = self.before(turn, refusal.clone()).await? {
                return Ok(repeated);
            }
        } else {
            let row = row(key, status, &KeyedResult::Refused(without_values(refusal.clone())));
            match self.store.append(Append { key: Some(row), ..Append::default() }).await {
                Ok(appended) => position = appended.position,
                Err(AppendError::KeyUsed(row)) => return repeated(key, *row, Some(refusal)),
                Err(AppendError::Store(error)) => return Err(error.into()),
                Err(
                    error @ (AppendError::Conflict { .. } | AppendError::OtherLog | AppendError::Claimed(_)),
                ) => {
                    return Err(ExecuteError::Damaged(error.to_string()));
                }
            }
        }
        Err(ExecuteError::Refused { refusal, position, replayed: false })
    }
}

fn row(key: &RequestKey, status: u16, result: &KeyedResult) -> KeyedOutcome {
    KeyedOutcome {
        actor: key.actor.clone(),
        key: key.key.clone(),
        request: key.request.clone(),
        status,
        result: serde_json::to_string(result).unwrap_or_default(),
        position: Position::ZERO,
    }
}

fn changed(staged: &Staged) -> Changed {
    let appended = u64::try_from(staged.events.len()).unwrap_or(u64::MAX);
    Changed {
        stream: staged.stream.clone(),
        sequence: Sequence(staged.expected.0 + appended),
        before: staged.before.clone(),
    }
}

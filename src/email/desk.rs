//! What is done with one letter: it is looked up, written, handed over, and what became of it recorded.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use lettre::message::Mailbox;
use muster_events::{
    letter::{Letter, LetterId, LetterStatus, NewLetter},
    recorded::{Actor, ActorKind},
    stream::Position,
    time::Timestamp,
};
use muster_projections::error::ViewError;
use thiserror::Error;
use tokio::{sync::watch, time::sleep};

use super::{
    MailOptions, MailTransport, NotSent, Status, Templates, compose, content::Contents, options::Retries,
    retry,
};
use crate::{
    clock::{random_bytes, stopwatch},
    ledger::{
        CommandMeta, Failure, Ledger, Turn,
        operations::{Attempted, RecordAttempt},
    },
    sealing::SealingError,
    store::StoreError,
    subscription::{LagError, ShiftError, Trouble},
};

/// The name of the subscriber.
pub(super) const NAME: &str = "sender";
/// How long the work pauses after a first error; twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause after an error.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Why nothing is sent for now.
#[derive(Debug, Error)]
pub(super) enum Pause {
    #[error(transparent)]
    Shift(#[from] ShiftError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Views(#[from] ViewError),
    #[error(transparent)]
    Lag(#[from] LagError),
    #[error(transparent)]
    Ledger(#[from] Failure),
    #[error("letters cannot be handed over: {0}")]
    Unusable(String),
}

/// What one letter needs.
#[derive(Debug)]
pub(super) struct Desk {
    /// Until when letters may be begun.
    pub(super) until: watch::Receiver<Option<Instant>>,
    pub(super) status: watch::Sender<Status>,
    /// Letters that this process does not touch again: what cannot be read, and what was sent and cannot be recorded.
    pub(super) aside: Mutex<BTreeSet<LetterId>>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) options: MailOptions,
    pub(super) from: Mailbox,
    pub(super) templates: Templates,
    pub(super) transport: Box<dyn MailTransport>,
}

/// What is damaged or lost, where that is the matter: one letter that it concerns stands in nobody's way.
fn unreadable(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Store(StoreError::Damaged(why)) => Some(why.clone()),
        Failure::Sealing(error @ (SealingError::KeyMissing(_) | SealingError::Tampered { .. })) => {
            Some(error.to_string())
        }
        _ => None,
    }
}

impl Desk {
    pub(super) fn aside(&self) -> MutexGuard<'_, BTreeSet<LetterId>> {
        // Nothing panics while it is held.
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes what keeps letters from being sent; says how long to pause.
    pub(super) fn in_trouble(&self, error: String) -> Duration {
        let before = self.status.borrow().trouble.clone();
        let (since, attempts) = before.map_or_else(
            || (self.ledger.clock().now(), 1),
            |before| (before.since, before.attempts.saturating_add(1)),
        );
        tracing::warn!(error, attempts, "no letters are sent; trying again");
        self.status.send_modify(|status| status.trouble = Some(Trouble { error, since, attempts }));
        FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1))).min(LONGEST_PAUSE)
    }

    /// Sends one letter, if it still waits and still makes sense; what is to be recorded of that.
    pub(super) async fn attempt(&self, id: LetterId) -> Result<Option<RecordAttempt>, Pause> {
        if self.until.borrow().is_none_or(|until| until <= stopwatch()) {
            return Err(ShiftError::Fenced.into());
        }
        let state = match self.ledger.state::<Letter>(&id.into()).await {
            Ok(found) => found.state,
            Err(failure) => {
                let Some(why) = unreadable(&failure) else { return Err(failure.into()) };
                tracing::error!(letter = %id, why, "a letter cannot be read, and is not sent; run `muster doctor`");
                self.aside().insert(id);
                return Ok(None);
            }
        };
        let now = self.ledger.clock().now();
        let Some(letter) = &state.letter else { return Ok(None) };
        if state.status != LetterStatus::Queued || state.next_attempt_at > now {
            return Ok(None);
        }
        let attempted = self.send(id, letter, state.attempts + 1, now).await?;
        let kind = letter.kind.name();
        match &attempted {
            Attempted::Sent => metrics::counter!("muster_letters_sent_total", "kind" => kind).increment(1),
            Attempted::Failed { next_attempt_at, code, .. } => {
                metrics::counter!("muster_letters_failed_total", "kind" => kind).increment(1);
                if next_attempt_at.is_none() {
                    tracing::warn!(letter = %id, kind, code, "a letter is parked: `muster letters show` tells why");
                }
            }
            Attempted::Dropped(_) => {
                metrics::counter!("muster_letters_dropped_total", "kind" => kind).increment(1);
            }
        }
        Ok(Some(RecordAttempt { id, organization: letter.organization, attempted }))
    }

    async fn send(
        &self,
        id: LetterId,
        letter: &NewLetter,
        attempt: u32,
        now: Timestamp,
    ) -> Result<Attempted, Pause> {
        let contents = Contents { ledger: &self.ledger, options: &self.options };
        let failed = |text: String| Attempted::Failed { code: None, text, next_attempt_at: None };
        let content = match contents.of(id, letter, now).await {
            Ok(Ok(content)) => content,
            Ok(Err(why)) => return Ok(Attempted::Dropped(why)),
            Err(failure) => {
                let why = unreadable(&failure).ok_or(failure)?;
                return Ok(failed(format!("what the letter is about cannot be read: {why}")));
            }
        };
        let rendered = match self.templates.render(letter.kind, &content) {
            Ok(rendered) => rendered,
            Err(error) => return Ok(failed(error.to_string())),
        };
        let message = match compose((id, letter.kind), &self.from, &content.recipient, rendered) {
            Ok(message) => message,
            Err(error) => return Ok(failed(error.to_string())),
        };
        match self.transport.send(id, message.envelope(), &message.formatted()).await {
            Ok(()) => Ok(Attempted::Sent),
            // A letter is not to blame for a server that nobody reaches, or that knows another password.
            Err(NotSent::Unusable(why)) => Err(Pause::Unusable(why)),
            Err(NotSent::Refused { code, text, permanent }) => {
                let pause = if permanent { None } else { Self::pause(&self.options.retries, attempt) };
                let next_attempt_at = pause.map(|pause| self.ledger.clock().now().plus(pause));
                Ok(Attempted::Failed { code, text, next_attempt_at })
            }
        }
    }

    fn pause(retries: &Retries, failed: u32) -> Option<Duration> {
        let chance = f64::from(u16::from_le_bytes(random_bytes())) / f64::from(u16::MAX);
        retry::pause(retries, failed, chance)
    }

    /// Records what became of a letter; the position of that. What the mail server has taken is recorded whatever it
    /// costs: until then it would be sent again.
    pub(super) async fn record(
        &self,
        tried: Result<Option<RecordAttempt>, Pause>,
    ) -> Result<Option<Position>, Pause> {
        let Some(operation) = tried? else { return Ok(None) };
        let id = operation.id;
        let actor = Actor { id: Some(NAME.into()), ..Actor::only(ActorKind::System) };
        let meta = CommandMeta::by(actor);
        loop {
            match self.ledger.execute(&operation, &meta, Turn::unkeyed()).await {
                Ok(outcome) => return Ok(outcome.done().map(|executed| executed.position)),
                Err(error) if error.is_final() => {
                    tracing::error!(letter = %id, %error, "what became of a letter cannot be recorded");
                    self.aside().insert(id);
                    return Ok(None);
                }
                Err(error) => {
                    let text = format!("what became of a letter is not recorded yet: {error}");
                    sleep(self.in_trouble(text)).await;
                }
            }
        }
    }
}

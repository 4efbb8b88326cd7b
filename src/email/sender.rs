//! The sender: takes the letters that are due, hands them over, and records what became of each.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use lettre::message::Mailbox;
use muster_events::{
    letter::{Letter, LetterId, LetterStatus, NewLetter},
    recorded::{Actor, ActorKind},
    stream::Position,
    time::Timestamp,
};
use muster_projections::{error::ViewError, letters::query};
use thiserror::Error;
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    MailOptions, MailTransport, NotSent, Status, Templates, TransportError, compose, content::Contents,
    options::Retries, retry,
};
use crate::{
    clock::{event_id, random_bytes, stopwatch},
    ledger::{
        CommandMeta, ExecuteError, Failure, Ledger, Turn,
        operations::{Attempted, RecordAttempt},
    },
    sealing::SealingError,
    store::{Store, StoreError},
    subscription::{ATTEMPT, LagError, ReadModels, Shift, ShiftError, Trouble},
};

/// The name of the subscriber.
const NAME: &str = "sender";
/// Most letters that are taken at once.
const BATCH: u32 = 256;
/// Results that are recorded at once, so that no connection waits for the disk. As many letters may be sent twice when the
/// process is killed, beside those under way.
const RECORDED_AT_ONCE: usize = 24;
/// How often it is looked what is due, when nobody says that there is more.
const POLL: Duration = Duration::from_millis(500);
/// How long the read models may take to see what was recorded.
const VIEW_WAIT: Duration = Duration::from_secs(10);
/// How long the work pauses after a first error; twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause after an error.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How often the backlog is measured.
const MEASURE: Duration = Duration::from_secs(5);

/// Why nothing is sent for now.
#[derive(Debug, Error)]
enum Pause {
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

/// Sends letters.
#[derive(Debug)]
pub struct Sender {
    store: Arc<dyn Store>,
    desk: Desk,
    read_models: ReadModels,
    shift: Shift,
    measured: Option<Instant>,
    status: watch::Sender<Status>,
}

/// What one letter needs.
#[derive(Debug)]
struct Desk {
    /// Until when letters may be begun.
    until: watch::Receiver<Option<Instant>>,
    status: watch::Sender<Status>,
    /// Letters that this process does not touch again: what cannot be read, and what was sent and cannot be recorded.
    aside: Mutex<BTreeSet<LetterId>>,
    ledger: Arc<Ledger>,
    options: MailOptions,
    from: Mailbox,
    templates: Templates,
    transport: Box<dyn MailTransport>,
}

impl Sender {
    /// A sender of a ledger. Nothing is sent until it is run.
    pub fn new(
        ledger: Arc<Ledger>,
        read_models: ReadModels,
        options: MailOptions,
    ) -> Result<Self, TransportError> {
        let from = options.from.parse();
        let from =
            from.map_err(|error| TransportError(format!("\"{}\" is no sender: {error}", options.from)))?;
        let templates = Templates::load(options.templates.as_deref());
        let templates = templates.map_err(|error| TransportError(error.to_string()))?;
        let transport = options.transport.open(options.patience)?;
        let store = Arc::clone(ledger.store());
        let holder = event_id(ledger.clock().now()).to_string();
        let shift = Shift::new(Arc::clone(&store), NAME, holder);
        let status = watch::channel(Status::default()).0;
        let (until, aside) = (shift.until(), Mutex::default());
        let desk = Desk { until, status: status.clone(), aside, ledger, options, from, templates, transport };
        Ok(Self { shift, store, desk, read_models, measured: None, status })
    }

    /// How it stands, from now on.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Works until `stop`. What is being handed over then is finished, and what became of it recorded.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut commits = self.store.commits();
        while !stop.is_cancelled() {
            commits.mark_unchanged();
            let (pause, follows) = match self.turn(&stop).await {
                Ok(true) => continue,
                Ok(false) => (POLL, true),
                Err(Pause::Shift(ShiftError::Fenced)) => (ATTEMPT, false),
                Err(error) => {
                    let now = self.desk.ledger.clock().now();
                    (in_trouble(&self.status, now, error.to_string()), false)
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                Ok(()) = commits.changed(), if follows => {}
                () = sleep(pause) => {}
            }
        }
        self.shift.give_back().await;
    }

    /// Sends what is due, where this process sends; says whether anything was.
    async fn turn(&mut self, stop: &CancellationToken) -> Result<bool, Pause> {
        let works = self.shift.hold().await?.is_some();
        let opened = self.read_models.status().applied.is_some();
        if !works || !opened {
            self.status.send_modify(|status| *status = Status { works, trouble: None });
            return if works { Ok(false) } else { Err(ShiftError::Fenced.into()) };
        }
        // What another process has recorded is known from here on.
        let head = self.store.confirm_head().await?.position;
        self.measure().await?;
        let now = self.desk.ledger.clock().now();
        let aside = self.desk.aside().clone();
        let due = query::due(self.read_models.views(), now, &aside, BATCH).await?;
        if due.is_empty() {
            self.status.send_modify(|status| *status = Status { works, trouble: None });
            return Ok(false);
        }
        let ended = CancellationToken::new();
        let (desk, shift) = (&self.desk, &mut self.shift);
        let begun =
            stream::iter(due).take_until(stop.cancelled()).take_until(ended.clone().cancelled_owned());
        let tried = begun.map(|id| desk.attempt(id)).buffer_unordered(desk.transport.at_once());
        let recorded = tried.map(|tried| desk.record(tried)).buffer_unordered(RECORDED_AT_ONCE);
        let all = recorded.fold(Ok(None), |all: Result<Option<Position>, Pause>, one| {
            if one.is_err() {
                ended.cancel();
            }
            std::future::ready(all.and_then(|last| one.map(|position| last.max(position))))
        });
        tokio::pin!(all);
        // Whoever has lost the lease ends what he has begun and begins no more.
        let last = tokio::select! {
            last = &mut all => last?,
            lost = shift.keep() => {
                ended.cancel();
                let _ = all.await;
                match lost? {}
            }
        };
        self.read_models.wait_for(last.unwrap_or(head), VIEW_WAIT).await?;
        self.status.send_modify(|status| *status = Status { works, trouble: None });
        // Rows of what cannot be sent or cannot be shown would keep it busy otherwise.
        Ok(last.is_some())
    }

    async fn measure(&mut self) -> Result<(), Pause> {
        if self.measured.is_some_and(|measured| measured.elapsed() < MEASURE) {
            return Ok(());
        }
        self.measured = Some(stopwatch());
        let backlog = query::backlog(self.read_models.views()).await?;
        let waits = backlog.oldest.map_or(0, |oldest| {
            self.desk.ledger.clock().now().as_micros().saturating_sub(oldest.as_micros())
        });
        metrics::gauge!("muster_letters_waiting").set(precise(backlog.queued));
        metrics::gauge!("muster_letters_parked").set(precise(backlog.parked));
        let age = Duration::from_micros(u64::try_from(waits).unwrap_or(0));
        metrics::gauge!("muster_letters_oldest_seconds").set(age.as_secs_f64());
        Ok(())
    }
}

/// Publishes what keeps letters from being sent; says how long to pause.
fn in_trouble(status: &watch::Sender<Status>, now: Timestamp, error: String) -> Duration {
    let before = status.borrow().trouble.clone();
    let (since, attempts) =
        before.map_or((now, 1), |before| (before.since, before.attempts.saturating_add(1)));
    tracing::warn!(error, attempts, "no letters are sent; trying again");
    status.send_modify(|status| status.trouble = Some(Trouble { error, since, attempts }));
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1))).min(LONGEST_PAUSE)
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

#[expect(clippy::cast_precision_loss, reason = "a gauge; no ledger has 2^53 letters")]
fn precise(count: u64) -> f64 {
    count as f64
}

impl Desk {
    fn aside(&self) -> MutexGuard<'_, BTreeSet<LetterId>> {
        // Nothing panics while it is held.
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one letter, if it still waits and still makes sense; what is to be recorded of that.
    async fn attempt(&self, id: LetterId) -> Result<Option<RecordAttempt>, Pause> {
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
        Ok(Some(RecordAttempt { id, organization: letter.organization, to: letter.to, attempted }))
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
        let content = match contents.of(letter, now).await {
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
        let message = match compose((id, letter.kind), &self.from, &content.email, rendered) {
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
    async fn record(&self, tried: Result<Option<RecordAttempt>, Pause>) -> Result<Option<Position>, Pause> {
        let Some(operation) = tried? else { return Ok(None) };
        let id = operation.id;
        let actor = Actor { id: Some(NAME.into()), ..Actor::only(ActorKind::System) };
        let meta = CommandMeta::by(actor);
        let mut pause = FIRST_PAUSE;
        loop {
            match self.ledger.execute(&operation, &meta, Turn::unkeyed()).await {
                Ok(outcome) => return Ok(outcome.done().map(|executed| executed.position)),
                Err(error @ (ExecuteError::Refused { .. } | ExecuteError::Damaged(_))) => {
                    tracing::error!(letter = %id, %error, "what became of a letter cannot be recorded");
                    self.aside().insert(id);
                    return Ok(None);
                }
                Err(error) => {
                    let text = format!("what became of a letter is not recorded yet: {error}");
                    in_trouble(&self.status, self.ledger.clock().now(), text);
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

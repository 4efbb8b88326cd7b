//! The sender: takes the letters that are due, hands them over, and records what became of each.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use muster_events::stream::Position;
use muster_projections::letters::query;
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    MailOptions, Status, Templates, TransportError,
    desk::{Desk, NAME, Pause},
};
use crate::{
    clock::{event_id, stopwatch},
    ledger::Ledger,
    store::Store,
    subscription::{ATTEMPT, ReadModels, Shift, ShiftError},
};

/// Most letters that are taken at once.
const BATCH: u32 = 256;
/// Results that are recorded at once, so that no connection waits for the disk. As many letters may be sent twice when the
/// process is killed, beside those under way.
const RECORDED_AT_ONCE: usize = 24;
/// How often it is looked what is due, when nobody says that there is more.
const POLL: Duration = Duration::from_millis(500);
/// How long the read models may take to see what was recorded.
const VIEW_WAIT: Duration = Duration::from_secs(10);
/// How often the backlog is measured.
const MEASURE: Duration = Duration::from_secs(5);

/// Sends letters.
#[derive(Debug)]
pub struct Sender {
    store: Arc<dyn Store>,
    desk: Desk,
    read_models: ReadModels,
    shift: Shift,
    measured: Option<Instant>,
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
        let desk = Desk { until, status, aside, ledger, options, from, templates, transport };
        Ok(Self { shift, store, desk, read_models, measured: None })
    }

    /// How it stands, from now on.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.desk.status.subscribe()
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
                Err(error) => (self.desk.in_trouble(error.to_string()), false),
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
            self.desk.status.send_modify(|status| *status = Status { works, trouble: None });
            return if works { Ok(false) } else { Err(ShiftError::Fenced.into()) };
        }
        // What another process has recorded is known from here on.
        let head = self.store.confirm_head().await?.position;
        self.measure().await?;
        let now = self.desk.ledger.clock().now();
        let aside = self.desk.aside().clone();
        let due = query::due(self.read_models.views(), now, &aside, BATCH).await?;
        if due.is_empty() {
            self.desk.status.send_modify(|status| *status = Status { works, trouble: None });
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
        self.desk.status.send_modify(|status| *status = Status { works, trouble: None });
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

#[expect(clippy::cast_precision_loss, reason = "a gauge; no ledger has 2^53 letters")]
fn precise(count: u64) -> f64 {
    count as f64
}

//! What a query asks for, from the past into what is yet to come.

use std::{sync::Arc, time::Duration};

use muster_events::stream::Position;
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{History, HistoryError, LogPosition, ShownEvent, Viewer};
use crate::store::{Head, Incarnation, LogQuery, Order, StoredEvent};

/// Events that are in memory at once, and given between two looks at what the viewer may see.
const PAGE: usize = 100;
/// How often the end of the log is looked at when nothing wakes the reader: what other processes append.
const POLL: Duration = Duration::from_millis(100);
/// The least time between two reads at the end of the log, so that a busy log does not make every reader read at each
/// commit.
const BREATH: Duration = Duration::from_millis(10);
/// The least time between two announcements of a filtered stretch: on a busy log there is one at each commit.
const STRETCH: Duration = Duration::from_secs(1);

/// What comes next.
#[derive(Debug)]
pub(super) enum Step {
    /// These events, at least one.
    Events(Vec<ShownEvent>),
    /// Nothing, as far as this position: after a stretch without an event that was asked for, and in a long silence.
    Nothing(Position),
}

/// A reader with a cursor of its own. It reads when it is asked for the next step, never ahead.
#[derive(Debug)]
pub(super) struct Live {
    history: History,
    query: LogQuery,
    viewer: Arc<dyn Viewer>,
    shutdown: CancellationToken,
    commits: watch::Receiver<Position>,
    /// Of which log the cursor is.
    log: Incarnation,
    /// All up to here was looked at.
    cursor: Position,
    /// Whether there may be something to read now.
    unread: bool,
    /// Whether events were passed over since the last step.
    passed: bool,
    /// Whether no later event can be one that is asked for.
    complete: bool,
    silence: Interval,
    stretch: Interval,
}

impl Live {
    /// Starts after `query.after`, which must not lie beyond the end of the log; without it, at the beginning.
    /// `query.limit` is of no account.
    pub(super) async fn start(
        history: History,
        query: LogQuery,
        viewer: Arc<dyn Viewer>,
        shutdown: CancellationToken,
    ) -> Result<Self, HistoryError> {
        if query.order == Order::Descending {
            return Err(HistoryError::NewestFirst);
        }
        let log = history.store.incarnation();
        let (cursor, head) = (query.after.unwrap_or_default(), history.store.head().await?.position);
        history.still(log)?;
        if cursor > head {
            return Err(HistoryError::AheadOfLog { given: history.at(cursor), head: history.at(head) });
        }
        let (mut silence, mut stretch) = (interval(history.heartbeat), interval(STRETCH));
        silence.reset();
        stretch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            commits: history.store.commits(),
            history,
            query,
            viewer,
            shutdown,
            log,
            cursor,
            unread: true,
            passed: false,
            complete: false,
            silence,
            stretch,
        })
    }

    /// `position` of the log that is followed, as it is given to clients.
    pub(super) fn at(&self, position: Position) -> LogPosition {
        LogPosition { incarnation: self.log, position }
    }

    /// The next step; none when the process stops, when the viewer may see nothing any more, and when no later event
    /// can be one that is asked for.
    pub(super) async fn next(&mut self) -> Result<Option<Step>, HistoryError> {
        while !self.shutdown.is_cancelled() {
            if self.unread {
                let events = self.read().await?;
                if events.is_empty() {
                    continue;
                }
                // Asked after the read: what was appended after a revocation is never shown.
                let Some(sight) = self.viewer.sight().await else { break };
                let shown = self.history.show(&events, sight).await?;
                self.silence.reset();
                return Ok(Some(Step::Events(shown)));
            }
            if self.complete {
                break;
            }
            if self.wait().await {
                self.history.still(self.log)?;
                self.silence.reset();
                self.passed = false;
                let allowed = self.viewer.sight().await.is_some();
                return Ok(allowed.then_some(Step::Nothing(self.cursor)));
            }
        }
        Ok(None)
    }

    /// The next events that are asked for; moves the cursor to the last of them, or to the end of the log when there
    /// are no more until there.
    async fn read(&mut self) -> Result<Vec<StoredEvent>, HistoryError> {
        self.commits.mark_unchanged();
        let head = self.history.store.head().await?;
        self.history.still(self.log)?;
        let query = LogQuery {
            after: Some(self.cursor),
            up_to: Some(self.query.up_to.map_or(head.position, |up_to| up_to.min(head.position))),
            limit: PAGE,
            ..self.query.clone()
        };
        let beyond = head.position > self.cursor;
        let events = if beyond { self.history.find(query, self.log).await? } else { Vec::new() };
        self.unread = events.len() == PAGE;
        let last = events.last().map(|last| last.position);
        if let (true, Some(last)) = (self.unread, last) {
            self.cursor = last;
        } else {
            self.passed |= last.unwrap_or(self.cursor) < head.position;
            self.cursor = self.cursor.max(head.position);
        }
        self.complete = self.is_last(head);
        Ok(events)
    }

    /// Whether nothing that is asked for can come after `head`: times never run backwards along positions.
    fn is_last(&self, head: Head) -> bool {
        let over = self.query.to.is_some_and(|to| to < head.recorded_at);
        over || self.query.up_to.is_some_and(|up_to| up_to <= head.position)
    }

    /// Waits at the end of the log. True when it is time to say that there is nothing.
    async fn wait(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => false,
            _ = self.silence.tick() => true,
            _ = self.stretch.tick(), if self.passed => true,
            () = woken(&mut self.commits) => {
                self.unread = true;
                false
            }
        }
    }
}

/// Returns when there may be something new: at once after a commit in this process, sooner or later otherwise.
async fn woken(commits: &mut watch::Receiver<Position>) {
    sleep(BREATH).await;
    tokio::select! {
        // That nobody announces commits any more is told by the next read.
        _ = commits.changed() => (),
        () = sleep(POLL) => (),
    }
}

/// The events that a query asks for, from the past into what is yet to come; it never ends by itself unless the query
/// has an end.
#[derive(Debug)]
pub struct Tail(Live);

impl History {
    /// Follows the log: what `query` asks for, from `query.after` on (the beginning without it), until `shutdown`.
    /// Oldest first; `query.limit` is of no account.
    pub async fn tail(
        &self,
        query: LogQuery,
        viewer: Arc<dyn Viewer>,
        shutdown: CancellationToken,
    ) -> Result<Tail, HistoryError> {
        Live::start(self.clone(), query, viewer, shutdown).await.map(Tail)
    }
}

impl Tail {
    /// The next events, at least one, as soon as there are any; none at the end.
    pub async fn next_page(&mut self) -> Result<Option<Vec<ShownEvent>>, HistoryError> {
        loop {
            match self.0.next().await? {
                Some(Step::Events(events)) => return Ok(Some(events)),
                Some(Step::Nothing(_)) => (),
                None => return Ok(None),
            }
        }
    }
}

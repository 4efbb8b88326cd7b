//! The one thread of this process that writes the log. It takes all appends that wait and commits them together.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use muster_events::{stream::Position, time::Timestamp};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{
    batch::Batch,
    claims,
    connection::Place,
    errors::StoreResult,
    keys,
    mirror::Mirror,
    mirrored,
    reads::{events_after, head},
    schema,
};
use crate::{
    clock::Clock,
    store::{
        Append, AppendError, Head, Incarnation, StoreError,
        appending::{BATCH, Command, FOLLOW_OUTSIDE, FOREIGN_PAGE, HEADS, Outcome},
        followers::Followers,
        heads::Heads,
        returning::Returning,
    },
};

/// Expired rows that one transaction deletes from each table: more than one transaction can add, so that it catches
/// up, and few enough not to be felt.
const PURGED: usize = 2 * BATCH;

/// How long a batch waits for those who are about to append, and how many are enough.
const LINGER: Duration = Duration::from_micros(200);
const ENOUGH: usize = 16;

type Answer = oneshot::Sender<Outcome>;

/// What was decided of a batch, in a transaction that is not committed yet.
pub(super) struct Decided {
    pub(super) outcomes: Vec<Outcome>,
    /// The position of the last event then.
    pub(super) head: Position,
    /// When all of it is recorded.
    pub(super) recorded_at: Timestamp,
}

/// What the thread owns.
pub(super) struct Writer {
    place: Place,
    clock: Arc<dyn Clock>,
    incarnation: Incarnation,
    followers: Arc<Followers>,
    /// None after a failure, until the next batch.
    pub(super) connection: Option<Connection>,
    heads: Heads,
    /// `heads` have followed the log, and followers were told of it, up to here.
    followed: Position,
    /// Where the log is kept elsewhere, and this mirrors it.
    pub(super) mirror: Option<Mirror>,
}

impl Writer {
    /// A writer that has not started yet.
    pub(super) fn new(
        place: Place,
        clock: Arc<dyn Clock>,
        incarnation: Incarnation,
        followers: Arc<Followers>,
        connection: Connection,
    ) -> Self {
        let followed = followers.told().position;
        let heads = Heads::new(HEADS);
        Self {
            place,
            clock,
            incarnation,
            followers,
            connection: Some(connection),
            heads,
            followed,
            mirror: None,
        }
    }

    /// Starts the thread. It ends when all senders of `commands` are gone and all that waited is done.
    pub(super) fn start(mut self, mut commands: mpsc::Receiver<Command>) -> io::Result<JoinHandle<()>> {
        let run = move || {
            let mut batch = Vec::with_capacity(BATCH);
            let mut returning = Returning::new(LINGER, ENOUGH);
            while commands.blocking_recv_many(&mut batch, BATCH) > 0 {
                returning.wait(&mut batch, &mut commands, BATCH);
                match &self.mirror {
                    None => self.serve(batch.drain(..)),
                    Some(mirror) => {
                        for part in mirrored::parts(batch.drain(..), mirror.source.most_bytes()) {
                            self.serve(part.into_iter());
                        }
                    }
                }
            }
        };
        thread::Builder::new().name("log-writer".into()).spawn(run)
    }

    /// Commits one batch and answers it, whatever happens. An answer that nobody waits for any more is dropped; the
    /// append is done all the same.
    fn serve(&mut self, batch: impl Iterator<Item = Command>) {
        let (appends, answers): (Vec<_>, Vec<_>) =
            batch.map(|Command { append, answer }| (append, answer)).unzip();
        // After a panic everything in memory is forgotten, so nothing half-done can be seen.
        let committed = catch_unwind(AssertUnwindSafe(|| self.commit(appends)));
        let outcome = committed.unwrap_or_else(|_| {
            tracing::error!("the writer of the log panicked; it goes on with the next appends");
            let unknown = "the writer failed in the middle of the append; look whether it was kept";
            Err(StoreError::Unavailable(unknown.into()))
        });
        match outcome {
            Ok(outcomes) => answer_each(answers, outcomes),
            Err(error) => {
                tracing::warn!(%error, appends = answers.len(), "appends were not acknowledged");
                self.begin_anew();
                let outcomes = answers.iter().map(|_| Err(error.clone().into())).collect();
                answer_each(answers, outcomes);
            }
        }
    }

    /// Forgets what an append that failed may have left.
    pub(super) fn begin_anew(&mut self) {
        self.connection = None;
        self.heads.clear();
    }

    /// Either all of it is durable and followers have been told, or nothing of it happened.
    fn commit(&mut self, appends: Vec<Append>) -> StoreResult<Vec<Outcome>> {
        if let Some(mirror) = self.mirror.clone() {
            return self.commit_to_source(&mirror, &appends);
        }
        let connection = self.connected()?;
        let decided = self.decide(&connection, appends)?;
        self.keep(connection, &decided)?;
        Ok(decided.outcomes)
    }

    /// The connection is the writer's again when all went well.
    pub(super) fn connected(&mut self) -> StoreResult<Connection> {
        self.connection.take().map_or_else(|| self.reopen(), Ok)
    }

    /// Begins a transaction, and does in it what can be done of `appends`.
    pub(super) fn decide(
        &mut self,
        connection: &Connection,
        appends: impl IntoIterator<Item = Append>,
    ) -> StoreResult<Decided> {
        let head = self.lock_and_follow(connection)?;
        let recorded_at = self.clock.now().max(head.recorded_at);
        let heads = &mut self.heads;
        let mut batch = Batch { connection, heads, head: head.position, recorded_at };
        let appends = appends.into_iter();
        let mut outcomes = Vec::with_capacity(appends.size_hint().0);
        for append in appends {
            match batch.apply(append) {
                Err(AppendError::Store(error)) => return Err(error),
                outcome => outcomes.push(outcome),
            }
        }
        Ok(Decided { outcomes, head: batch.head, recorded_at })
    }

    /// Commits what was decided, and tells of it.
    pub(super) fn keep(&mut self, connection: Connection, decided: &Decided) -> StoreResult<()> {
        keys::purge(&connection, decided.recorded_at, PURGED)?;
        claims::purge(&connection, decided.recorded_at, PURGED)?;
        connection.prepare_cached("COMMIT")?.execute([])?;
        self.followers.tell(decided.outcomes.iter().flatten().map(|appended| &*appended.events));
        self.followed = decided.head;
        self.connection = Some(connection);
        Ok(())
    }

    /// Undoes what was decided.
    pub(super) fn undo(&mut self, connection: &Connection) -> StoreResult<()> {
        connection.prepare_cached("ROLLBACK")?.execute([])?;
        // They have moved with what was decided.
        self.heads.clear();
        Ok(())
    }

    /// Takes the lock of the log in a statement of its own, and only then looks where the log stands: what is read
    /// from here on is what was committed before, by whatever process, and cannot change.
    ///
    /// When another process has appended much, that is read without the lock, and only the rest under it.
    fn lock_and_follow(&mut self, connection: &Connection) -> StoreResult<Head> {
        let mut outside = FOLLOW_OUTSIDE;
        loop {
            connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            let head = head(connection)?;
            if head.position < self.followed {
                return Err(StoreError::Damaged(format!(
                    "it ends at position {}, and was at {} before: start again after a restore",
                    head.position, self.followed
                )));
            }
            if head.position.0 - self.followed.0 <= FOREIGN_PAGE as u64 || outside == 0 {
                self.follow(connection, head.position)?;
                return Ok(head);
            }
            connection.prepare_cached("ROLLBACK")?.execute([])?;
            self.follow(connection, head.position)?;
            outside -= 1;
        }
    }

    /// Reads what other processes appended, up to `head`.
    fn follow(&mut self, connection: &Connection, head: Position) -> StoreResult<()> {
        while self.followed < head {
            let events = events_after(connection, self.followed, FOREIGN_PAGE)?;
            let Some(last) = events.last() else {
                let text = format!("the event after position {} is missing", self.followed);
                return Err(StoreError::Damaged(text));
            };
            for event in &events {
                self.heads.follow(&event.stream, event.sequence);
            }
            self.followers.tell([events.as_slice()]);
            self.followed = last.position;
        }
        Ok(())
    }

    /// A fresh connection, after one that failed; to the same log, and never to a new one.
    fn reopen(&self) -> StoreResult<Connection> {
        let path = self.place.path.display();
        if !self.place.path.exists() {
            return Err(StoreError::Unavailable(format!("{path} is gone: put it back and start again")));
        }
        let connection = self.place.open_writer()?;
        if schema::incarnation(&connection)? != self.incarnation {
            return Err(StoreError::Unavailable(format!("{path} was replaced by another log: start again")));
        }
        Ok(connection)
    }
}

fn answer_each(answers: Vec<Answer>, outcomes: Vec<Outcome>) {
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        // Whoever no longer waits does not need it.
        let _ = answer.send(outcome);
    }
}

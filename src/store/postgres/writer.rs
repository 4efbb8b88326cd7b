//! The one thread of this process that appends. It takes all appends that wait and commits them together.

use std::{sync::Arc, time::Duration};

use muster_events::{stream::Position, time::Timestamp};
use sqlx::PgConnection;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use super::{
    connection::{self, PostgresOptions},
    errors::{StoreResult, is_lost},
    progress::Progress,
    reads::missing_after,
    statements::{self, Standing},
};
use crate::{
    clock::Clock,
    database::Database,
    store::{
        Head, Incarnation, StoreError,
        appending::{BATCH, Command, FOLLOW_OUTSIDE, FOREIGN_PAGE, HEADS, Outcome},
        followers::Told,
        heads::Heads,
        returning::Returning,
    },
};

/// How long a batch waits for those who are about to append, and how many are enough.
const LINGER: Duration = Duration::from_micros(500);
const ENOUGH: usize = 64;

/// How long to wait before the log is looked at again, when that failed.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What the thread owns.
pub(super) struct Writer {
    pub(super) database: Database,
    pub(super) options: PostgresOptions,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) progress: Arc<Progress>,
    /// None after a failure, until the next batch.
    pub(super) connection: Option<PgConnection>,
    pub(super) heads: Heads,
    /// `heads` have followed the log, and followers were told of it, up to here.
    pub(super) followed: Position,
    /// Where this process left the log, as long as it seems to be the only one that appends.
    pub(super) left_at: Option<Head>,
    pub(super) purged: Timestamp,
}

impl Writer {
    /// A writer that has not started yet.
    pub(super) fn new(
        database: Database,
        options: PostgresOptions,
        clock: Arc<dyn Clock>,
        progress: Arc<Progress>,
    ) -> Self {
        Self {
            database,
            options,
            clock,
            followed: progress.followers.told().position,
            progress,
            connection: None,
            heads: Heads::new(HEADS),
            left_at: None,
            purged: Timestamp::default(),
        }
    }

    /// Serves until all senders of `commands` are gone and all that waited is done.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut waiting = Vec::with_capacity(BATCH);
        let mut returning = Returning::new(LINGER, ENOUGH);
        let mut is_unsure = false;
        loop {
            if waiting.is_empty() {
                tokio::select! {
                    received = commands.recv_many(&mut waiting, BATCH) => if received == 0 { return },
                    () = self.progress.doubted() => {
                        is_unsure = self.look().await.is_err();
                        continue;
                    }
                    () = sleep(LOOK_AGAIN), if is_unsure => {
                        is_unsure = self.look().await.is_err();
                        continue;
                    }
                }
            }
            while waiting.len() < BATCH {
                let Ok(command) = commands.try_recv() else { break };
                waiting.push(command);
            }
            returning.wait(&mut waiting, &mut commands, BATCH);
            waiting = self.serve(waiting).await;
        }
    }

    /// Commits one batch and answers it, whatever happens; gives back what is for the next one. An answer that nobody
    /// waits for any more is dropped; the append is done all the same.
    async fn serve(&mut self, batch: Vec<Command>) -> Vec<Command> {
        let appends: Vec<_> = batch.iter().map(|command| &command.append).collect();
        let limit = self.options.batch_timeout;
        let committed = timeout(limit, self.commit(&appends)).await.unwrap_or_else(|_| {
            let unknown = "Postgres stopped answering in the middle of the append; look whether it was kept";
            Err(StoreError::Unavailable(unknown.into()))
        });
        match committed {
            Ok(outcomes) => answer_each(batch, outcomes),
            Err(error) => {
                tracing::warn!(%error, appends = batch.len(), "appends were not done");
                self.forget();
                let outcomes = batch.iter().map(|_| Some(Err(error.clone().into()))).collect();
                answer_each(batch, outcomes)
            }
        }
    }

    /// Finds out whether the log is another one. An error means that it is not known.
    async fn look(&mut self) -> StoreResult<()> {
        let limit = self.options.batch_timeout;
        let look = async {
            // The present one may still lead to a server that was replaced.
            let mut connection = self.connect().await?;
            self.lock_and_follow(&mut connection).await?;
            statements::rollback(&mut connection).await?;
            if let Some(before) = self.connection.replace(connection) {
                tokio::spawn(connection::abandon(before));
            }
            StoreResult::Ok(())
        };
        let looked = timeout(limit, look)
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("Postgres stopped answering".into())));
        looked.inspect_err(|error| {
            tracing::debug!(%error, "whether the log is another one is not known yet");
            self.forget();
        })
    }

    /// Begins the next batch on a new connection, with nothing remembered.
    fn forget(&mut self) {
        if let Some(connection) = self.connection.take() {
            tokio::spawn(connection::abandon(connection));
        }
        self.left_at = None;
        self.heads.clear();
    }

    /// Takes the lock of the log in a statement of its own, and only then looks where the log stands: what is read
    /// from here on is what was committed before, by whatever process, and cannot change.
    ///
    /// When another process has appended much, that is read without the lock, and only the rest under it.
    pub(super) async fn lock_and_follow(&mut self, connection: &mut PgConnection) -> StoreResult<Head> {
        let mut outside = FOLLOW_OUTSIDE;
        loop {
            let Standing { incarnation, head } = self.begin(connection).await?;
            let (known, told) = (self.progress.identity.incarnation(), self.progress.followers.told());
            if incarnation != known {
                // Another process has found out before.
                statements::rollback(connection).await?;
                self.begin_anew(head, incarnation);
                continue;
            }
            if !self.holds(connection, told, head).await? {
                let incarnation = self.progress.identity.renew(connection).await?;
                self.begin_anew(head, incarnation);
                continue;
            }
            if head.position.0 - self.followed.0 <= FOREIGN_PAGE as u64 || outside == 0 {
                self.follow(connection, head.position).await?;
                return Ok(head);
            }
            statements::rollback(connection).await?;
            self.follow(connection, head.position).await?;
            outside -= 1;
        }
    }

    /// Whether the log that ends at `head` is the one that was told of: under the lock nobody can have told of more than
    /// there is, and the last event that was told of is still the same.
    async fn holds(&self, connection: &mut PgConnection, told: Told, head: Head) -> StoreResult<bool> {
        if !told.fits(head) || head.position < self.followed {
            return Ok(false);
        }
        if told.position == Position::ZERO || told.position == head.position {
            return Ok(true);
        }
        Ok(statements::recorded_at(connection, told.position).await? == Some(told.recorded_at))
    }

    /// Begins a transaction that holds the order lock. A connection that was lost while nobody used it is made anew:
    /// nothing was asked of it yet.
    async fn begin(&mut self, connection: &mut PgConnection) -> StoreResult<Standing> {
        match statements::begin_and_lock(connection).await {
            Err(error) if is_lost(&error) => {
                *connection = self.connect().await?;
                statements::begin_and_lock(connection).await?
            }
            begun => begun?,
        }
    }

    /// Reads what other processes appended, up to `head`.
    async fn follow(&mut self, connection: &mut PgConnection, head: Position) -> StoreResult<()> {
        while self.followed < head {
            let events = statements::events_after(connection, self.followed).await?;
            let Some(last) = events.last() else {
                return Err(missing_after(self.followed));
            };
            for event in &events {
                self.heads.follow(&event.stream, event.sequence);
            }
            self.progress.followers.tell([events.as_slice()]);
            self.followed = last.position;
        }
        Ok(())
    }

    /// A connection to the log, which may have become another one since the last.
    pub(super) async fn connect(&mut self) -> StoreResult<PgConnection> {
        let (mut connection, server) = connection::open(&self.database, &self.options).await?;
        if let Some(incarnation) = self.progress.identity.another(&mut connection, &server).await? {
            let head = statements::standing(&mut connection).await?.head;
            self.begin_anew(head, incarnation);
        }
        Ok(connection)
    }

    /// What was remembered of the log is of another one.
    fn begin_anew(&mut self, head: Head, incarnation: Incarnation) {
        tracing::warn!(
            head = head.position.0,
            "the log was put back to an earlier state; what was remembered is forgotten"
        );
        self.left_at = None;
        self.heads.clear();
        self.followed = head.position;
        self.progress.begin_anew(head, incarnation);
    }
}

/// Answers those that have an outcome; gives back the others.
fn answer_each(batch: Vec<Command>, outcomes: Vec<Option<Outcome>>) -> Vec<Command> {
    let mut left = Vec::new();
    for (command, outcome) in batch.into_iter().zip(outcomes) {
        match outcome {
            // Whoever no longer waits does not need it.
            Some(outcome) => drop(command.answer.send(outcome)),
            None => left.push(command),
        }
    }
    left
}

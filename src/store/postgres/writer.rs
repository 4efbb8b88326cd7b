//! The one thread of this process that appends. It takes all appends that wait and commits them together.

use std::{collections::HashMap, sync::Arc, time::Duration};

use muster_events::{
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use sqlx::PgConnection;
use tokio::{
    sync::{Mutex, mpsc},
    time::timeout,
};

use super::{
    batch::{Batch, Known},
    claims::{self, Claims},
    connection::{self, PostgresOptions},
    errors::{StoreResult, is_lost},
    identity::Identity,
    keys,
    phase::Phase,
    statements,
};
use crate::{
    clock::Clock,
    database::Database,
    store::{
        Append, Head, StoreError,
        appending::{BATCH, Command, FOLLOW_OUTSIDE, FOREIGN_PAGE, HEADS, Outcome},
        followers::Followers,
        heads::Heads,
        returning::Returning,
    },
};

/// Expired rows that are deleted at once from each table, and how long after the last time, in microseconds.
const PURGED: usize = 4_096;
const PURGE_EVERY: i64 = 10_000_000;

/// How long a batch waits for those who are about to append, and how many are enough.
const LINGER: Duration = Duration::from_micros(500);
const ENOUGH: usize = 64;

/// Held by the writer from before a commit until followers have been told of it. Whoever finds events of which they
/// were not told waits for it first: the events may be this process's own, which need not be read and decoded.
pub(super) type InProgress = Mutex<()>;

/// What the thread owns.
pub(super) struct Writer {
    pub(super) database: Database,
    pub(super) options: PostgresOptions,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) identity: Arc<Identity>,
    pub(super) followers: Arc<Followers>,
    pub(super) in_progress: Arc<InProgress>,
    /// None after a failure, until the next batch.
    connection: Option<PgConnection>,
    heads: Heads,
    /// `heads` have followed the log, and followers were told of it, up to here.
    followed: Position,
    purged: Timestamp,
}

impl Writer {
    /// A writer that has not started yet.
    pub(super) fn new(
        database: Database,
        options: PostgresOptions,
        clock: Arc<dyn Clock>,
        identity: Arc<Identity>,
        followers: Arc<Followers>,
        in_progress: Arc<InProgress>,
    ) -> Self {
        Self {
            database,
            options,
            clock,
            identity,
            followed: followers.told(),
            followers,
            in_progress,
            connection: None,
            heads: Heads::new(HEADS),
            purged: Timestamp::default(),
        }
    }

    /// Serves until all senders of `commands` are gone and all that waited is done.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut waiting = Vec::with_capacity(BATCH);
        let mut returning = Returning::new(LINGER, ENOUGH);
        loop {
            if waiting.is_empty() && commands.recv_many(&mut waiting, BATCH).await == 0 {
                return;
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
                if let Some(connection) = self.connection.take() {
                    tokio::spawn(connection::abandon(connection));
                }
                self.heads.clear();
                let outcomes = batch.iter().map(|_| Some(Err(error.clone().into()))).collect();
                answer_each(batch, outcomes)
            }
        }
    }

    /// Either all of it is durable and followers have been told, or nothing of it happened. None for what repeats a key
    /// of this batch.
    async fn commit(&mut self, appends: &[&Append]) -> StoreResult<Vec<Option<Outcome>>> {
        let mut look_for_keys = false;
        loop {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let mut phase = Phase::begin();
            let head = self.lock_and_follow(&mut connection).await?;
            phase.ends("lock");
            let recorded_at = self.clock.now().max(head.recorded_at);
            let known = self.know(&mut connection, appends, recorded_at, look_for_keys).await?;
            let mut batch = Batch::new(known, head.position, recorded_at);
            let outcomes = batch.apply_all(appends);
            // How a repeated request ended the first time goes before what stands in its way now.
            let refused = appends
                .iter()
                .zip(&outcomes)
                .any(|(append, outcome)| append.key.is_some() && matches!(outcome, Some(Err(_))));
            phase.ends("decide");
            if (look_for_keys || !refused)
                && self.write(&mut connection, &batch, &outcomes, &mut phase).await?
            {
                self.connection = Some(connection);
                return Ok(outcomes);
            }
            statements::rollback(&mut connection).await?;
            self.connection = Some(connection);
            look_for_keys = true;
        }
    }

    /// Takes the lock of the log in a statement of its own, and only then looks where the log stands: what is read
    /// from here on is what was committed before, by whatever process, and cannot change.
    ///
    /// When another process has appended much, that is read without the lock, and only the rest under it.
    async fn lock_and_follow(&mut self, connection: &mut PgConnection) -> StoreResult<Head> {
        let mut outside = FOLLOW_OUTSIDE;
        loop {
            let head = self.begin(connection).await?;
            if head.position < self.followed {
                self.identity.renew(connection).await?;
                self.begin_anew(head.position);
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

    /// Begins a transaction that holds the order lock. A connection that was lost while nobody used it is made anew:
    /// nothing was asked of it yet.
    async fn begin(&mut self, connection: &mut PgConnection) -> StoreResult<Head> {
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

    /// Reads what the decisions of this batch need and memory has not.
    async fn know(
        &mut self,
        connection: &mut PgConnection,
        appends: &[&Append],
        now: Timestamp,
        look_for_keys: bool,
    ) -> StoreResult<Known> {
        let mut known = Known::default();
        let unknown = self.remembered(appends, &mut known.heads);
        for (stream, sequence) in statements::stream_heads(connection, &unknown).await? {
            known.heads.insert(stream, sequence);
        }
        let changes: Vec<_> = appends.iter().flat_map(|append| &append.claims).collect();
        known.claims = Claims::load(connection, &changes, now).await?;
        if look_for_keys {
            let keys: Vec<_> = appends.iter().filter_map(|append| append.key.as_ref()).collect();
            known.keys = keys::load(connection, &keys, now).await?;
        }
        Ok(known)
    }

    /// Fills `heads` with what is remembered of the streams that `appends` name; gives the others.
    fn remembered(&mut self, appends: &[&Append], heads: &mut HashMap<StreamId, Sequence>) -> Vec<StreamId> {
        let whole_log = StreamId::whole_log();
        let mut unknown = Vec::new();
        for append in appends {
            let written = append.writes.iter().map(|write| &write.stream);
            for stream in written.chain(append.reads.iter().map(|read| &read.stream)) {
                if *stream == whole_log || heads.contains_key(stream) {
                    continue;
                }
                let remembered = self.heads.get(stream);
                if remembered.is_none() {
                    unknown.push(stream.clone());
                }
                heads.insert(stream.clone(), remembered.unwrap_or_default());
            }
        }
        unknown
    }

    /// Writes and commits a batch, and tells of it. False when a key of it was used before, for which nobody had looked.
    async fn write(
        &mut self,
        connection: &mut PgConnection,
        batch: &Batch,
        outcomes: &[Option<Outcome>],
        phase: &mut Phase,
    ) -> StoreResult<bool> {
        batch.known.claims.store(connection).await?;
        if !statements::insert(connection, batch).await? {
            return Ok(false);
        }
        if batch.recorded_at.as_micros() - self.purged.as_micros() >= PURGE_EVERY {
            keys::purge(connection, batch.recorded_at, PURGED).await?;
            claims::purge(connection, batch.recorded_at, PURGED).await?;
            self.purged = batch.recorded_at;
        }
        phase.ends("write");
        let in_progress = Arc::clone(&self.in_progress);
        let _until_told = in_progress.lock().await;
        if let Err(error) = statements::commit(connection).await {
            self.look_after_commit(connection, batch, &error).await?;
        }
        phase.ends("commit");
        let events = u32::try_from(batch.events.positions.len()).unwrap_or(u32::MAX);
        metrics::histogram!("muster_append_events").record(f64::from(events));
        for (stream, sequence) in &batch.known.heads {
            self.heads.set(stream, *sequence);
        }
        self.followers.tell(outcomes.iter().flatten().flatten().map(|appended| &*appended.events));
        self.followed = batch.head;
        phase.ends("tell");
        Ok(true)
    }

    /// The connection was lost while it committed. The lock is free only once that transaction has ended, one way or the
    /// other; so whoever gets the lock afterwards can see which.
    async fn look_after_commit(
        &mut self,
        connection: &mut PgConnection,
        batch: &Batch,
        error: &StoreError,
    ) -> StoreResult<()> {
        tracing::warn!(%error, "the connection was lost during a commit; looking whether it was done");
        *connection = self.connect().await?;
        statements::begin_and_lock(connection).await??;
        let done = statements::is_there(connection, batch).await?;
        statements::rollback(connection).await?;
        if done {
            return Ok(());
        }
        Err(StoreError::Unavailable(format!("the connection was lost during the commit: {error}")))
    }

    /// A connection to the log, which may have become another one since the last.
    async fn connect(&mut self) -> StoreResult<PgConnection> {
        let (mut connection, server) = connection::open(&self.database, &self.options).await?;
        if self.identity.has_changed(&mut connection, &server).await? {
            let head = statements::head(&mut connection).await?;
            self.begin_anew(head.position);
        }
        Ok(connection)
    }

    /// What was remembered of the log is of another one.
    fn begin_anew(&mut self, head: Position) {
        tracing::warn!(
            head = head.0,
            "the log was put back to an earlier state; what was remembered is forgotten"
        );
        self.heads.clear();
        self.followers.put_back(head);
        self.followed = head;
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

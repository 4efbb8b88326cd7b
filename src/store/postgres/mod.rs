//! The log in a Postgres database, schema `log`. Several processes append to it and follow each other.
//!
//! Appends go through one thread for each process (`writer.rs`), which commits all that wait in one transaction
//! (`commit.rs`), on a connection of its own. Reads go through a pool and never wait for the writer. What must not happen is refused by the
//! tables themselves (`schema.sql`), which also give the appends of other programs their place.

mod batch;
mod check;
mod claims;
mod commit;
mod connection;
mod errors;
mod identity;
mod keys;
mod listener;
mod phase;
mod progress;
mod query;
mod reads;
mod rows;
mod scan;
mod schema;
mod statements;
mod subscribers;
mod take_over;
mod writer;

use std::{sync::Arc, thread, time::Duration};

use async_trait::async_trait;
use muster_events::{
    claims::{Claim, ClaimKind},
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use sqlx::PgPool;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::AbortHandle,
};

pub use connection::PostgresOptions;

use self::{identity::Identity, progress::Progress, reads::answered, writer::Writer};
use super::{
    Append, AppendError, Appended, Capabilities, Follower, Head, HeldClaim, Incarnation, KeyedOutcome, Lease,
    LogQuery, Scan, ScannedEvent, Store, StoreError, StoredEvent,
    appending::{Command, QUEUE},
    shared_read::SharedRead,
};
use crate::{clock::Clock, database::Database};

/// The log in a Postgres database.
#[derive(Debug)]
pub struct PostgresStore {
    clock: Arc<dyn Clock>,
    progress: Arc<Progress>,
    readers: PgPool,
    heads: Arc<SharedRead<Head>>,
    confirmed_heads: Arc<SharedRead<Head>>,
    commands: mpsc::Sender<Command>,
    listener: AbortHandle,
}

impl PostgresStore {
    /// Opens the log of `database`, whose schema is made or brought up to date.
    pub async fn open(database: &Database, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::open_with(database, clock, PostgresOptions::default()).await
    }

    /// As [`PostgresStore::open`], with options.
    pub async fn open_with(
        database: &Database,
        clock: Arc<dyn Clock>,
        options: PostgresOptions,
    ) -> Result<Self, StoreError> {
        let (mut connection, server) = connection::open(database, &options).await?;
        schema::migrate(&mut connection, &server).await?;
        let identity = Identity::of(&mut connection, &server).await?;
        let head = statements::standing(&mut connection).await?.head;
        let progress = Arc::new(Progress::new(identity, head));
        connection::abandon(connection).await;
        let readers = database.pool(options.readers);
        let writer = Writer::new(database.clone(), options, Arc::clone(&clock), Arc::clone(&progress));
        let (commands, waiting) = mpsc::channel(QUEUE);
        start(writer, waiting)?;
        let listener = listener::run(database.clone(), readers.clone(), Arc::clone(&progress));
        let listener = tokio::spawn(listener).abort_handle();
        let (heads, confirmed_heads) = (Arc::default(), Arc::default());
        Ok(Self { clock, progress, readers, heads, confirmed_heads, commands, listener })
    }

    /// Whether there is a log in `database`. Makes nothing.
    pub async fn exists(database: &Database) -> Result<bool, StoreError> {
        let (mut connection, _) = connection::open(database, &PostgresOptions::default()).await?;
        let exists = schema::exists(&mut connection).await;
        connection::abandon(connection).await;
        exists
    }

    /// The version of the schema of the log in `database`; none where there is no log. Makes nothing.
    pub async fn schema_version(database: &Database) -> Result<Option<usize>, StoreError> {
        let (mut connection, _) = connection::open(database, &PostgresOptions::default()).await?;
        let version = schema::version(&mut connection).await;
        connection::abandon(connection).await;
        Ok(version?.map(|(version, _)| version))
    }

    /// Whether programs that know no schema beyond `version` cannot go on beside the one that this program makes.
    pub fn ends_programs_of(version: usize) -> bool {
        schema::ends_programs_of(version)
    }

    /// Draws another incarnation for the log: it was put back to an earlier state, and its positions will not be those
    /// that somebody has seen.
    pub async fn renew_incarnation(database: &Database) -> Result<(), StoreError> {
        let (mut connection, server) = connection::open(database, &PostgresOptions::default()).await?;
        let identity = Identity::of(&mut connection, &server).await?;
        statements::begin_and_lock(&mut connection).await??;
        identity.renew(&mut connection).await.map(|_| ())
    }
}

impl Drop for PostgresStore {
    /// What was handed to the writer is committed all the same, as long as the process lives.
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Runs the writer on a thread of its own: among the tasks of the callers it would stand in a queue behind them after each
/// answer of the server, and they wait for it.
fn start(writer: Writer, waiting: mpsc::Receiver<Command>) -> Result<(), StoreError> {
    let cannot =
        |error| StoreError::Unavailable(format!("the thread that writes the log cannot start: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    let run = move || runtime.block_on(writer.run(waiting));
    thread::Builder::new().name("log-writer".into()).spawn(run).map_err(cannot)?;
    Ok(())
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the writer has stopped".into())
}

#[async_trait]
impl Store for PostgresStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { gapless: true, multi_stream: true, most_bytes: None }
    }

    fn incarnation(&self) -> Incarnation {
        self.progress.identity.incarnation()
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(Command { append, answer }).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let (pool, progress) = (self.readers.clone(), Arc::clone(&self.progress));
        let read = move || {
            let (pool, progress) = (pool.clone(), Arc::clone(&progress));
            async move { reads::in_time(reads::head(&pool, &progress)).await }
        };
        self.heads.read(read).await
    }

    async fn confirm_head(&self) -> Result<Head, StoreError> {
        let (pool, progress) = (self.readers.clone(), Arc::clone(&self.progress));
        let read = move || {
            let (pool, progress) = (pool.clone(), Arc::clone(&progress));
            async move { reads::in_time(reads::confirmed_head(&pool, &progress)).await }
        };
        self.confirmed_heads.read(read).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        answered(reads::stream_after(&self.readers, stream, after, limit)).await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        answered(reads::events_after(&self.readers, after, limit)).await
    }

    async fn read_on(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let told = self.progress.followers.told_after(after, limit);
        if told.is_empty() { self.read_all(after, limit).await } else { Ok(told) }
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<ScannedEvent>, StoreError> {
        answered(scan::run(&self.readers, &scan)).await
    }

    async fn query(&self, query: LogQuery) -> Result<Vec<StoredEvent>, StoreError> {
        answered(query::run(&self.readers, &query)).await
    }

    async fn holder(&self, claim: &Claim, now: Timestamp) -> Result<Option<HeldClaim>, StoreError> {
        answered(claims::holder(&self.readers, claim, now)).await
    }

    async fn claims(&self, after: Option<&Claim>, limit: usize) -> Result<Vec<HeldClaim>, StoreError> {
        answered(claims::list(&self.readers, after, limit)).await
    }

    async fn claims_with_key(
        &self,
        kind: ClaimKind,
        key: &str,
        limit: usize,
    ) -> Result<Vec<HeldClaim>, StoreError> {
        answered(claims::with_key(&self.readers, kind, key, limit)).await
    }

    async fn outcome(&self, actor: &str, key: &str) -> Result<Option<KeyedOutcome>, StoreError> {
        answered(keys::find(&self.readers, actor, key, self.clock.now())).await
    }

    fn follow(&self, follower: Arc<dyn Follower>) {
        self.progress.followers.add(follower);
    }

    fn commits(&self) -> watch::Receiver<Position> {
        self.progress.followers.commits()
    }

    async fn hash_key(&self) -> Result<Option<String>, StoreError> {
        answered(schema::hash_key(&self.readers)).await
    }

    async fn note_hash_key(&self, id: &str) -> Result<(), StoreError> {
        answered(schema::note_hash_key(&self.readers, id)).await
    }

    async fn take_over(&self, stretch: Vec<StoredEvent>) -> Result<(), StoreError> {
        take_over::stretch(&self.readers, &stretch).await
    }

    async fn replace_claims(&self, claims: Vec<HeldClaim>, head: Position) -> Result<(), StoreError> {
        take_over::claims(&self.readers, &claims, head).await
    }

    async fn checkpoint(&self, subscriber: &str) -> Result<Option<Position>, StoreError> {
        answered(subscribers::checkpoint(&self.readers, self.incarnation(), subscriber)).await
    }

    async fn lease(
        &self,
        subscriber: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        answered(subscribers::lease(&self.readers, self.incarnation(), subscriber, holder, ttl)).await
    }

    async fn advance(&self, lease: &Lease, to: Position) -> Result<bool, StoreError> {
        answered(subscribers::advance(&self.readers, self.incarnation(), lease, to)).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        answered(subscribers::release(&self.readers, lease)).await
    }

    async fn check(&self) -> Result<Vec<String>, StoreError> {
        check::run(&self.readers).await
    }
}

//! The log in one SQLite file, `log.db`. Several processes may have it open and append to it.
//!
//! Appends go through one writer thread (`writer.rs`), which commits all that wait in one transaction (`batch.rs`).
//! Reads have connections of their own (`reads.rs`) and never wait for the writer. What must not happen is refused
//! by the tables themselves (`schema.sql`).

mod batch;
mod check;
mod claims;
mod connection;
mod errors;
mod keys;
mod mirror;
mod mirrored;
mod query;
mod reads;
mod rows;
mod scan;
mod schema;
mod subscribers;
mod take_over;
mod writer;

use std::{
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use async_trait::async_trait;
use muster_events::{
    claims::{Claim, ClaimKind},
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use self::{
    connection::{Place, SecondWriter},
    mirror::Mirror,
    reads::Readers,
    schema::Origin,
    writer::Writer,
};
use super::{
    Append, AppendError, Appended, Capabilities, Follower, Head, HeldClaim, Incarnation, KeyedOutcome, Lease,
    LogQuery, Scan, ScannedEvent, Store, StoreError, StoredEvent,
    appending::{Command, QUEUE},
    followers::Followers,
    shared_read::SharedRead,
    source::{Records, Source},
};
use crate::clock::Clock;

/// How long a process waits for another one that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What an operator may want otherwise.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// Pages of 4 KiB that this process lets the file grow to, a quota; appends beyond it are not available.
    pub max_pages: Option<u32>,
    /// How long an append waits while another process writes, before it is not available.
    pub busy_timeout: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { max_pages: None, busy_timeout: BUSY_TIMEOUT }
    }
}

/// The log in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    incarnation: Incarnation,
    clock: Arc<dyn Clock>,
    followers: Arc<Followers>,
    readers: Arc<Readers>,
    second_writer: Arc<SecondWriter>,
    heads: Arc<SharedRead<Head>>,
    confirmed_heads: Arc<SharedRead<Head>>,
    /// None while the store is dropped: that is what ends the writer.
    commands: Option<mpsc::Sender<Command>>,
    writer: Option<JoinHandle<()>>,
    mirror: Option<Mirror>,
}

impl SqliteStore {
    /// Opens the log at `path`, which is made when there is none; its directory must be there.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::open_with(path, clock, SqliteOptions::default())
    }

    /// As [`SqliteStore::open`], with options.
    pub fn open_with(path: &Path, clock: Arc<dyn Clock>, options: SqliteOptions) -> Result<Self, StoreError> {
        let place = Place { path: path.into(), options };
        let connection = place.open_writer()?;
        let incarnation = schema::incarnation(&connection)?;
        Self::start(place, connection, incarnation, clock, None)
    }

    /// Opens the mirror at `path` of a log that is kept elsewhere, of `incarnation`; it has caught up with that. None when
    /// that does not have what the mirror has seen of it: it was put back to an earlier state.
    pub(crate) fn open_mirror(
        path: &Path,
        clock: Arc<dyn Clock>,
        source: Arc<dyn Source>,
        incarnation: Incarnation,
    ) -> Result<Option<Self>, StoreError> {
        let place = Place { path: path.into(), options: SqliteOptions::default() };
        let connection = place.open_writer()?;
        schema::set_incarnation(&connection, incarnation)?;
        let mirror = Mirror::begin(&connection, source)?;
        if !mirror.has_caught_up(&connection)? {
            return Ok(None);
        }
        Self::start(place, connection, incarnation, clock, Some(mirror)).map(Some)
    }

    fn start(
        place: Place,
        connection: Connection,
        incarnation: Incarnation,
        clock: Arc<dyn Clock>,
        mirror: Option<Mirror>,
    ) -> Result<Self, StoreError> {
        let followers = Arc::new(Followers::new(reads::head(&connection)?));
        let mut writer =
            Writer::new(place.clone(), Arc::clone(&clock), incarnation, Arc::clone(&followers), connection);
        writer.mirror.clone_from(&mirror);
        let (commands, waiting) = mpsc::channel(QUEUE);
        let writer = writer.start(waiting).map_err(|error| {
            StoreError::Unavailable(format!("the thread that writes the log cannot start: {error}"))
        })?;
        Ok(Self {
            incarnation,
            clock,
            followers,
            readers: Arc::new(Readers::new(place.clone())),
            second_writer: Arc::new(SecondWriter::new(place)),
            heads: Arc::default(),
            confirmed_heads: Arc::default(),
            commands: Some(commands),
            writer: Some(writer),
            mirror,
        })
    }

    /// Brings here what is in the source, when fewer than `count` records are here or it was not looked at since a connection
    /// was lost; nothing where this is no mirror.
    pub(crate) async fn catch_up(&self, count: Records) -> Result<(), StoreError> {
        match self.mirror.clone() {
            Some(mirror) if mirror.known() < count || !mirror.is_sure() => {
                self.second_writer.run(move |connection| mirror.catch_up(connection)).await
            }
            _ => Ok(()),
        }
    }

    /// Tells, whenever it is called, how many records of its source are here at least.
    pub(crate) fn known_records(&self) -> impl Fn() -> Records + Send + 'static + use<> {
        let mirror = self.mirror.clone();
        move || mirror.as_ref().map_or(Records(0), Mirror::known)
    }
}

impl SqliteStore {
    /// The version of the schema of the log at `path`; none where nothing is in the file yet. Changes nothing.
    pub fn schema_version(path: &Path) -> Result<Option<usize>, StoreError> {
        let place = Place { path: path.into(), options: SqliteOptions::default() };
        let origin = schema::origin(&mut place.open_reader()?);
        match origin.map_err(|error| errors::cannot_open(path, &error))? {
            Origin::Muster(version) => Ok(Some(version)),
            Origin::Empty | Origin::Foreign => Ok(None),
        }
    }

    /// Draws another incarnation for the log at `path`: it was put back to an earlier state, and its positions will
    /// not be those that somebody has seen. To be done before it is opened.
    pub fn renew_incarnation(path: &Path) -> Result<(), StoreError> {
        let place = Place { path: path.into(), options: SqliteOptions::default() };
        Ok(schema::renew_incarnation(&place.open_writer()?)?)
    }
}

impl Drop for SqliteStore {
    /// What was handed to the writer is committed, and the file is free for others when this returns.
    fn drop(&mut self) {
        drop(self.commands.take());
        let Some(writer) = self.writer.take() else { return };
        // A follower may hold the last reference, and then this is the writer's own thread.
        if writer.thread().id() != thread::current().id() && writer.join().is_err() {
            tracing::error!("the writer of the log has panicked");
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the writer has stopped".into())
}

#[async_trait]
impl Store for SqliteStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { gapless: true, multi_stream: true, most_bytes: None }
    }

    fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let (answer, answered) = oneshot::channel();
        let commands = self.commands.as_ref().ok_or_else(stopped)?;
        commands.send(Command { append, answer }).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let readers = Arc::clone(&self.readers);
        let read = move || {
            let readers = Arc::clone(&readers);
            async move { readers.run(reads::head).await }
        };
        self.heads.read(read).await
    }

    async fn confirm_head(&self) -> Result<Head, StoreError> {
        let (readers, followers) = (Arc::clone(&self.readers), Arc::clone(&self.followers));
        let read = move || {
            let (readers, followers) = (Arc::clone(&readers), Arc::clone(&followers));
            async move { readers.run(move |connection| reads::confirmed_head(connection, &followers)).await }
        };
        self.confirmed_heads.read(read).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let stream = stream.clone();
        self.readers.run(move |connection| reads::stream_after(connection, &stream, after, limit)).await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.readers.run(move |connection| reads::events_after(connection, after, limit)).await
    }

    async fn read_on(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let told = self.followers.told_after(after, limit);
        if told.is_empty() { self.read_all(after, limit).await } else { Ok(told) }
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<ScannedEvent>, StoreError> {
        self.readers.run(move |connection| scan::run(connection, &scan)).await
    }

    async fn query(&self, query: LogQuery) -> Result<Vec<StoredEvent>, StoreError> {
        self.readers.run(move |connection| query::run(connection, &query)).await
    }

    async fn holder(&self, claim: &Claim, now: Timestamp) -> Result<Option<HeldClaim>, StoreError> {
        let claim = claim.clone();
        self.readers.run(move |connection| claims::holder(connection, &claim, now)).await
    }

    async fn claims(&self, after: Option<&Claim>, limit: usize) -> Result<Vec<HeldClaim>, StoreError> {
        let after = after.cloned();
        self.readers.run(move |connection| claims::list(connection, after.as_ref(), limit)).await
    }

    async fn claims_with_key(
        &self,
        kind: ClaimKind,
        key: &str,
        limit: usize,
    ) -> Result<Vec<HeldClaim>, StoreError> {
        let key = key.to_owned();
        self.readers.run(move |connection| claims::with_key(connection, kind, &key, limit)).await
    }

    async fn outcome(&self, actor: &str, key: &str) -> Result<Option<KeyedOutcome>, StoreError> {
        let (actor, key, now) = (actor.to_owned(), key.to_owned(), self.clock.now());
        self.readers.run(move |connection| Ok(keys::find(connection, &actor, &key, now)?)).await
    }

    fn follow(&self, follower: Arc<dyn Follower>) {
        self.followers.add(follower);
    }

    fn commits(&self) -> watch::Receiver<Position> {
        self.followers.commits()
    }

    async fn hash_key(&self) -> Result<Option<String>, StoreError> {
        self.readers.run(|connection| Ok(schema::hash_key(connection)?)).await
    }

    async fn note_hash_key(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.second_writer.run(move |connection| Ok(schema::note_hash_key(connection, &id)?)).await
    }

    async fn take_over(&self, stretch: Vec<StoredEvent>) -> Result<(), StoreError> {
        self.second_writer.run(move |connection| take_over::stretch(connection, &stretch)).await
    }

    async fn replace_claims(&self, claims: Vec<HeldClaim>, head: Position) -> Result<(), StoreError> {
        self.second_writer.run(move |connection| take_over::claims(connection, &claims, head)).await
    }

    async fn checkpoint(&self, subscriber: &str) -> Result<Option<Position>, StoreError> {
        let (subscriber, incarnation) = (subscriber.to_owned(), self.incarnation);
        let read = move |connection: &_| subscribers::checkpoint(connection, incarnation, &subscriber);
        self.readers.run(read).await
    }

    async fn lease(
        &self,
        subscriber: &str,
        holder: &str,
        _ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let (subscriber, holder, incarnation) = (subscriber.to_owned(), holder.to_owned(), self.incarnation);
        let lease = move |connection: &_| subscribers::lease(connection, incarnation, subscriber, holder);
        self.second_writer.run(lease).await.map(Some)
    }

    async fn advance(&self, lease: &Lease, to: Position) -> Result<bool, StoreError> {
        let (lease, incarnation) = (lease.clone(), self.incarnation);
        let advance = move |connection: &_| subscribers::advance(connection, incarnation, &lease, to);
        self.second_writer.run(advance).await
    }

    async fn release(&self, _lease: &Lease) -> Result<(), StoreError> {
        Ok(())
    }

    async fn check(&self) -> Result<Vec<String>, StoreError> {
        self.readers.run(check::run).await
    }
}

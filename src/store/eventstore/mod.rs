//! The log in EventStoreDB or KurrentDB, on a server or a cluster.
//!
//! What was accepted by one stream of records, one for each append, has happened ([`commits`]). Each process has a mirror of
//! it in an SQLite file, which answers all questions and in which appends are decided; the server accepts a decision only
//! if nothing was appended that the mirror had not seen. So all promises of the log hold as on the other stores, and
//! there is no moment in which a part of an append is done. The mirror may be deleted while nobody has it open.
//!
//! Behind the log, the events of each aggregate are written into a stream of its own, for other programs ([`published`]).
//! Checkpoints of subscribers ([`subscribers`]) and what holds for the whole deployment ([`deployment`]) are small streams.

mod address;
mod check;
mod commits;
mod deployment;
mod listener;
mod published;
mod server;
mod streams;
mod subscribers;
mod taking_over;

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use muster_events::{
    claims::{Claim, ClaimKind},
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use tokio::{
    sync::watch,
    task::{AbortHandle, spawn_blocking},
};
use tokio_util::sync::CancellationToken;

pub use self::address::{EventStoreUrl, EventStoreUrlError};
use self::{
    commits::Commits,
    deployment::{Deployment, Noted},
    server::Server,
    subscribers::Subscribers,
};
use super::{
    Append, AppendError, Appended, Capabilities, Follower, Head, HeldClaim, Incarnation, KeyedOutcome, Lease,
    LogQuery, Scan, ScannedEvent, Store, StoreError, StoredEvent,
    shared_read::SharedRead,
    source::{Records, Source},
    sqlite::SqliteStore,
};
use crate::clock::Clock;

/// The log in EventStoreDB, with a mirror of it in a file.
#[derive(Debug)]
pub struct EventStoreStore {
    server: Arc<Server>,
    mirror: SqliteStore,
    subscribers: Subscribers,
    deployment: Deployment,
    counts: Arc<SharedRead<Records>>,
    listener: OnceLock<AbortHandle>,
}

impl Drop for EventStoreStore {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.get() {
            listener.abort();
        }
    }
}

/// An event store, of which nothing was asked yet.
#[derive(Debug)]
pub struct EventStore(Arc<Server>);

impl EventStore {
    /// The one at `url`, not connected yet.
    pub fn at(url: &EventStoreUrl) -> Result<Self, StoreError> {
        Server::new(url.clone()).map(Arc::new).map(Self)
    }

    /// Whether there is a log. Makes nothing.
    pub async fn has_log(&self) -> Result<bool, StoreError> {
        Ok(Deployment::noted(&self.0).await?.is_some())
    }

    /// Draws another incarnation for the log, where it is still `was`: it was put back to an earlier state.
    pub async fn renew_incarnation(&self, was: Incarnation) -> Result<(), StoreError> {
        Deployment::renew(&self.0, was).await.map(drop)
    }

    /// Opens the log, which is made when there is none, with a mirror in `directory`, which must be there.
    pub async fn open(
        &self,
        directory: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<EventStoreStore>, StoreError> {
        let server = Arc::clone(&self.0);
        let noted = Deployment::open(&server).await?;
        Commits::refuse_deleted(&server).await?;
        let mut mirror = self.mirror(&noted, directory, &clock).await?;
        if mirror.is_none() {
            tracing::warn!("the log is not what its mirror has seen: it was put back to an earlier state");
            let renewed = Deployment::renew(&server, Incarnation(noted.incarnation)).await?;
            mirror = self.mirror(&renewed, directory, &clock).await?;
        }
        let again =
            || StoreError::Unavailable("the log was put back while it was opened: start again".into());
        let (mirror, runtime) = (mirror.ok_or_else(again)?, server.handle()?);
        let store = Arc::new(EventStoreStore {
            server: Arc::clone(&server),
            mirror,
            subscribers: Subscribers::default(),
            deployment: Deployment::default(),
            counts: Arc::default(),
            listener: OnceLock::new(),
        });
        // Only now: it ends when nobody has the store.
        let listener = runtime.spawn(listener::run(server, Arc::downgrade(&store)));
        store.listener.get_or_init(|| listener.abort_handle());
        Ok(store)
    }

    /// The mirror of what is noted; none when it has seen what is not there any more.
    async fn mirror(
        &self,
        noted: &Noted,
        directory: &Path,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<SqliteStore>, StoreError> {
        let source: Arc<dyn Source> = Arc::new(Commits::on(Arc::clone(&self.0)));
        let (path, incarnation) = (noted.mirror(directory), Incarnation(noted.incarnation));
        let clock = Arc::clone(clock);
        blocking(move || SqliteStore::open_mirror(&path, clock, source, incarnation)).await
    }
}

/// Works on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let cut_off = |error| Err(StoreError::Unavailable(format!("opening the log was cut off: {error}")));
    spawn_blocking(work).await.unwrap_or_else(cut_off)
}

impl EventStoreStore {
    /// Brings the mirror to where the log stands now; how many records that has.
    async fn fresh(&self) -> Result<Records, StoreError> {
        let (server, known) = (Arc::clone(&self.server), self.mirror.known_records());
        let read = move || {
            let (server, known) = (Arc::clone(&server), known());
            async move { Commits::count_from(&server, known).await }
        };
        let count = self.counts.read(read).await?;
        self.mirror.catch_up(count).await?;
        Ok(count)
    }
}

#[async_trait]
impl Store for EventStoreStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { most_bytes: Some(commits::MOST_BYTES), ..self.mirror.capabilities() }
    }

    fn incarnation(&self) -> Incarnation {
        self.mirror.incarnation()
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.mirror.append(append).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.fresh().await?;
        self.mirror.head().await
    }

    async fn confirm_head(&self) -> Result<Head, StoreError> {
        self.fresh().await?;
        self.mirror.confirm_head().await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.fresh().await?;
        self.mirror.read_stream(stream, after, limit).await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.fresh().await?;
        self.mirror.read_all(after, limit).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<ScannedEvent>, StoreError> {
        self.mirror.scan(scan).await
    }

    async fn query(&self, query: LogQuery) -> Result<Vec<StoredEvent>, StoreError> {
        self.fresh().await?;
        self.mirror.query(query).await
    }

    async fn holder(&self, claim: &Claim, now: Timestamp) -> Result<Option<HeldClaim>, StoreError> {
        self.fresh().await?;
        self.mirror.holder(claim, now).await
    }

    async fn claims(&self, after: Option<&Claim>, limit: usize) -> Result<Vec<HeldClaim>, StoreError> {
        self.fresh().await?;
        self.mirror.claims(after, limit).await
    }

    async fn claims_with_key(
        &self,
        kind: ClaimKind,
        key: &str,
        limit: usize,
    ) -> Result<Vec<HeldClaim>, StoreError> {
        self.fresh().await?;
        self.mirror.claims_with_key(kind, key, limit).await
    }

    async fn outcome(&self, actor: &str, key: &str) -> Result<Option<KeyedOutcome>, StoreError> {
        self.fresh().await?;
        self.mirror.outcome(actor, key).await
    }

    fn follow(&self, follower: Arc<dyn Follower>) {
        self.mirror.follow(follower);
    }

    fn commits(&self) -> watch::Receiver<Position> {
        self.mirror.commits()
    }

    async fn hash_key(&self) -> Result<Option<String>, StoreError> {
        self.deployment.hash_key(&self.server).await
    }

    async fn note_hash_key(&self, id: &str) -> Result<(), StoreError> {
        self.deployment.note_hash_key(&self.server, id).await
    }

    async fn take_over(&self, stretch: Vec<StoredEvent>) -> Result<(), StoreError> {
        self.record_stretch(&stretch).await
    }

    async fn replace_claims(&self, claims: Vec<HeldClaim>, head: Position) -> Result<(), StoreError> {
        self.record_claims(claims, head).await
    }

    async fn checkpoint(&self, subscriber: &str) -> Result<Option<Position>, StoreError> {
        self.subscribers.checkpoint(&self.server, self.incarnation(), subscriber).await
    }

    async fn lease(
        &self,
        subscriber: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let head = || async { Ok(self.head().await?.position) };
        self.subscribers.lease(&self.server, self.incarnation(), (subscriber, holder), ttl, None, head).await
    }

    async fn advance(&self, lease: &Lease, to: Position) -> Result<bool, StoreError> {
        self.subscribers.advance(&self.server, self.incarnation(), lease, to).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        self.subscribers.release(&self.server, self.incarnation(), lease).await
    }

    async fn check(&self) -> Result<Vec<String>, StoreError> {
        let mut findings = self.mirror.check().await?;
        findings.extend(self.compare().await?);
        Ok(findings)
    }

    async fn upkeep(self: Arc<Self>, stop: CancellationToken) {
        self.publish(stop).await;
    }
}

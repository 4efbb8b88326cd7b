//! Errors of the log or of the views: the runner pauses, says so, and loses nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use muster::{
    deployment::VIEWS_FILE,
    store::{
        Append, AppendError, Appended, Capabilities, Follower, Head, HeldClaim, Incarnation, KeyedOutcome,
        Lease, LogQuery, Scan, ScannedEvent, Store, StoreError, StoredEvent,
    },
};
use muster_events::{
    claims::{Claim, ClaimKind},
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use muster_projections::{teams, views::Generation};
use tokio::{sync::watch, time::timeout};

use super::lab::{LIMIT, Lab, Process, append, append_many, created, team};
use crate::support::is_without_files;

#[tokio::test]
async fn a_locked_file_of_views_is_waited_for() {
    if is_without_files("a file that another process locks as a whole") {
        return;
    }
    let lab = Lab::new().await;
    let store = lab.store().await;
    let process = Process::start(lab.runner(store.clone()).await);
    process.reaches(append_many(&*store, 30).await).await;

    let other = rusqlite::Connection::open(lab.place.path().join(VIEWS_FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let head = append(&*store, team(4), 0, vec![created(4)]).await;
    let status =
        process.is(|status| status.trouble.as_ref().is_some_and(|trouble| trouble.attempts > 1)).await;
    assert!(!status.has_reached(Position(head)));
    let error = process.models.wait_for(Position(head), Duration::from_millis(1)).await.unwrap_err();
    assert!(error.to_string().contains("database is locked"), "{error}");

    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(process.reaches(head).await.trouble, None);
    lab.assert_views_are_the_fold(&*store).await;
    process.stop().await;
}

#[tokio::test]
async fn a_lost_table_is_made_again() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    let process = Process::start(lab.runner(store.clone()).await);
    process.reaches(append_many(&*store, 30).await).await;
    lab.run_on_views(if lab.place.database.is_some() {
        "DROP TABLE teams_1 CASCADE"
    } else {
        "DROP TABLE teams_1"
    })
    .await;
    let head = append(&*store, team(4), 0, vec![created(4)]).await;
    process.reaches(head).await;
    assert!(process.models.parked().is_empty(), "no event is to blame for it");
    lab.assert_views_are_the_fold(&*store).await;
    process.stop().await;
}

#[tokio::test]
async fn views_that_another_process_begins_anew_are_filled_again() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    let process = Process::start(lab.runner(store.clone()).await);
    process.reaches(append_many(&*store, 30).await).await;
    let views = lab.views().await;
    views.begin_anew(&teams::PROJECTION, &store.incarnation().to_string()).await.unwrap();
    let head = append(&*store, team(4), 0, vec![created(4)]).await;
    process.reaches(head).await;
    lab.assert_views_are_the_fold(&*store).await;
    process.stop().await;
}

/// Also while nothing happens: who reads would otherwise be answered from empty tables by a process that believes them full.
#[tokio::test]
async fn views_that_are_begun_anew_while_nothing_happens_are_filled_again() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    let process = Process::start(lab.runner(store.clone()).await);
    let head = append_many(&*store, 30).await;
    process.reaches(head).await;
    let views = lab.views().await;
    views.begin_anew(&teams::PROJECTION, &store.incarnation().to_string()).await.unwrap();
    let filled = async {
        let is_behind =
            |of: &Generation| of.projection == teams::PROJECTION.name && of.position < Position(head);
        while views.generations().await.unwrap().iter().any(is_behind) {}
    };
    timeout(LIMIT, filled).await.expect("somebody sees that they are empty");
    lab.assert_views_are_the_fold(&*store).await;
    process.stop().await;
}

#[tokio::test]
async fn an_unavailable_log_is_waited_for() {
    let lab = Lab::new().await;
    let faulty = Arc::new(Faulty { store: lab.store().await, fails: AtomicBool::new(true) });
    let head = append_many(&*faulty, 30).await;
    let process = Process::start(lab.runner(faulty.clone()).await);
    let status =
        process.is(|status| status.trouble.as_ref().is_some_and(|trouble| trouble.attempts > 2)).await;
    assert_eq!(status.trouble.unwrap().error, "the log is not available: it was told to fail");
    faulty.fails.store(false, Ordering::Relaxed);
    process.models.wait_for(Position(head), LIMIT).await.unwrap();
    process.reaches(head).await;
    lab.assert_views_are_the_fold(&*faulty).await;
    process.stop().await;
}

#[tokio::test]
async fn a_verb_gives_up_on_a_log_that_stays_unavailable() {
    let lab = Lab::new().await;
    let faulty = Arc::new(Faulty { store: lab.store().await, fails: AtomicBool::new(true) });
    append_many(&*faulty, 30).await;
    let error = lab.runner(faulty).await.run_to_head().await.unwrap_err();
    assert_eq!(error.to_string(), "the log is not available: it was told to fail");
}

#[tokio::test]
async fn a_runner_in_trouble_stops_when_it_is_told_to() {
    let lab = Lab::new().await;
    let faulty = Arc::new(Faulty { store: lab.store().await, fails: AtomicBool::new(true) });
    let process = Process::start(lab.runner(faulty).await);
    process.is(|status| status.trouble.is_some()).await;
    process.stop().await;
}

/// A log that cannot be read while it is told to fail.
#[derive(Debug)]
struct Faulty {
    store: Arc<dyn Store>,
    fails: AtomicBool,
}

#[async_trait]
impl Store for Faulty {
    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("it was told to fail".into()));
        }
        self.store.read_all(after, limit).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<ScannedEvent>, StoreError> {
        self.store.scan(scan).await
    }

    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn incarnation(&self) -> Incarnation {
        self.store.incarnation()
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.store.append(append).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.store.head().await
    }

    async fn confirm_head(&self) -> Result<Head, StoreError> {
        self.store.confirm_head().await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.store.read_stream(stream, after, limit).await
    }

    async fn query(&self, query: LogQuery) -> Result<Vec<StoredEvent>, StoreError> {
        self.store.query(query).await
    }

    async fn holder(&self, claim: &Claim, now: Timestamp) -> Result<Option<HeldClaim>, StoreError> {
        self.store.holder(claim, now).await
    }

    async fn claims(&self, after: Option<&Claim>, limit: usize) -> Result<Vec<HeldClaim>, StoreError> {
        self.store.claims(after, limit).await
    }

    async fn outcome(&self, actor: &str, key: &str) -> Result<Option<KeyedOutcome>, StoreError> {
        self.store.outcome(actor, key).await
    }

    fn follow(&self, follower: Arc<dyn Follower>) {
        self.store.follow(follower);
    }

    fn commits(&self) -> watch::Receiver<Position> {
        self.store.commits()
    }

    async fn claims_with_key(
        &self,
        kind: ClaimKind,
        key: &str,
        limit: usize,
    ) -> Result<Vec<HeldClaim>, StoreError> {
        self.store.claims_with_key(kind, key, limit).await
    }

    async fn hash_key(&self) -> Result<Option<String>, StoreError> {
        self.store.hash_key().await
    }

    async fn note_hash_key(&self, id: &str) -> Result<(), StoreError> {
        self.store.note_hash_key(id).await
    }

    async fn take_over(&self, stretch: Vec<StoredEvent>) -> Result<(), StoreError> {
        self.store.take_over(stretch).await
    }

    async fn replace_claims(&self, claims: Vec<HeldClaim>, head: Position) -> Result<(), StoreError> {
        self.store.replace_claims(claims, head).await
    }

    async fn checkpoint(&self, subscriber: &str) -> Result<Option<Position>, StoreError> {
        self.store.checkpoint(subscriber).await
    }

    async fn lease(
        &self,
        subscriber: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        self.store.lease(subscriber, holder, ttl).await
    }

    async fn advance(&self, lease: &Lease, to: Position) -> Result<bool, StoreError> {
        self.store.advance(lease, to).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        self.store.release(lease).await
    }

    async fn check(&self) -> Result<Vec<String>, StoreError> {
        self.store.check().await
    }
}

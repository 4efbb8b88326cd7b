//! What the promises are tested with.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use async_trait::async_trait;
use muster::{
    clock::{Clock, event_id},
    store::{
        Append, AppendError, Appended, Follower, KeyedOutcome, NewEvent, Store, StoredEvent, StreamRead,
        StreamWrite,
    },
};
use muster_events::{
    claims::ClaimChange,
    event::Event,
    organization::OrganizationEvent,
    recorded::{Actor, ActorKind},
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};

/// A store under test, with a log of its own that is empty at first.
#[async_trait]
pub(crate) trait Lab: Send + Sync {
    /// For what is printed when a promise is skipped.
    fn name(&self) -> &'static str;

    /// Opens the log, as one more process would.
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store>;

    /// Tries to change and remove events past the store, in every way that it knows: what succeeded. None when the
    /// store has no way past it.
    async fn tamper(&self) -> Option<Vec<String>>;

    /// Opens the log with a clock of which the test does not care.
    async fn store(&self) -> Arc<dyn Store> {
        self.open(Arc::new(ManualClock::at("2026-11-24T10:00:00Z"))).await
    }
}

/// Says that a promise was not tested, and why.
pub(crate) fn skipped(lab: &dyn Lab, promise: &str, why: &str) {
    println!("skipped for {}: {promise}, because {why}", lab.name());
}

/// A clock that a test sets.
#[derive(Debug)]
pub(crate) struct ManualClock(AtomicI64);

impl ManualClock {
    pub(crate) fn at(time: &str) -> Self {
        Self(AtomicI64::new(self::time(time).as_micros()))
    }

    pub(crate) fn set(&self, time: &str) {
        self.0.store(self::time(time).as_micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A follower that keeps what it is told.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<Vec<StoredEvent>>);

impl Recorder {
    pub(crate) fn told(&self) -> Vec<StoredEvent> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn positions(&self) -> Vec<Position> {
        positions(&self.0.lock().unwrap())
    }
}

impl Follower for Recorder {
    fn committed(&self, events: &[StoredEvent]) {
        self.0.lock().unwrap().extend_from_slice(events);
    }
}

pub(crate) fn positions(events: &[StoredEvent]) -> Vec<Position> {
    events.iter().map(|event| event.position).collect()
}

/// An event of an organization; which one it is makes no difference to a store.
pub(crate) fn new_event() -> NewEvent {
    let event = Event::Organization(OrganizationEvent::TwoFactorRequired {});
    NewEvent {
        event_id: event_id(Timestamp::default()),
        organization: None,
        payload: event.encode().unwrap(),
        event: Arc::new(event),
        metadata: "{\"actor\":{\"kind\":\"system\"}}".into(),
        actor: Arc::new(Actor::only(ActorKind::System)),
    }
}

pub(crate) fn stream(id: &str) -> StreamId {
    StreamId::new("organization", id)
}

pub(crate) fn write(id: &str, expected: u64, events: usize) -> StreamWrite {
    let events = (0..events).map(|_| new_event()).collect();
    StreamWrite { stream: stream(id), expected: Sequence(expected), events }
}

pub(crate) fn read(id: &str, sequence: u64) -> StreamRead {
    StreamRead { stream: stream(id), sequence: Sequence(sequence) }
}

/// One event to one stream.
pub(crate) fn one(id: &str, expected: u64) -> Append {
    Append { writes: vec![write(id, expected, 1)], ..Append::default() }
}

pub(crate) fn outcome_of(actor: &str, key: &str) -> KeyedOutcome {
    KeyedOutcome {
        actor: actor.into(),
        key: key.into(),
        request: "the request".into(),
        status: 204,
        result: "null".into(),
        position: Position::ZERO,
    }
}

pub(crate) fn keyed(append: Append, actor: &str, key: &str) -> Append {
    Append { key: Some(outcome_of(actor, key)), ..append }
}

/// An append that does nothing but change claims.
pub(crate) fn claiming(claims: impl Into<Vec<ClaimChange>>) -> Append {
    Append { claims: claims.into(), ..Append::default() }
}

pub(crate) async fn everything(store: &dyn Store) -> Vec<StoredEvent> {
    store.read_all(Position::ZERO, usize::MAX).await.unwrap()
}

/// Appends that must succeed.
pub(crate) async fn done(store: &dyn Store, append: Append) -> Appended {
    store.append(append).await.unwrap()
}

/// All at once, answered in their order.
pub(crate) async fn all_at_once(
    stores: &[&Arc<dyn Store>],
    appends: impl IntoIterator<Item = Append>,
) -> Vec<Result<Appended, AppendError>> {
    let store = stores.iter().cycle();
    let calls = appends.into_iter().zip(store).map(|(append, store)| store.append(append));
    futures_util::future::join_all(calls).await
}

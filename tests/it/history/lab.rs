//! What histories are tested with.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use muster::{
    clock::{Clock, event_id},
    history::{FilterText, History, ShownEvent, Sight, Viewer},
    sealing::{KeyRing, MasterKey, MasterSource, SqliteKeyStore, Subject},
    store::{Append, LogQuery, NewEvent, Store, StoredEvent, StreamWrite, sqlite::SqliteStore},
};
use muster_events::{
    event::Event,
    id::{OrganizationId, UserId},
    organization::OrganizationEvent,
    personal::{EmailAddress, Personal, UserName},
    recorded::{Actor, ActorKind, Metadata},
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
    user::UserEvent,
};
use tempfile::TempDir;

/// A clock that is a second later at each look.
#[derive(Debug)]
struct SteppingClock(AtomicI64);

impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1_000_000, Ordering::SeqCst)).unwrap()
    }
}

/// A deployment with an empty log.
pub(crate) struct Lab {
    pub(crate) history: History,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: KeyRing,
    directory: TempDir,
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    let start: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
    Arc::new(SteppingClock(start.as_micros().into()))
}

impl Lab {
    pub(crate) async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(&directory.path().join("log.db"), clock()).unwrap());
        let keys = key_ring(&directory).await;
        Self { history: History::new(Arc::clone(&store), keys.clone()), store, keys, directory }
    }

    pub(crate) fn log_file(&self) -> PathBuf {
        self.directory.path().join("log.db")
    }

    /// Appends one event to the stream that it belongs to, `event` with its personal values sealed.
    pub(crate) async fn happens(
        &self,
        stream: StreamId,
        mut event: Event,
        mut metadata: Metadata,
    ) -> StoredEvent {
        self.keys.seal_event(&stream, &mut event).await.unwrap();
        self.keys.seal_metadata(&mut metadata, user()).await.unwrap();
        append(&*self.store, stream, vec![new_event(event, &metadata)]).await
    }

    /// Twenty events in each of three organizations, one after the other, the first in organization 1; every seventh
    /// of another type.
    pub(crate) async fn sixty(&self) {
        for number in 0..60_u64 {
            let lifted = number % 7 == 0;
            let event = if lifted {
                OrganizationEvent::TwoFactorRequirementLifted {}
            } else {
                OrganizationEvent::TwoFactorRequired {}
            };
            let kind = if number % 4 == 0 { ActorKind::Import } else { ActorKind::User };
            let id = (kind == ActorKind::User).then(|| (number % 2 + 1).to_string().into());
            let metadata = Metadata::by(Actor { id, ..Actor::only(kind) });
            let organization = organization(number % 3 + 1);
            append(&*self.store, organization.into(), vec![new_event(Event::Organization(event), &metadata)])
                .await;
        }
    }

    /// `count` events in the stream of `of`, in few appends.
    pub(crate) async fn many(&self, of: OrganizationId, count: usize) {
        let new = || new_event(Event::Organization(OrganizationEvent::TwoFactorRequired {}), &by_system());
        append(&*self.store, of.into(), (0..count).map(|_| new()).collect()).await;
    }

    /// A person registers, with an origin.
    pub(crate) async fn registers(&self, username: &str) -> StoredEvent {
        let event = Event::User(UserEvent::UserRegistered {
            username: self.keys.hashed(UserName(username.into())),
            name: Some(Personal::open("Ada Lovelace".into(), None)),
            email: self.keys.hashed(EmailAddress("ada@example.com".into())),
        });
        let metadata = Metadata {
            ip: Some(Personal::open("192.0.2.7".into(), None)),
            user_agent: Some(Personal::open("Mozilla/5.0".into(), None)),
            request_id: Some("request-1".into()),
            ..Metadata::by(Actor::user(user(), None))
        };
        self.happens(user().into(), event, metadata).await
    }

    /// A query as a client writes it.
    pub(crate) fn query(&self, parameters: &[(&str, &str)]) -> LogQuery {
        let mut text = FilterText::default();
        for (name, value) in parameters {
            assert!(text.set(name, value).unwrap(), "{name} is not known");
        }
        text.query(self.store.incarnation()).unwrap()
    }

    pub(crate) async fn all(&self, sight: Sight) -> Vec<ShownEvent> {
        let query = LogQuery { limit: usize::MAX, ..LogQuery::default() };
        self.history.page(query, sight).await.unwrap().events
    }

    pub(crate) async fn erase_person(&self) {
        assert_eq!(self.keys.erase(Subject::User(user())).await.unwrap(), 1);
    }
}

/// Keys of a deployment of their own.
pub(crate) async fn key_ring(directory: &TempDir) -> KeyRing {
    let store = SqliteKeyStore::open(&directory.path().join("keys.db")).await.unwrap();
    KeyRing::open(Arc::new(store), MasterSource::Key(MasterKey::generate()), clock()).await.unwrap()
}

/// Appends to the end of `stream`.
pub(crate) async fn append(store: &dyn Store, stream: StreamId, events: Vec<NewEvent>) -> StoredEvent {
    let before = store.read_stream(&stream, Sequence::ZERO, usize::MAX).await.unwrap();
    let expected = before.last().map_or(Sequence::ZERO, |last| last.sequence);
    let writes = vec![StreamWrite { stream, expected, events }];
    let appended = store.append(Append { writes, ..Append::default() }).await.unwrap();
    appended.events.last().unwrap().clone()
}

pub(crate) fn new_event(event: Event, metadata: &Metadata) -> NewEvent {
    NewEvent {
        event_id: event_id(Timestamp::default()),
        organization: None,
        payload: event.encode().unwrap(),
        event: Arc::new(event),
        metadata: serde_json::to_string(metadata).unwrap().into(),
        actor: Arc::new(metadata.actor.clone()),
    }
}

pub(crate) fn by_system() -> Metadata {
    Metadata::by(Actor::only(ActorKind::System))
}

pub(crate) fn organization(number: u64) -> OrganizationId {
    OrganizationId::new(number).unwrap()
}

pub(crate) fn user() -> UserId {
    UserId::new(7).unwrap()
}

pub(crate) fn positions(events: &[ShownEvent]) -> Vec<u64> {
    events.iter().map(|event| event.position.0).collect()
}

pub(crate) fn viewer() -> Arc<dyn Viewer> {
    Arc::new(Sight::ALL)
}

/// A viewer whose permission is withdrawn after some answers.
#[derive(Debug)]
pub(crate) struct Withdrawn {
    left: AtomicUsize,
    asked: AtomicUsize,
}

impl Withdrawn {
    pub(crate) fn after(answers: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(answers), asked: AtomicUsize::new(0) })
    }

    pub(crate) fn withdraw(&self) {
        self.left.store(0, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Viewer for Withdrawn {
    async fn sight(&self) -> Option<Sight> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let one_less = |left: usize| left.checked_sub(1);
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok().then_some(Sight::ALL)
    }
}

/// What `future` gives, which must not take long.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it took too long")
}

/// A row that no version of this program wrote.
pub(crate) struct Foreign<'a> {
    pub(crate) aggregate_type: &'a str,
    pub(crate) aggregate_id: &'a str,
    pub(crate) event_type: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) metadata: &'a str,
}

impl Lab {
    /// Writes a row past the store.
    pub(crate) async fn writes(&self, row: Foreign<'_>) {
        let position = Position(self.store.head().await.unwrap().position.0 + 1);
        let connection = rusqlite::Connection::open(self.log_file()).unwrap();
        let sql = "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, position, \
                   event_id, recorded_at, actor_kind, leaf, payload, metadata) \
                   VALUES (?1, ?2, (SELECT coalesce(max(sequence), 0) + 1 FROM events \
                   WHERE aggregate_type = ?1 AND aggregate_id = ?2), ?3, '9', ?4, \
                   '00000000-0000-7000-8000-000000000001', (SELECT coalesce(max(recorded_at), 0) FROM events), \
                   'system', zeroblob(32), ?5, ?6)";
        let number = i64::try_from(position.0).unwrap();
        let Foreign { aggregate_type, aggregate_id, event_type, payload, metadata } = row;
        let values = rusqlite::params![aggregate_type, aggregate_id, event_type, number, payload, metadata];
        connection.execute(sql, values).unwrap();
    }
}

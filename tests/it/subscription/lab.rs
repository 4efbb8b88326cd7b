//! A log and views, in files or in a database, and processes that keep them.

use std::{sync::Arc, time::Duration};

use muster::{
    clock::{Clock, SystemClock, event_id},
    deployment::{LOG_FILE, VIEWS_FILE},
    store::{Append, NewEvent, Store, StreamWrite, postgres::PostgresStore, sqlite::SqliteStore},
    subscription::{ReadModels, Runner, Status},
};
use muster_events::{
    event::Event,
    id::{OrganizationId, TeamId},
    recorded::{Actor, ActorKind, Metadata},
    stream::{Position, Sequence, StreamId},
    team::{TeamEvent, TeamFlag},
};
use muster_projections::{
    projection::{LogEntry, Projection},
    sink::memory::MemoryTables,
    views::Views,
};
use sqlx::Executor as _;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::support::{Place, TestDatabase};

/// Within this everything that is awaited here has happened, also on a busy machine.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
/// A poll that never comes within a test: what is found all the same was found because somebody said so.
pub(super) const NEVER: Duration = Duration::from_hours(1);

/// Where they are kept.
pub(super) struct Lab {
    pub(super) place: Place,
}

/// Something that follows the log.
pub(super) struct Process {
    pub(super) models: ReadModels,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Lab {
    pub(super) async fn new() -> Self {
        Self { place: Place::new().await }
    }

    /// The log, as one more process opens it.
    pub(super) async fn store(&self) -> Arc<dyn Store> {
        let clock = Arc::new(SystemClock);
        match &self.place.database {
            None => Arc::new(SqliteStore::open(&self.place.path().join(LOG_FILE), clock).unwrap()),
            Some(database) => Arc::new(PostgresStore::open(&database.database(), clock).await.unwrap()),
        }
    }

    /// The views, as one more process opens them.
    pub(super) async fn views(&self) -> Views {
        let views = match self.place.database.as_ref().map(TestDatabase::database) {
            None => Views::open(&self.place.path().join(VIEWS_FILE)).await,
            Some(database) => Views::open_postgres(database.pool(2), database.pool(4)).await,
        };
        views.unwrap()
    }

    /// Runs statements on the tables of the views past the product.
    pub(super) async fn run_on_views(&self, statements: &str) {
        let Some(database) = &self.place.database else {
            let (file, statements) = (self.place.path().join(VIEWS_FILE), statements.to_owned());
            let run = move || {
                let connection = rusqlite::Connection::open(file).unwrap();
                // Whoever was killed a moment ago may still be undoing what it had begun, for which it needs this runtime.
                connection.busy_timeout(LIMIT).unwrap();
                connection.execute_batch(&statements).unwrap();
            };
            return tokio::task::spawn_blocking(run).await.unwrap();
        };
        let statements = format!("SET search_path = views; {statements}");
        database.connection().await.execute(sqlx::raw_sql(&statements)).await.unwrap();
    }

    /// A runner of all read models.
    pub(super) async fn runner(&self, store: Arc<dyn Store>) -> Runner {
        self.runner_of(store, muster_projections::all()).await
    }

    pub(super) async fn runner_of(
        &self,
        store: Arc<dyn Store>,
        projections: Vec<&'static Projection>,
    ) -> Runner {
        Runner::new(store, self.views().await, projections, Arc::new(SystemClock))
    }

    /// Whether the views hold what the log says, row by row.
    pub(super) async fn assert_views_are_the_fold(&self, store: &dyn Store) {
        let views = self.views().await;
        let mut tables = MemoryTables::default();
        for stored in store.read_all(Position::ZERO, usize::MAX >> 1).await.unwrap() {
            let entry = LogEntry::from(&stored);
            for projection in muster_projections::all() {
                tables.apply(projection.changes(&entry).unwrap()).unwrap();
            }
        }
        for table in muster_projections::all().iter().flat_map(|projection| projection.tables) {
            assert_eq!(views.rows(table).await.unwrap(), tables.rows(table), "{}", table.name);
        }
    }
}

impl Process {
    pub(super) fn start(runner: Runner) -> Self {
        let (models, stop) = (runner.read_models(), CancellationToken::new());
        let running = tokio::spawn(runner.run(stop.clone()));
        Self { models, stop, running }
    }

    /// Waits for `position` without telling the runner that there is something to look for.
    pub(super) async fn reaches(&self, position: u64) -> Status {
        self.is(|status| status.trouble.is_none() && status.has_reached(Position(position))).await
    }

    pub(super) async fn is(&self, what: impl FnMut(&Status) -> bool) -> Status {
        let mut watch = self.models.watch();
        let seen = timeout(LIMIT, watch.wait_for(what)).await;
        match seen {
            Ok(Ok(status)) => status.clone(),
            _ => panic!("it did not come to that: {:?}", self.models.status()),
        }
    }

    pub(super) async fn stop(self) {
        self.stop.cancel();
        timeout(LIMIT, self.running).await.unwrap().unwrap();
    }
}

pub(super) fn organization() -> OrganizationId {
    OrganizationId::new(1).unwrap()
}

pub(super) fn team(number: u64) -> StreamId {
    TeamId::new(number).unwrap().into()
}

pub(super) fn created(number: u64) -> Event {
    let (slug, name) = (format!("team-{number}"), format!("Team {number}"));
    TeamEvent::TeamCreated { organization: organization(), slug, name }.into()
}

pub(super) fn flagged(to: bool) -> Event {
    TeamEvent::TeamFlagged { flag: TeamFlag::IdpProvisioned, to }.into()
}

/// Appends `events` to `stream` after sequence `expected`; gives the position of the last.
pub(super) async fn append(store: &dyn Store, stream: StreamId, expected: u64, events: Vec<Event>) -> u64 {
    let actor = Arc::new(Actor::only(ActorKind::System));
    let metadata: Arc<str> = serde_json::to_string(&Metadata::by(Actor::clone(&actor))).unwrap().into();
    let new = |event: Event| NewEvent {
        event_id: event_id(SystemClock.now()),
        organization: Some(organization()),
        payload: event.encode().unwrap(),
        event: Arc::new(event),
        metadata: Arc::clone(&metadata),
        actor: Arc::clone(&actor),
    };
    let events = events.into_iter().map(new).collect();
    let write = StreamWrite { stream, expected: Sequence(expected), events };
    store.append(Append { writes: vec![write], ..Append::default() }).await.unwrap().position.0
}

/// Appends a log of `events` events in three streams.
pub(super) async fn append_many(store: &dyn Store, events: u64) -> u64 {
    let mut position = 0;
    for number in 1..=3 {
        let more = (1..events / 3).map(|index| flagged(index % 2 == 0));
        let events = std::iter::once(created(number)).chain(more).collect();
        position = append(store, team(number), 0, events).await;
    }
    position
}

//! A directory with a log and views, and processes that keep them.

use std::{path::PathBuf, sync::Arc, time::Duration};

use muster::{
    clock::{Clock, SystemClock, event_id},
    store::{Append, NewEvent, Store, StreamWrite, sqlite::SqliteStore},
    subscription::{ReadModels, Runner, Status},
};
use muster_events::{
    event::Event,
    id::{OrganizationId, TeamId},
    recorded::{Actor, ActorKind, Metadata},
    stream::{Position, Sequence, StreamId},
    team::{TeamEvent, TeamFlag},
};
use muster_projections::{projection::Projection, sink::memory::MemoryTables, views::Views};
use tempfile::TempDir;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// Within this everything that is awaited here has happened, also on a busy machine.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
/// A poll that never comes within a test: what is found all the same was found because somebody said so.
pub(super) const NEVER: Duration = Duration::from_hours(1);

/// A data directory.
pub(super) struct Lab {
    directory: TempDir,
}

/// Something that follows the log.
pub(super) struct Process {
    pub(super) models: ReadModels,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Lab {
    pub(super) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(super) fn log(&self) -> PathBuf {
        self.directory.path().join("log.db")
    }

    pub(super) fn views(&self) -> PathBuf {
        self.directory.path().join("views.db")
    }

    /// The log, as one more process opens it.
    pub(super) fn store(&self) -> Arc<SqliteStore> {
        Arc::new(SqliteStore::open(&self.log(), Arc::new(SystemClock)).unwrap())
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
        let views = Views::open(&self.views()).await.unwrap();
        Runner::new(store, views, projections, Arc::new(SystemClock))
    }

    /// Whether the views hold what the log says, row by row.
    pub(super) async fn assert_views_are_the_fold(&self, store: &dyn Store) {
        let views = Views::open(&self.views()).await.unwrap();
        let mut tables = MemoryTables::default();
        for stored in store.read_all(Position::ZERO, usize::MAX >> 1).await.unwrap() {
            let recorded = stored.recorded().unwrap();
            for projection in muster_projections::all() {
                tables.apply(projection.changes(&recorded)).unwrap();
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

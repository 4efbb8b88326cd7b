//! An event that cannot be read, as a newer version would write it, or a fault of this one.

use std::sync::Arc;

use muster::{
    clock::{Clock, SystemClock, event_id},
    deployment::LOG_FILE,
    store::{Append, NewEvent, Store, StreamWrite, postgres::PostgresStore, sqlite::SqliteStore},
};
use muster_events::{
    event::Event,
    id::OrganizationId,
    recorded::{Actor, ActorKind, Metadata},
    stream::{Position, Sequence, StreamId},
};

use super::Muster;
use crate::support::TestDatabase;

/// Appends `event` to a new stream, with a payload that is another's.
pub(super) async fn append(
    muster: &Muster,
    stream: StreamId,
    organization: OrganizationId,
    event: Event,
) -> Position {
    let clock = Arc::new(SystemClock);
    let store: Arc<dyn Store> = match muster.database.as_ref().map(TestDatabase::database) {
        None => Arc::new(SqliteStore::open(&muster.data().join(LOG_FILE), clock).unwrap()),
        Some(database) => Arc::new(PostgresStore::open(&database, clock).await.unwrap()),
    };
    let actor = Arc::new(Actor::only(ActorKind::System));
    let event = NewEvent {
        event_id: event_id(SystemClock.now()),
        organization: Some(organization),
        event: Arc::new(event),
        payload: "{\"colour\":\"red\"}".into(),
        metadata: serde_json::to_string(&Metadata::by(Actor::clone(&actor))).unwrap().into(),
        actor,
    };
    let write = StreamWrite { stream, expected: Sequence::ZERO, events: vec![event] };
    store.append(Append { writes: vec![write], ..Append::default() }).await.unwrap().position
}

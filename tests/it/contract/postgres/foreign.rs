//! Appends of other programs: postgres-es, unmodified, and whatever speaks SQL.

use std::{sync::Arc, time::Duration};

use cqrs_es::{
    Aggregate, DomainEvent,
    event_sink::EventSink,
    persist::{PersistedEventRepository, PersistenceError, SerializedEvent},
};
use muster::store::leaf::leaf_of;
use muster_events::{
    definitions,
    id::OrganizationId,
    member, organization,
    stream::{Position, Sequence, StreamId},
    token, user,
};
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgPool};

use super::{
    super::lab::{Lab, ManualClock, Recorder, done, everything, one, positions, time},
    PostgresLab,
};

/// An aggregate that another program keeps in the same log.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Note;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Noted;

impl DomainEvent for Noted {
    fn event_type(&self) -> String {
        "Noted".into()
    }

    fn event_version(&self) -> String {
        "1.0".into()
    }
}

impl Aggregate for Note {
    const TYPE: &'static str = "note";
    type Command = ();
    type Event = Noted;
    type Error = std::fmt::Error;
    type Services = ();

    async fn handle(&mut self, (): (), (): &(), sink: &EventSink<Self>) -> Result<(), Self::Error> {
        sink.write(Noted, self).await;
        Ok(())
    }

    fn apply(&mut self, _: Noted) {}
}

fn noted(id: &str, sequence: usize) -> SerializedEvent {
    SerializedEvent {
        aggregate_id: id.into(),
        sequence,
        aggregate_type: Note::TYPE.into(),
        event_type: "Noted".into(),
        event_version: "1.0".into(),
        payload: json!({"text": "é\u{1F980}"}),
        metadata: json!({}),
    }
}

async fn repository(lab: &PostgresLab) -> PostgresEventRepository {
    let pool = PgPool::connect(lab.0.url()).await.unwrap();
    PostgresEventRepository::new(pool).with_tables("log.events", "log.snapshots")
}

async fn persist(
    repository: &PostgresEventRepository,
    events: &[SerializedEvent],
) -> Result<(), PersistenceError> {
    repository.persist::<Note>(events, None).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_es_appends_and_its_events_take_their_place() {
    let lab = PostgresLab::new().await;
    let store = lab.open(Arc::new(ManualClock::at("2026-11-24T10:00:00Z"))).await;
    let recorder = Arc::new(Recorder::default());
    store.follow(Arc::clone(&recorder) as _);
    let repository = repository(&lab).await;

    done(&*store, one("a", 0)).await;
    persist(&repository, &[noted("n", 1), noted("n", 2)]).await.unwrap();
    done(&*store, one("a", 1)).await;
    persist(&repository, &[noted("n", 3)]).await.unwrap();

    // A subscriber in this process hears of it by itself.
    let mut commits = store.commits();
    let heard = commits.wait_for(|position| *position >= Position(5));
    tokio::time::timeout(Duration::from_secs(5), heard).await.expect("nobody was told").unwrap();
    let found = everything(&*store).await;
    assert_eq!(positions(&found), (1..=5).map(Position).collect::<Vec<_>>());
    assert_eq!(positions(&recorder.told()), positions(&found));
    let streams: Vec<_> = found.iter().map(|event| event.stream.aggregate_type.as_str()).collect();
    assert_eq!(streams, ["organization", "note", "note", "organization", "note"]);
    assert!(found.iter().zip(&found[1..]).all(|(one, next)| one.recorded_at <= next.recorded_at));
    assert!(found[1].recorded_at > time("2026-11-24T10:00:00Z"), "the server's clock says when");
    for event in &found {
        assert_eq!(event.leaf, leaf_of(event), "{event:?}");
    }
    assert_eq!((found[1].schema_version, found[1].event_id.get_version_num()), (1, 7));
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());

    let loaded = repository.get_events::<Note>("n").await.unwrap();
    let sequences: Vec<_> = loaded.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, [1, 2, 3]);
}

/// To postgres-es, as to everyone, the same sequence twice is a conflict, and nothing of it is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_append_out_of_sequence_is_a_conflict() {
    let lab = PostgresLab::new().await;
    let store = lab.store().await;
    let repository = repository(&lab).await;
    persist(&repository, &[noted("n", 1)]).await.unwrap();
    for wrong in [vec![noted("n", 1)], vec![noted("n", 3)], vec![noted("m", 1), noted("m", 1)]] {
        let refused = persist(&repository, &wrong).await;
        assert!(matches!(refused, Err(PersistenceError::OptimisticLockError)), "{wrong:?}: {refused:?}");
    }
    assert_eq!(store.head().await.unwrap().position, Position(1));
    persist(&repository, &[noted("n", 2)]).await.unwrap();
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_events_that_make_claims_or_hold_personal_data_are_refused() {
    let lab = PostgresLab::new().await;
    let store = lab.store().await;
    let mut connection = lab.0.connection().await;
    let insert = |aggregate: &str, event: &str| {
        format!(
            "INSERT INTO log.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
             metadata) VALUES ('{aggregate}', '7', 1, '{event}', '1', '{{}}', '{{}}')"
        )
    };
    for (aggregate, event) in [
        (member::TYPE, "MemberAdded"),
        (member::TYPE, "MemberInvited"),
        (organization::TYPE, "OrganizationCreated"),
        (user::TYPE, "UserRegistered"),
        (token::TYPE, "TokenIssued"),
        (definitions::TYPE, "RolesDefined"),
        (organization::TYPE, "NeverHeardOf"),
    ] {
        let refused = connection.execute(insert(aggregate, event).as_str()).await.unwrap_err().to_string();
        assert!(refused.contains("append it through muster"), "{aggregate} {event}: {refused}");
    }
    connection.execute(insert("organization", "TwoFactorRequired").as_str()).await.unwrap();
    let found = store.read_stream(&StreamId::new("organization", "7"), Sequence::ZERO, 9).await.unwrap();
    assert_eq!(found[0].organization.map(OrganizationId::get), Some(7));
    found[0].recorded().unwrap();
}

/// A foreign transaction that has appended and then says nothing holds everyone up no longer than its time-out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_writer_that_stalls_is_cut_off() {
    let lab = PostgresLab::new().await;
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    let mut stalled = lab.0.connection().await;
    let mut transaction = stalled.begin().await.unwrap();
    let insert = "INSERT INTO log.events (aggregate_type, aggregate_id, sequence, event_type, event_version, \
                  payload, metadata) VALUES ('note', 'n', 1, 'Noted', '1', '{}', '{}')";
    transaction.execute(insert).await.unwrap();
    let appended = done(&*store, one("a", 1)).await;
    assert_eq!(appended.position, Position(2), "what was not committed has no place");
    assert!(transaction.commit().await.is_err(), "it was cut off");
    assert_eq!(everything(&*store).await.len(), 2);
}

/// One that stalls before it takes the lock holds nobody up at all, and comes after whoever overtakes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_writer_that_stalls_before_the_lock_holds_nobody_up() {
    let lab = PostgresLab::new().await;
    let store = lab.store().await;
    let mut slow = lab.0.connection().await;
    let mut transaction = slow.begin().await.unwrap();
    transaction.execute("SELECT count(*) FROM log.events").await.unwrap();
    done(&*store, one("a", 0)).await;
    let insert = "INSERT INTO log.events (aggregate_type, aggregate_id, sequence, event_type, event_version, \
                  payload, metadata) VALUES ('note', 'n', 1, 'Noted', '1', '{}', '{}')";
    transaction.execute(insert).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(positions(&everything(&*store).await), [Position(1), Position(2)]);
    done(&*store, one("a", 1)).await;
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
}

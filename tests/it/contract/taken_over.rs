//! What is taken over from another log stands here as it stood there.

use std::sync::Arc;

use muster::store::{Append, HeldClaim, StoreError, StoredEvent, sqlite::SqliteStore};
use muster_events::{
    claims::{Claim, ClaimChange},
    stream::{Position, Sequence},
};
use tempfile::TempDir;

use super::lab::{
    Lab, ManualClock, Recorder, claiming, done, everything, one, positions, stream, time, write,
};

/// Another log, with two streams and two times.
async fn another() -> (TempDir, Vec<StoredEvent>) {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at("2020-01-01T00:00:00Z"));
    let store = SqliteStore::open(&directory.path().join("log.db"), Arc::clone(&clock) as _).unwrap();
    for sequence in 0..3 {
        done(&store, one("a", sequence)).await;
        clock.set("2021-01-01T00:00:00Z");
    }
    let writes = vec![write("b", 0, 2), write("a", 3, 1)];
    done(&store, Append { writes, ..Append::default() }).await;
    let events = everything(&store).await;
    (directory, events)
}

/// What makes an event what it is.
fn identity(event: &StoredEvent) -> impl PartialEq + std::fmt::Debug + use<> {
    let (stream, kind) = (event.stream.clone(), event.event_type.clone());
    let texts = (event.payload.clone(), event.metadata.clone(), event.organization);
    (event.position, event.event_id, stream, event.sequence, kind, event.recorded_at, event.leaf, texts)
}

pub(crate) async fn a_log_is_taken_over_as_it_stands_and_goes_on(lab: &dyn Lab) {
    let (store, (_directory, events)) = (lab.store().await, another().await);
    let (first, rest) = events.split_at(2);
    store.take_over(first.to_vec()).await.unwrap();
    store.take_over(rest.to_vec()).await.unwrap();
    let taken = everything(&*store).await;
    assert_eq!(
        taken.iter().map(identity).collect::<Vec<_>>(),
        events.iter().map(identity).collect::<Vec<_>>()
    );
    let told = Arc::new(Recorder::default());
    store.follow(Arc::clone(&told) as _);
    let appended = done(&*store, one("a", 4)).await;
    assert_eq!(appended.position, Position(7));
    assert_eq!(told.positions().last(), Some(&Position(7)));
    let read = lab.store().await.read_stream(&stream("a"), Sequence(2), 10).await.unwrap();
    assert_eq!(positions(&read), [Position(3), Position(6), Position(7)]);
}

pub(crate) async fn what_does_not_go_on_where_the_log_ends_is_refused_whole(lab: &dyn Lab) {
    let (store, (_directory, events)) = (lab.store().await, another().await);
    let refused = |stretch: &[StoredEvent]| {
        let (store, stretch) = (Arc::clone(&store), stretch.to_vec());
        async move { store.take_over(stretch).await.unwrap_err() }
    };
    refused(&events[1..]).await;
    refused(&[&events[..2], &events[3..]].concat()).await;
    assert_eq!(everything(&*store).await.len(), 0);
    store.take_over(events[..2].to_vec()).await.unwrap();
    refused(&events).await;
    let mut dumb = events[2].clone();
    dumb.metadata = "{}".into();
    let error = refused(&[dumb]).await;
    assert!(matches!(&error, StoreError::Damaged(text) if text.contains("position 3")), "{error}");
    store.take_over(events[2..].to_vec()).await.unwrap();
    assert_eq!(positions(&everything(&*store).await), (1..=6).map(Position).collect::<Vec<_>>());
}

pub(crate) async fn claims_are_replaced_as_a_whole(lab: &dyn Lab) {
    let store = lab.store().await;
    let (old, slug) = (Claim::organization_slug("old"), Claim::organization_slug("held"));
    let take =
        |claim: &Claim, holder: &str| ClaimChange::Take { claim: claim.clone(), holder: holder.into() };
    done(&*store, claiming([take(&old, "1")])).await;
    let until = time("2026-12-01T00:00:00Z");
    let held = vec![
        HeldClaim { claim: slug.clone(), holder: "2".into(), held_until: Some(until), count: 1 },
        HeldClaim {
            claim: Claim::counter("7", "x", 3),
            holder: String::new(),
            held_until: Some(until),
            count: 5,
        },
    ];
    let end = store.head().await.unwrap().position;
    assert!(
        store.replace_claims(held.clone(), Position(end.0 + 1)).await.is_err(),
        "folded from another log"
    );
    store.replace_claims(held.clone(), end).await.unwrap();
    assert_eq!(store.claims(None, 10).await.unwrap(), held);
    done(&*store, claiming([take(&old, "3")])).await;
    assert!(store.append(claiming([take(&slug, "3")])).await.is_err(), "somebody holds it");
    done(&*store, claiming([take(&slug, "2")])).await;
    store.note_hash_key("one").await.unwrap();
    let end = store.head().await.unwrap().position;
    assert!(store.replace_claims(held, end).await.is_err(), "it is a ledger");
}

pub(crate) async fn a_hash_key_is_noted_once(lab: &dyn Lab) {
    let store = lab.store().await;
    assert_eq!(store.hash_key().await.unwrap(), None);
    store.note_hash_key("one").await.unwrap();
    lab.store().await.note_hash_key("two").await.unwrap();
    assert_eq!(store.hash_key().await.unwrap().as_deref(), Some("one"));
}

pub(crate) async fn a_checkpoint_can_be_looked_up_by_whoever_does_not_work(lab: &dyn Lab) {
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    assert_eq!(store.checkpoint("sub").await.unwrap(), None);
    let lease = store.lease("sub", "first", std::time::Duration::from_mins(10)).await.unwrap().unwrap();
    done(&*store, one("a", 1)).await;
    assert_eq!(lab.store().await.checkpoint("sub").await.unwrap(), Some(Position(1)));
    assert!(store.advance(&lease, Position(2)).await.unwrap());
    assert_eq!(lab.store().await.checkpoint("sub").await.unwrap(), Some(Position(2)));
}

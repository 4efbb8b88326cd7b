//! The streams of aggregates, which other programs read.

use std::{sync::Arc, time::Duration};

use eventstore_double::{Event, Fault};
use muster::{
    clock::stopwatch,
    store::{Append, Store, StreamWrite},
};
use muster_events::stream::Sequence;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::EventStoreLab;
use crate::contract::lab::{Lab as _, done, everything, new_event, one, stream, write};

/// How long it may take until they are written.
const LIMIT: Duration = Duration::from_secs(20);

/// Runs what writes the streams until there are so many events in all of them.
async fn published(lab: &EventStoreLab, store: &Arc<dyn Store>, wanted: usize) {
    let (stop, began) = (CancellationToken::new(), stopwatch());
    let upkeep = tokio::spawn(Arc::clone(store).upkeep(stop.clone()));
    let mut count = lab.double().log().count();
    while events(lab).len() < wanted {
        assert!(began.elapsed() < LIMIT, "{} events are written", events(lab).len());
        let _ = tokio::time::timeout(Duration::from_secs(1), count.changed()).await;
    }
    stop.cancel();
    upkeep.await.unwrap();
}

/// All events in streams of aggregates.
fn events(lab: &EventStoreLab) -> Vec<Arc<Event>> {
    let all = lab.double().log().written();
    all.into_iter().filter(|event| event.stream.starts_with("muster.organization-")).collect()
}

fn metadata(event: &Event) -> Value {
    serde_json::from_slice(&event.metadata).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_aggregate_has_a_stream_that_other_programs_read() {
    let lab = EventStoreLab::doubled().await;
    let store = lab.store().await;
    let mut new = new_event();
    let (correlation, causation) = (new_event().event_id, new_event().event_id);
    new.metadata =
        json!({"actor": {"kind": "system"}, "correlation_id": correlation, "causation_id": causation})
            .to_string()
            .into();
    let first = StreamWrite { stream: stream("a"), expected: Sequence::ZERO, events: vec![new.clone()] };
    done(&*store, Append { writes: vec![first, write("b", 0, 2)], ..Append::default() }).await;
    done(&*store, one("a", 1)).await;
    published(&lab, &store, 4).await;
    let of_a = lab.double().log().stream("muster.organization-a");
    assert_eq!(of_a.iter().map(|event| event.revision).collect::<Vec<_>>(), [0, 1]);
    let event = &of_a[0];
    assert_eq!((event.id, event.event_type.as_str()), (new.event_id, "TwoFactorRequired"));
    assert!(event.is_json);
    assert_eq!(serde_json::from_slice::<Value>(&event.data).unwrap(), json!({}));
    let metadata = metadata(event);
    assert_eq!(metadata["$correlationId"], correlation.to_string());
    assert_eq!(metadata["$causationId"], causation.to_string());
    assert_eq!((&metadata["muster"]["position"], &metadata["muster"]["sequence"]), (&json!(1), &json!(1)));
    assert_eq!(lab.double().log().stream("muster.organization-b").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_at_once_is_written_in_smaller_parts() {
    let lab = EventStoreLab::doubled().await;
    let store = lab.store().await;
    done(&*store, Append { writes: vec![write("a", 0, 7)], ..Append::default() }).await;
    for _ in 0..2 {
        lab.double().faults().next_append("muster.organization-", Fault::TooLarge);
    }
    published(&lab, &store, 7).await;
    assert_eq!(lab.double().faults().outstanding(), 0);
    let written: Vec<_> = events(&lab).iter().map(|event| event.id).collect();
    assert_eq!(written, everything(&*store).await.iter().map(|event| event.event_id).collect::<Vec<_>>());
}

/// Stopped between an event and the checkpoint, whoever goes on finds the event there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_already_is_not_written_again() {
    let lab = EventStoreLab::doubled().await;
    let store = lab.store().await;
    for sequence in 0..3 {
        done(&*store, one("a", sequence)).await;
    }
    let mut gate = lab.double().faults().hold_writes("muster.subscriber-streams");
    let stop = CancellationToken::new();
    let upkeep = tokio::spawn(Arc::clone(&store).upkeep(stop.clone()));
    // The lease, then the checkpoint behind the three events.
    gate.next().await.go_on();
    let held = gate.next().await;
    assert_eq!(events(&lab).len(), 3);
    upkeep.abort();
    drop(gate);
    held.drop_connection();
    done(&*store, one("a", 3)).await;
    published(&lab, &lab.store().await, 4).await;
    let revisions: Vec<_> = events(&lab).iter().map(|event| event.revision).collect();
    assert_eq!(revisions, [0, 1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_over_goes_on_where_the_other_one_was() {
    let lab = EventStoreLab::doubled().await;
    let store = lab.store().await;
    for sequence in 0..3 {
        done(&*store, one("a", sequence)).await;
        // Another process each time, which begins when the one before has ended.
        published(&lab, &lab.store().await, usize::try_from(sequence).unwrap() + 1).await;
    }
    let noted = lab.double().log().stream("muster.subscriber-streams");
    let noted: Vec<Value> = noted.iter().map(|event| serde_json::from_slice(&event.data).unwrap()).collect();
    let checkpoints: Vec<_> = noted.iter().map(|stand| stand["checkpoint"].as_u64().unwrap()).collect();
    assert!(checkpoints.is_sorted() && checkpoints.last() >= Some(&2), "{checkpoints:?}");
    assert!(noted.last().unwrap()["epoch"].as_u64() >= Some(3), "{noted:?}");
}

/// What follows in the other streams is written all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_another_program_writes_is_not_mixed_with_ours() {
    let lab = EventStoreLab::doubled().await;
    let store = lab.store().await;
    let client = eventstore::Client::new(lab.double().url().parse().unwrap()).unwrap();
    let foreign = eventstore::EventData::json("SomethingElse", &json!({})).unwrap();
    let options = eventstore::AppendToStreamOptions::default();
    client.append_to_stream("muster.organization-a", &options, foreign).await.unwrap();
    done(&*store, one("b", 0)).await;
    done(&*store, one("a", 0)).await;
    published(&lab, &store, 2).await;
    assert_eq!(lab.double().log().stream("muster.organization-a").len(), 1);
    assert_eq!(lab.double().log().stream("muster.organization-b").len(), 1);
}

//! What is larger than a server takes at once.

use std::{future::poll_fn, sync::Arc, task::Poll};

use eventstore_double::Fault;
use futures_util::{FutureExt as _, future::join_all};
use muster::store::{AppendError, HeldClaim, StoreError, StoredEvent};
use muster_events::{claims::Claim, stream::Position};

use super::{COMMITS, EventStoreLab};
use crate::contract::lab::{Lab as _, all_at_once, done, everything, one};

/// Together they are more than the server takes at once; the one that is so alone fails alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_that_wait_together_are_never_too_large_together() {
    let lab = EventStoreLab::doubled().await;
    let store = lab.store().await;
    let large = |id: &str, bytes: usize| {
        let mut append = one(id, 0);
        // Nothing grows more when it is written into a record.
        append.writes[0].events[0].payload = serde_json::to_string(&"\"".repeat(bytes / 2)).unwrap();
        append
    };
    let ids: Vec<_> = (0..32).map(|number| number.to_string()).collect();
    let mut appends: Vec<_> = ids.iter().map(|id| large(id, 60 * 1024)).collect();
    appends.insert(16, large("too large", 2 * 1024 * 1024));
    let outcomes = all_at_once(&[&store], appends).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.is_ok(), number != 16, "{number}: {outcome:?}");
    }
    let refused = outcomes[16].as_ref().unwrap_err();
    assert!(matches!(refused, AppendError::Store(StoreError::TooLarge(_))), "{refused:?}");
    assert!(refused.to_string().contains("MaxAppendSize"), "{refused}");
    assert_eq!(everything(&*lab.store().await).await.len(), 32);
}

/// A server may take less at once than is usual.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_that_are_too_large_together_are_tried_in_smaller_parts() {
    let lab = EventStoreLab::doubled().await;
    let store = lab.store().await;
    let mut gate = lab.double().faults().hold_writes(COMMITS);
    let first = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.append(one("first", 0)).await }
    });
    let held = gate.next().await;
    // Whoever asks while that one is held waits with all others who do.
    let ids: Vec<_> = (0..16).map(|number| number.to_string()).collect();
    let mut others = join_all(ids.iter().map(|id| store.append(one(id, 0))));
    assert!(poll_fn(|context| Poll::Ready(others.poll_unpin(context).is_pending())).await);
    // Of 16, 8, 4, 2 and of one: that one is too large by itself.
    for _ in 0..5 {
        lab.double().faults().next_append(COMMITS, Fault::TooLarge);
    }
    held.go_on();
    drop(gate);
    let outcomes = others.await;
    first.await.unwrap().unwrap();
    let refused: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert!(matches!(refused[..], [AppendError::Store(StoreError::TooLarge(_))]), "{refused:?}");
    assert_eq!(lab.double().faults().outstanding(), 0);
    assert_eq!(everything(&*store).await.len(), 16);
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

/// They are more than one record holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_claims_are_replaced_as_a_whole() {
    let lab = EventStoreLab::doubled().await;
    let store = lab.store().await;
    let held = |from: usize, to: usize| -> Vec<HeldClaim> {
        let claim = |number| Claim::organization_slug(&format!("{number:05}"));
        let held =
            |number| HeldClaim { claim: claim(number), holder: "1".into(), held_until: None, count: 1 };
        (from..to).map(held).collect()
    };
    for (from, to) in [(0, 100), (1_000, 5_500)] {
        store.replace_claims(held(from, to), Position::ZERO).await.unwrap();
        for process in [&store, &lab.store().await] {
            assert_eq!(process.claims(None, usize::MAX).await.unwrap(), held(from, to));
        }
    }
}

/// A ledger that moves to a server that takes less at once arrives all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_over_and_too_large_at_once_goes_in_smaller_parts() {
    let (from, lab) = (EventStoreLab::doubled().await, EventStoreLab::doubled().await);
    for sequence in 0..5 {
        done(&*from.store().await, one("a", sequence)).await;
    }
    let log = everything(&*from.store().await).await;
    let store = lab.store().await;
    let claim = |slug| HeldClaim {
        claim: Claim::organization_slug(slug),
        holder: "1".into(),
        held_until: None,
        count: 1,
    };
    let claims = ["a", "b", "c"].map(claim).to_vec();
    for _ in 0..2 {
        lab.double().faults().next_append(COMMITS, Fault::TooLarge);
    }
    store.take_over(log.clone()).await.unwrap();
    lab.double().faults().next_append(COMMITS, Fault::TooLarge);
    store.replace_claims(claims.clone(), Position(5)).await.unwrap();
    for process in [&store, &lab.store().await] {
        let leaves = |events: &[StoredEvent]| events.iter().map(|event| event.leaf).collect::<Vec<_>>();
        assert_eq!(leaves(&everything(&**process).await), leaves(&log));
        assert_eq!(process.claims(None, 9).await.unwrap(), claims);
    }
    assert_eq!(lab.double().log().stream(COMMITS).len(), 3 + 2);
}

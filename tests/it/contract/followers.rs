//! Followers: the caches of a process are never behind what it decides upon.

use std::sync::Arc;

use muster::store::{Append, AppendError};
use muster_events::stream::{Position, Sequence};

use super::lab::{Lab, Recorder, done, everything, one, positions, write};

pub(super) async fn followers_are_told_before_the_answer(lab: &dyn Lab) {
    let store = lab.store().await;
    done(&*store, one("before", 0)).await;
    let recorder = Arc::new(Recorder::default());
    store.follow(recorder.clone());
    for sequence in 0..20 {
        let appended = done(&*store, one("a", sequence)).await;
        let told = recorder.told();
        assert_eq!(
            told.len() as u64,
            sequence + 1,
            "only what comes after it began to follow, and all of that"
        );
        assert_eq!(told.last().unwrap().position, appended.position);
        assert!(told.last().unwrap().decoded.is_some(), "it was decoded once already");
    }
    store.append(one("a", 0)).await.unwrap_err();
    assert_eq!(recorder.told().len(), 20);
}

pub(super) async fn followers_are_told_of_foreign_events_before_a_decision_is_checked(lab: &dyn Lab) {
    let (store, other) = (lab.store().await, lab.store().await);
    let recorder = Arc::new(Recorder::default());
    store.follow(recorder.clone());
    let foreign = done(&*other, Append { writes: vec![write("a", 0, 2)], ..Append::default() }).await;
    store.append(one("a", 0)).await.unwrap_err();
    assert_eq!(recorder.positions(), positions(&foreign.events));
    let own = done(&*store, one("a", 2)).await;
    assert_eq!(recorder.positions().last(), Some(&own.position));
    assert_eq!(recorder.told().iter().map(|event| event.sequence.0).collect::<Vec<_>>(), [1, 2, 3]);
}

pub(super) async fn followers_of_two_busy_processes_see_every_event_in_order(lab: &dyn Lab) {
    let stores = [lab.store().await, lab.store().await];
    let recorders = stores.each_ref().map(|store| {
        let recorder = Arc::new(Recorder::default());
        store.follow(recorder.clone());
        recorder
    });
    let writers = (0..8).map(|writer| {
        let store = Arc::clone(&stores[writer % 2]);
        tokio::spawn(async move {
            for sequence in 0..15 {
                done(&*store, one(&format!("w{writer}"), sequence)).await;
                store.confirm_head().await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let log = positions(&everything(&*stores[0]).await);
    assert_eq!(log.len(), 120);
    for (store, recorder) in stores.iter().zip(recorders) {
        store.confirm_head().await.unwrap();
        let mut told = recorder.positions();
        // Repetitions are allowed, but never something new before what precedes it.
        let mut newest = Position::ZERO;
        told.retain(|position| {
            let is_new = *position > newest;
            newest = newest.max(*position);
            is_new
        });
        assert_eq!(told, log);
    }
}

/// More than a store would read at once.
pub(super) async fn many_foreign_events_are_followed(lab: &dyn Lab) {
    let (store, other) = (lab.store().await, lab.store().await);
    let recorder = Arc::new(Recorder::default());
    store.follow(recorder.clone());
    done(&*store, one("a", 0)).await;
    for round in 0..5 {
        let append = Append { writes: vec![write("b", round * 700, 700)], ..Append::default() };
        done(&*other, append).await;
    }
    done(&*other, one("a", 1)).await;
    match store.append(one("a", 1)).await {
        Err(AppendError::Conflict { actual, .. }) => assert_eq!(actual, Sequence(2)),
        other => panic!("no conflict but {other:?}"),
    }
    assert_eq!(recorder.positions(), positions(&everything(&*store).await));
}

pub(super) async fn a_head_includes_what_others_committed(lab: &dyn Lab) {
    let (store, other) = (lab.store().await, lab.store().await);
    for sequence in 0..10 {
        let foreign = done(&*other, one("a", sequence)).await;
        let head = store.head().await.unwrap();
        assert_eq!((head.position, head.recorded_at), (foreign.position, foreign.recorded_at));
        let together = futures_util::future::join_all((0..10).map(|_| store.head())).await;
        assert!(together.into_iter().all(|found| found.unwrap() == head));
    }
}

pub(super) async fn a_confirmed_head_has_been_told_to_followers(lab: &dyn Lab) {
    let (store, other) = (lab.store().await, lab.store().await);
    let recorder = Arc::new(Recorder::default());
    store.follow(recorder.clone());
    for sequence in 0..10 {
        let foreign = done(&*other, one("a", sequence)).await;
        assert_eq!(store.confirm_head().await.unwrap().position, foreign.position);
        assert_eq!(recorder.positions().last(), Some(&foreign.position));
        assert_eq!(*store.commits().borrow(), foreign.position);
    }
    assert_eq!(recorder.positions(), positions(&everything(&*store).await));
}

pub(super) async fn a_foreign_append_makes_a_remembered_sequence_a_conflict(lab: &dyn Lab) {
    let (store, other) = (lab.store().await, lab.store().await);
    let mut sequence = 0;
    for _ in 0..10 {
        done(&*store, one("a", sequence)).await;
        done(&*other, one("a", sequence + 1)).await;
        match store.append(one("a", sequence + 1)).await {
            Err(AppendError::Conflict { expected, actual, .. }) => {
                assert_eq!((expected, actual), (Sequence(sequence + 1), Sequence(sequence + 2)));
            }
            outcome => panic!("no conflict but {outcome:?}"),
        }
        sequence += 2;
    }
}

pub(super) async fn commits_are_announced_and_never_run_backwards(lab: &dyn Lab) {
    let store = lab.store().await;
    let mut commits = store.commits();
    assert_eq!(*commits.borrow_and_update(), Position::ZERO);
    let writer = Arc::clone(&store);
    let writer = tokio::spawn(async move {
        for sequence in 0..50 {
            let appended = done(&*writer, one("a", sequence)).await;
            assert!(*writer.commits().borrow() >= appended.position, "answered before it was announced");
        }
    });
    let mut before = Position::ZERO;
    let last = loop {
        commits.changed().await.unwrap();
        let seen = *commits.borrow_and_update();
        assert!(seen > before);
        before = seen;
        let log = everything(&*store).await;
        assert!(log.last().is_some_and(|last| last.position >= seen), "announced before it was there");
        if log.len() == 50 {
            break log[49].position;
        }
    };
    writer.await.unwrap();
    assert_eq!(*store.commits().borrow(), last);
}

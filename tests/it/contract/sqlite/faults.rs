//! A full disk, a lock that is not let go, a follower that fails: nothing half-written, and it goes on afterwards.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use muster::store::{
    Append, AppendError, Appended, Follower, Store, StoreError, StoredEvent,
    sqlite::{SqliteOptions, SqliteStore},
};
use muster_events::{
    claims::{Claim, ClaimChange},
    stream::Position,
};

use super::{
    super::lab::{Lab, ManualClock, Recorder, all_at_once, done, everything, keyed, one, positions, write},
    SqliteLab,
};

fn open_with(lab: &SqliteLab, options: SqliteOptions) -> Arc<dyn Store> {
    let clock = Arc::new(ManualClock::at("2026-11-24T10:00:00Z"));
    Arc::new(SqliteStore::open_with(&lab.path(), clock, options).unwrap())
}

fn unavailable(outcome: Result<Appended, AppendError>) -> String {
    match outcome {
        Err(AppendError::Store(StoreError::Unavailable(text))) => text,
        other => panic!("not unavailable but {other:?}"),
    }
}

fn large(id: &str) -> Append {
    let mut write = write(id, 0, 1);
    write.events[0].payload = "x".repeat(1 << 20);
    Append { writes: vec![write], ..Append::default() }
}

/// The disk fills up in the middle of a batch: all of it fails, none of it is there, and what still fits succeeds.
#[tokio::test]
async fn a_full_disk_keeps_nothing_of_a_batch() {
    let lab = SqliteLab::new();
    let store = open_with(&lab, SqliteOptions { max_pages: Some(100), ..SqliteOptions::default() });
    let kept = done(&*store, keyed(one("kept", 0), "user:1", "kept")).await;
    let take = ClaimChange::Take { claim: Claim::organization_slug("acme"), holder: "1".into() };
    let small = Append { claims: vec![take.clone()], ..keyed(one("small", 0), "user:1", "small") };
    // Handed over while the writer is busy with the first one, so that the others share a batch.
    let outcomes =
        all_at_once(&[&store], [one("first", 0), small.clone(), large("large"), one("last", 0)]).await;
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    assert!(failed >= 1);
    for outcome in outcomes {
        if outcome.is_err() {
            assert_eq!(unavailable(outcome), "database or disk is full");
        }
    }
    assert_eq!(everything(&*store).await.len(), 1 + 4 - failed);
    assert_eq!(unavailable(store.append(large("larger")).await), "database or disk is full");

    let next = done(&*store, one("kept", 1)).await;
    assert_eq!(next.position.0, u64::try_from(2 + 4 - failed).unwrap());
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    drop(store);
    let store = lab.store().await;
    done(&*store, large("large")).await;
    assert_eq!(store.outcome("user:1", "kept").await.unwrap().unwrap().position, kept.position);
}

/// The quota is so small that no batch ever fits: none of a hundred attempts leaves a trace, also not in the memory
/// of where streams stand.
#[tokio::test]
async fn a_disk_that_stays_full_stays_readable() {
    let lab = SqliteLab::new();
    drop(lab.store().await);
    let store = open_with(&lab, SqliteOptions { max_pages: Some(1), ..SqliteOptions::default() });
    for _ in 0..100 {
        let writes = [write("small", 0, 1)].into_iter().chain(large("large").writes).collect();
        unavailable(store.append(Append { writes, ..Append::default() }).await);
    }
    assert!(everything(&*store).await.is_empty());
    assert_eq!(store.head().await.unwrap().position, Position::ZERO);
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    assert_eq!(done(&*store, one("small", 0)).await.position, Position(1));
}

/// Against its documentation; the second write then has to expect what the first appends.
#[tokio::test]
async fn a_stream_that_is_named_twice_harms_no_neighbour() {
    let lab = SqliteLab::new();
    let store = lab.store().await;
    let twice =
        |second| Append { writes: vec![write("a", 0, 2), write("a", second, 1)], ..Append::default() };
    let outcomes = all_at_once(&[&store], [one("b", 0), twice(0), one("c", 0), twice(2)]).await;
    let succeeded: Vec<_> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(succeeded, [true, false, true, true]);
    assert!(matches!(outcomes[1], Err(AppendError::Conflict { .. })), "{outcomes:?}");
}

#[tokio::test]
async fn a_lock_that_is_not_let_go_is_waited_for_with_a_limit() {
    let lab = SqliteLab::new();
    let options = SqliteOptions { busy_timeout: Duration::from_millis(20), ..SqliteOptions::default() };
    let store = open_with(&lab, options);
    done(&*store, one("a", 0)).await;
    let stranger = lab.connection();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let outcomes = all_at_once(&[&store], [one("a", 1), one("b", 0)]).await;
    for outcome in outcomes {
        assert_eq!(unavailable(outcome), "database is locked");
    }
    assert_eq!(everything(&*store).await.len(), 1, "reads wait for nobody");
    stranger.execute_batch("ROLLBACK").unwrap();
    done(&*store, one("a", 1)).await;
}

#[derive(Debug, Default)]
struct FailsOnce(AtomicBool);

impl Follower for FailsOnce {
    fn committed(&self, _: &[StoredEvent]) {
        assert!(self.0.swap(true, Ordering::SeqCst), "on purpose");
    }
}

/// What the follower would have done is not known, so nothing is decided before all followers have been told again.
#[tokio::test]
async fn a_follower_that_panics_hangs_nobody() {
    let lab = SqliteLab::new();
    let store = lab.store().await;
    let recorder = Arc::new(Recorder::default());
    store.follow(Arc::new(FailsOnce::default()));
    store.follow(recorder.clone());
    let text = unavailable(store.append(one("a", 0)).await);
    assert_eq!(text, "the writer failed in the middle of the append; look whether it was kept");
    store.append(one("a", 0)).await.unwrap_err();
    done(&*store, one("a", 1)).await;
    assert_eq!(recorder.positions(), positions(&everything(&*store).await));
}

#[tokio::test]
async fn a_log_that_became_shorter_is_not_written() {
    let lab = SqliteLab::new();
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    done(&*store, one("b", 0)).await;
    lab.connection()
        .execute_batch("DROP TRIGGER events_are_not_deleted; DELETE FROM events WHERE position = 2")
        .unwrap();
    match store.append(one("a", 1)).await {
        Err(AppendError::Store(StoreError::Damaged(text))) => {
            assert_eq!(text, "it ends at position 1, and was at 2 before: start again after a restore");
        }
        other => panic!("not damaged but {other:?}"),
    }
    assert_eq!(store.check().await.unwrap(), ["The trigger events_are_not_deleted is missing."]);
}

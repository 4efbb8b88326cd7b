//! A log that was restored elsewhere or to an earlier state is another one: whoever knows the one that was finds out,
//! whatever it does, and forgets it.

use std::{sync::Arc, time::Duration};

use muster::{
    history::{History, HistoryError, Sight},
    store::{Append, AppendError, Lease, LogQuery, Store, StoreError, postgres::PostgresStore},
};
use muster_events::stream::Position;
use sqlx::Executor as _;
use tempfile::TempDir;
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    super::lab::{Lab, ManualClock, Recorder, done, one},
    PostgresLab,
    faults::terminate,
};
use crate::history::key_ring;

/// Longer than the look of a process that hears nothing.
const LIMIT: Duration = Duration::from_secs(20);
/// Longer than a test takes.
const LONG: Duration = Duration::from_mins(10);

/// All but the first event is gone, as after a restore.
async fn put_back(lab: &PostgresLab) {
    let put_back = "ALTER TABLE log.events DISABLE TRIGGER USER; DELETE FROM log.events WHERE position > 1; \
                    ALTER TABLE log.events ENABLE TRIGGER USER";
    lab.0.connection().await.execute(sqlx::raw_sql(put_back)).await.unwrap();
}

/// The log is on another cluster than before, to which every connection has to be made.
async fn replace(lab: &PostgresLab) {
    let elsewhere = "UPDATE log.deployment SET cluster = 'elsewhere-00000001'";
    lab.0.connection().await.execute(elsewhere).await.unwrap();
    terminate(lab).await;
}

/// Waits until whoever follows `commits` is told that the log is another one.
async fn told(commits: &mut watch::Receiver<Position>) {
    timeout(LIMIT, commits.changed()).await.expect("it finds out").unwrap();
}

async fn held(store: &Arc<dyn Store>) -> Option<Lease> {
    store.lease("sub", "first", LONG).await.unwrap()
}

/// A log that was restored elsewhere is another one: positions of the one are not those of the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_cluster_or_timeline_is_another_incarnation_also_for_who_only_reads() {
    let lab = PostgresLab::new().await;
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    let (before, mut commits) = (store.incarnation(), store.commits());
    commits.mark_unchanged();
    replace(&lab).await;
    told(&mut commits).await;
    let after = store.incarnation();
    assert_ne!(before, after);
    assert_eq!(lab.store().await.incarnation(), after, "another process sees the same one");
}

/// The same for who appends at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_on_another_cluster_is_one_of_another_incarnation() {
    let lab = PostgresLab::new().await;
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    let before = store.incarnation();
    replace(&lab).await;
    done_at_last(&store, "b").await;
    let after = store.incarnation();
    assert_ne!(before, after);
    assert_eq!(lab.store().await.incarnation(), after, "it was drawn once");
}

/// The log is put back behind the back of a running process: it says so by another incarnation, and goes on from what is
/// there now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_put_back_under_a_running_process_gets_another_incarnation() {
    let lab = PostgresLab::new().await;
    let store = lab.store().await;
    for sequence in 0..3 {
        done(&*store, one("a", sequence)).await;
    }
    let before = store.incarnation();
    put_back(&lab).await;
    let appended = done(&*store, one("a", 1)).await;
    assert_eq!(appended.position, Position(2));
    assert_ne!(store.incarnation(), before);
    assert_eq!(*store.commits().borrow(), Position(2));
}

/// Also a process that appends nothing finds out. Until then it answers nothing of the log that was, and afterwards it has
/// heard of every event of the one that is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_only_reads_finds_out_that_the_log_was_put_back() {
    let lab = PostgresLab::new().await;
    let (store, other) = (lab.store().await, lab.store().await);
    let recorder = Arc::new(Recorder::default());
    store.follow(Arc::clone(&recorder) as _);
    for sequence in 0..3 {
        done(&*other, one("a", sequence)).await;
    }
    assert_eq!(store.confirm_head().await.unwrap().position, Position(3));
    assert_eq!(store.read_on(Position(1), 10).await.unwrap().len(), 2);
    let (lease, mut commits) = (held(&store).await.unwrap(), store.commits());
    commits.mark_unchanged();
    put_back(&lab).await;
    for found in [store.head().await, store.confirm_head().await] {
        let is_right = match &found {
            Ok(head) => head.position == Position(1),
            Err(error) => matches!(error, StoreError::Unavailable(why) if why.contains("put back")),
        };
        assert!(is_right, "{found:?}");
    }
    assert!(store.read_on(Position(1), 10).await.unwrap().is_empty());
    told(&mut commits).await;
    assert_eq!(store.confirm_head().await.unwrap().position, Position(1));
    done(&*other, one("b", 0)).await;
    done(&*store, one("c", 0)).await;
    assert_eq!(store.incarnation(), other.incarnation(), "whichever of them was first has drawn it");
    assert_eq!(recorder.positions()[3..], [Position(2), Position(3)]);
    let again = held(&store).await.unwrap();
    assert_eq!((lease.checkpoint, again.checkpoint), (Position(3), Position(1)));
    assert!(again.epoch > lease.epoch, "who held it begins anew");
}

/// A subscriber of a process that does not know yet that the log is another one does not move the checkpoint in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_knows_another_incarnation_moves_no_checkpoint_and_finds_out() {
    let lab = PostgresLab::new().await;
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    let (lease, mut commits) = (held(&store).await.unwrap(), store.commits());
    done(&*store, one("a", 1)).await;
    commits.mark_unchanged();
    PostgresStore::renew_incarnation(&lab.0.database()).await.unwrap();
    assert!(!store.advance(&lease, Position(2)).await.unwrap());
    told(&mut commits).await;
    let again = held(&store).await.unwrap();
    assert_eq!((again.checkpoint, again.epoch), (lease.checkpoint, lease.epoch + 1));
    assert!(store.advance(&again, Position(2)).await.unwrap());
}

/// What was decided by what the log was is not kept in the one that is, also where each stream stands where it stood.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_of_the_log_that_was_is_not_kept_in_the_one_that_is() {
    let lab = PostgresLab::new().await;
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    done(&*store, one("a", 1)).await;
    let decided = Append { log: Some(store.incarnation()), ..one("a", 2) };
    put_back(&lab).await;
    let later = Arc::new(ManualClock::at("2026-11-24T10:00:01Z"));
    done(&*lab.open(later).await, one("a", 1)).await;
    let outcome = store.append(decided).await;
    assert!(matches!(outcome, Err(AppendError::OtherLog)), "{outcome:?}");
    let decided_again = Append { log: Some(store.incarnation()), ..one("a", 2) };
    assert_eq!(done(&*store, decided_again).await.position, Position(3));
}

/// Nothing says that it was put back, and when it is looked at it has grown beyond what was known of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_put_back_and_has_grown_since_is_another_one_too() {
    let lab = PostgresLab::new().await;
    let store = lab.store().await;
    for sequence in 0..3 {
        done(&*store, one("a", sequence)).await;
    }
    let (before, mut commits) = (store.incarnation(), store.commits());
    commits.mark_unchanged();
    let grown = "ALTER TABLE log.events DISABLE TRIGGER USER; \
        CREATE TEMPORARY TABLE later AS SELECT * FROM log.events WHERE position > 1; \
        DELETE FROM log.events WHERE position > 1; \
        UPDATE later SET recorded_at = recorded_at + 1, event_id = gen_random_uuid(), aggregate_id = 'b', \
            sequence = sequence - 1; \
        INSERT INTO log.events SELECT * FROM later; \
        UPDATE later SET position = position + 2, aggregate_id = 'c'; INSERT INTO log.events SELECT * FROM later; \
        ALTER TABLE log.events ENABLE TRIGGER USER";
    lab.0.connection().await.execute(sqlx::raw_sql(grown)).await.unwrap();
    terminate(&lab).await;
    told(&mut commits).await;
    assert_ne!(store.incarnation(), before);
    assert_eq!(store.confirm_head().await.unwrap().position, Position(5));
    assert_eq!(done(&*store, one("b", 2)).await.position, Position(6));
}

/// Who follows the log, or reads it page by page, is told that what comes is of another one, and not given it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_on_is_told_that_the_log_is_another_one_now() {
    let lab = PostgresLab::new().await;
    let store = lab.store().await;
    for sequence in 0..3 {
        done(&*store, one("a", sequence)).await;
    }
    let directory = TempDir::new().unwrap();
    let history = History::new(Arc::clone(&store), key_ring(&directory).await);
    let (query, viewer) = (LogQuery { limit: usize::MAX, ..LogQuery::default() }, Arc::new(Sight::ALL));
    let stop = CancellationToken::new();
    let mut tail = history.tail(query.clone(), Arc::clone(&viewer) as _, stop.clone()).await.unwrap();
    assert_eq!(tail.next_page().await.unwrap().unwrap().len(), 3);
    let mut export = history.export(query.clone(), Arc::clone(&viewer) as _).await.unwrap();
    put_back(&lab).await;
    for id in ["b", "c", "d"] {
        done(&*store, one(id, 0)).await;
    }
    for ended in [tail.next_page().await, export.next_page().await] {
        assert!(matches!(ended, Err(HistoryError::PutBack)), "{ended:?}");
    }
    let mut tail = history.tail(query, viewer, stop).await.unwrap();
    assert_eq!(tail.next_page().await.unwrap().unwrap().len(), 4);
}

/// While nobody is there to answer, an append is not available; when somebody is again, it goes on by itself.
async fn done_at_last(store: &Arc<dyn Store>, id: &str) {
    for _ in 0..20 {
        match store.append(one(id, 0)).await {
            Ok(_) => return,
            Err(AppendError::Store(StoreError::Unavailable(_))) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("it does not recover");
}

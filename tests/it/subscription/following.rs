//! Catching up, waking, resuming.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use muster::{
    deployment::{LOG_FILE, VIEWS_FILE},
    store::Store,
};
use muster_events::{stream::Position, team};
use muster_projections::{
    change::Change,
    projection::Projection,
    table::{Column, ColumnType, Table, Value},
};

use crate::support::is_without_files;

use super::lab::{LIMIT, Lab, NEVER, Process, append, append_many, created, flagged, team};

/// A projection that counts how often it is given an event.
macro_rules! counting {
    ($counted:ident, $given:ident) => {
        static $given: AtomicU64 = AtomicU64::new(0);
        static TABLE: Table = Table {
            name: "counted",
            key: &[Column::new("id", ColumnType::Integer)],
            columns: &[],
            indexes: &[],
        };
        static $counted: Projection = Projection {
            name: "counted",
            version: 1,
            aggregates: &[team::TYPE],
            tables: &[&TABLE],
            project: |entry, _| {
                $given.fetch_add(1, Ordering::Relaxed);
                vec![Change::put(&TABLE, [Value::id_of(&entry.stream)], [])]
            },
        };
    };
}

#[tokio::test]
async fn a_verb_catches_up_over_several_batches() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    let head = append_many(&*store, 1_800).await;
    let mut runner = lab.runner(store.clone()).await;
    assert_eq!(runner.run_to_head().await.unwrap(), Position(head));
    assert_eq!(runner.run_to_head().await.unwrap(), Position(head), "once more finds nothing to do");
    assert_eq!(runner.read_models().status().applied, Some(Position(head)));
    lab.assert_views_are_the_fold(&*store).await;
}

#[tokio::test]
async fn an_empty_log_is_caught_up_with() {
    let lab = Lab::new().await;
    let process = Process::start(lab.runner(lab.store().await).await);
    process.models.wait_for(Position::ZERO, LIMIT).await.unwrap();
    let status = process.models.status();
    assert_eq!(status.projections.len(), muster_projections::all().len());
    process.stop().await;
}

#[tokio::test]
async fn a_commit_in_this_process_wakes_the_runner() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    let process = Process::start(lab.runner(store.clone()).await.poll_every(NEVER));
    process.reaches(0).await;
    for number in 1..=20 {
        let position = append(&*store, team(number), 0, vec![created(number)]).await;
        process.reaches(position).await;
    }
    process.stop().await;
}

#[tokio::test]
async fn a_commit_of_another_process_is_found_by_polling() {
    let lab = Lab::new().await;
    let process = Process::start(lab.runner(lab.store().await).await);
    process.reaches(0).await;
    let position = append_many(&*lab.store().await, 30).await;
    process.reaches(position).await;
    process.stop().await;
}

#[tokio::test]
async fn a_reader_who_saw_a_newer_head_makes_the_runner_look() {
    let lab = Lab::new().await;
    let process = Process::start(lab.runner(lab.store().await).await.poll_every(NEVER));
    process.reaches(0).await;
    let position = append_many(&*lab.store().await, 30).await;
    process.models.wait_for(Position(position), LIMIT).await.unwrap();
    let ahead = Position(position + 1);
    let error = process.models.wait_for(ahead, Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the views stand at position {position}, {ahead} is needed"));
    process.stop().await;
}

#[tokio::test]
async fn a_runner_resumes_where_the_last_one_stopped() {
    counting!(COUNTED, GIVEN);
    let lab = Lab::new().await;
    let store = lab.store().await;
    let mut position = append_many(&*store, 30).await;
    for sequence in 10..15 {
        let process = Process::start(lab.runner_of(store.clone(), vec![&COUNTED]).await);
        process.reaches(position).await;
        process.stop().await;
        position = append(&*store, team(1), sequence, vec![flagged(true)]).await;
    }
    lab.runner_of(store.clone(), vec![&COUNTED]).await.run_to_head().await.unwrap();
    assert_eq!(GIVEN.load(Ordering::Relaxed), position, "no event is given twice");
}

#[tokio::test]
async fn two_processes_apply_every_event_once() {
    counting!(COUNTED, GIVEN);
    let lab = Lab::new().await;
    let (here, there) = (lab.store().await, lab.store().await);
    let one = Process::start(lab.runner_of(here.clone(), vec![&COUNTED]).await);
    let other = Process::start(lab.runner_of(there.clone(), vec![&COUNTED]).await);
    let mut position = 0;
    for number in 1..=100 {
        let store: &dyn Store = if number % 2 == 0 { &*here } else { &*there };
        position = append(store, team(number), 0, vec![created(number), flagged(true)]).await;
    }
    one.reaches(position).await;
    other.reaches(position).await;
    assert_eq!(GIVEN.load(Ordering::Relaxed), position);
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn deleted_views_are_built_again() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    let head = append_many(&*store, 900).await;
    let mut runner = lab.runner(store.clone()).await;
    runner.run_to_head().await.unwrap();
    runner.read_models().views().close().await;
    if lab.place.database.is_some() {
        lab.run_on_views("DROP SCHEMA views CASCADE").await;
    } else {
        std::fs::remove_file(lab.place.path().join(VIEWS_FILE)).unwrap();
    }
    let process = Process::start(lab.runner(store.clone()).await);
    process.reaches(head).await;
    lab.assert_views_are_the_fold(&*store).await;
    process.stop().await;
}

#[tokio::test]
async fn views_of_a_file_of_the_log_that_was_set_back_begin_anew() {
    if is_without_files("a file of the log that is put in the place of another") {
        return;
    }
    let lab = Lab::new().await;
    let store = lab.store().await;
    let position = append(&*store, team(1), 0, vec![created(1)]).await;
    let log = lab.place.path().join(LOG_FILE);
    let earlier = log.with_extension("earlier");
    let copy = format!("VACUUM INTO '{}'", earlier.display());
    rusqlite::Connection::open(&log).unwrap().execute_batch(&copy).unwrap();
    append(&*store, team(2), 0, vec![created(2)]).await;
    lab.runner(store.clone()).await.run_to_head().await.unwrap();
    drop(store);
    for left in ["db-wal", "db-shm"] {
        let _ = std::fs::remove_file(log.with_extension(left));
    }
    std::fs::rename(&earlier, &log).unwrap();

    let store = lab.store().await;
    let process = Process::start(lab.runner(store.clone()).await);
    assert_eq!(process.reaches(position).await.applied, Some(Position(position)));
    lab.assert_views_are_the_fold(&*store).await;
    process.stop().await;
}

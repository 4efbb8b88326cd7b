//! Of SQLite: the one lock that a save and whoever keeps the living rows take in turns.

use std::time::Duration;

use muster_events::stream::Position;
use sqlx::{ConnectOptions as _, raw_sql, sqlite::SqliteConnectOptions};
use tokio::{task::JoinHandle, time::timeout};

use super::{
    LOG, Lab, TestViews,
    apply::{NAMES_OF_TEAMS, teams},
    rebuild::{claimed, end, many_accounts, saved, switched},
};
use crate::{
    database::{LOCK_WAIT, Pool},
    error::ViewError,
    projection::LogEntry,
    teams, users,
    views::{Building, Outcome, Views},
};

/// Whoever keeps the living rows gives up soon and comes again; a rebuild has nobody who calls it again.
#[tokio::test]
async fn given_a_file_that_another_process_writes_then_a_save_waits_for_it() {
    let lab = Lab::sqlite();
    let Lab::Sqlite { directory, files } = &lab else { panic!("this is about SQLite") };
    let test = TestViews::new(&lab).await;
    let entries = teams("poison").entries();
    test.views.prepare(&[&NAMES_OF_TEAMS], LOG).await.unwrap();
    test.applied(&[&NAMES_OF_TEAMS], 0, &entries).await;
    let mut building = claimed(&test.views, &NAMES_OF_TEAMS, "one").await;
    building.take(&entries, end(&entries));
    let path = super::file(directory, files);
    let mut other = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let impatient = timeout(Duration::from_millis(50), test.views.save(&mut building)).await;
    impatient.expect_err("the file is written by another process");
    assert_eq!(building.position(), building.saved(), "what was folded for it is folded again");
    building.take(&entries, end(&entries));
    let saving = saving(test.views.clone(), building);
    tokio::pin!(saving);
    timeout(LOCK_WAIT * 2, &mut saving).await.expect_err("one wait for the lock is not all");
    raw_sql("COMMIT").execute(&mut other).await.unwrap();
    let mut building = saving.await.unwrap();
    assert_eq!(building.saved(), end(&entries));
    switched(&test.views, &mut building, &entries).await;
    let [parked] = test.views.parked().await.unwrap().try_into().unwrap();
    assert_eq!((parked.generation, parked.events), (2, 2), "what was set aside is counted once");
}

fn saving(views: Views, mut building: Building) -> JoinHandle<Building> {
    tokio::spawn(async move {
        saved(&views, &mut building).await;
        building
    })
}

/// Both stand in one queue, for the one connection of the process that writes: who fills does not take the lock past who
/// waits there.
#[tokio::test]
async fn given_who_keeps_the_living_rows_then_a_save_waits_for_its_turn() {
    let lab = Lab::sqlite();
    let Lab::Sqlite { directory, files } = &lab else { panic!("this is about SQLite") };
    let (test, entries) = (TestViews::new(&lab).await, teams("two").entries());
    test.views.prepare(&[&NAMES_OF_TEAMS], LOG).await.unwrap();
    let mut building = claimed(&test.views, &NAMES_OF_TEAMS, "one").await;
    building.take(&entries, end(&entries));
    let Pool::Sqlite(writer) = &test.views.writer else { panic!("this is about SQLite") };
    let turn = writer.acquire().await.unwrap();
    let saving = saving(test.views.clone(), building);
    tokio::pin!(saving);
    timeout(Duration::from_millis(200), &mut saving).await.expect_err("it is not its turn");
    let path = super::file(directory, files);
    let mut other = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    raw_sql("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; COMMIT")
        .execute(&mut other)
        .await
        .expect("no lock is taken");
    drop(turn);
    assert_eq!(saving.await.unwrap().saved(), end(&entries));
}

/// Another process has a queue of its own; it comes in between while one that fills rests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn given_a_save_then_the_living_rows_are_written_meanwhile_by_another_process() {
    let lab = Lab::sqlite();
    let (test, entries) = (TestViews::new(&lab).await, many_accounts(40_000).entries());
    let keeper = lab.open().await;
    let mut building = claimed(&test.views, &users::PROJECTION, "one").await;
    building.take(&entries, end(&entries));
    let (saving, kept) = (saving(test.views.clone(), building), [&teams::PROJECTION]);
    let mut written = 0;
    while !saving.is_finished() {
        let entry = [LogEntry { position: Position(written + 1), ..entries[0].clone() }];
        // Where it has no turn in time it comes again, as the runner does.
        match keeper.apply(&kept, LOG, Position(written), &entry, None).await {
            Ok(Outcome::Applied(_)) => written += 1,
            Err(ViewError::Unavailable(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(saving.await.unwrap().unsaved(), 0);
    assert!(written > 3, "only {written} times");
}

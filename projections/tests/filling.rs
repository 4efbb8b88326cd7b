//! Of SQLite: the one lock that a save and whoever keeps the living rows take in turns.

use std::{slice, time::Duration};

use muster_events::stream::Position;
use sqlx::{ConnectOptions as _, raw_sql, sqlite::SqliteConnectOptions};
use tokio::{task::JoinHandle, time::timeout};

use super::{
    LOG, Lab, TestViews,
    apply::{NAMES_OF_TEAMS, teams},
    rebuild::{claimed, end, many_accounts, saved, switched},
};
use crate::{
    database::LOCK_WAIT,
    projection::LogEntry,
    teams, users,
    views::{Building, Outcome, Views},
};

/// Twenty times what it is on a machine of two cores, without optimization.
const HELD_UP: Duration = Duration::from_millis(500);

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

/// How often the living rows were written while `building` was saved. Nothing holds them up for long.
async fn written_during_a_save(keeper: &Views, views: Views, building: Building, entry: &LogEntry) -> u64 {
    let (saving, kept) = (saving(views, building), [&teams::PROJECTION]);
    let mut written = 0;
    while !saving.is_finished() {
        let entry = LogEntry { position: Position(written + 1), ..entry.clone() };
        let writing = keeper.apply(&kept, LOG, Position(written), slice::from_ref(&entry), None);
        let outcome = timeout(HELD_UP, writing).await.expect("it has its turn");
        assert!(matches!(outcome, Ok(Outcome::Applied(_))), "{outcome:?}");
        written += 1;
    }
    assert_eq!(saving.await.unwrap().unsaved(), 0);
    written
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn given_a_save_then_the_living_rows_of_this_process_and_of_another_are_written_meanwhile() {
    let lab = Lab::sqlite();
    let entries = many_accounts(40_000).entries();
    for is_other in [false, true] {
        let test = TestViews::new(&lab).await;
        let keeper = if is_other { lab.open().await } else { test.views.clone() };
        let mut building = claimed(&test.views, &users::PROJECTION, "one").await;
        building.take(&entries, end(&entries));
        let written = written_during_a_save(&keeper, test.views.clone(), building, &entries[0]).await;
        assert!(written > 20, "only {written} times, is_other: {is_other}");
    }
}

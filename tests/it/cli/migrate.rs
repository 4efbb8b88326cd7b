//! `muster migrate`.

use serde_json::{Value, json};

use super::{Muster, Serving};
use crate::support::{is_without_database, is_without_files};

/// Runs statements on the read models, or on the log of a database.
fn sql(muster: &Muster, schema: &str, statements: &str) {
    match &muster.database {
        None => {
            let file = muster.data().join(format!("{schema}.db"));
            rusqlite::Connection::open(file).unwrap().execute_batch(statements).unwrap();
        }
        Some(database) => drop(database.run_blocking(&format!("SET search_path = {schema}; {statements}"))),
    }
}

fn migrated(muster: &Muster) -> Value {
    muster.run(&["migrate", "--json"]).done().json()
}

#[test]
fn it_says_what_was_brought_up_to_date_and_what_was_already() {
    let muster = Muster::small();
    let first = migrated(&muster);
    assert_eq!(first["log"]["before"], first["log"]["after"]);
    assert_eq!(first["keys"], json!({"before": 1, "after": 1}));
    muster.run(&["migrate"]).done().says("was up to date.");
    // Rows that an older version made.
    sql(
        &muster,
        "views",
        "UPDATE generations SET version = 0 WHERE projection = 'teams' AND state = 'living'; UPDATE teams_1 SET name = 'Old'",
    );
    let again = migrated(&muster);
    assert_eq!(again["views"]["teams"]["before"], 0);
    assert_eq!(again["views"]["teams"]["after"], first["views"]["teams"]["after"]);
    assert_eq!(again["views"]["members"]["before"], again["views"]["members"]["after"]);
    muster.run(&["doctor"]).done();
    sql(
        &muster,
        "views",
        "UPDATE generations SET version = 0 WHERE projection = 'teams' AND state = 'living'",
    );
    muster.run(&["migrate"]).done().says("is up to date now.").says("read model teams");
}

#[test]
fn it_makes_no_ledger() {
    let muster = Muster::new();
    muster.run(&["migrate"]).failed("there is no ledger in");
    assert!(!muster.has_ledger());
}

#[test]
fn a_directory_is_not_migrated_while_a_server_runs_on_it() {
    if is_without_files("one server for a data directory") {
        return;
    }
    let muster = Muster::small();
    let mut serving = Serving::start(&mut muster.command(&["serve", "--listen", "127.0.0.1:0"]));
    serving.url();
    muster.run(&["migrate"]).failed(&format!("process {}", serving.pid()));
    serving.stop();
    muster.run(&["migrate"]).done();
}

#[test]
fn a_database_is_migrated_beside_servers_that_can_go_on_and_no_others() {
    if is_without_database("several servers") {
        return;
    }
    let muster = Muster::small();
    let mut serving = Serving::start(&mut muster.command(&["serve", "--listen", "127.0.0.1:0"]));
    serving.url();
    muster.run(&["migrate"]).done().says("was up to date.");
    // A newer muster has been there: this one goes on where that says that it can, and only there.
    let known = migrated(&muster)["log"]["after"].as_u64().unwrap();
    let is = |version: u64, oldest: u64| {
        format!("UPDATE schema_version SET version = {version}, oldest_reader = {oldest}")
    };
    let newer = known + 1;
    sql(&muster, "log", &is(newer, 1));
    assert_eq!(migrated(&muster)["log"], json!({"before": newer, "after": newer}));
    sql(&muster, "log", &is(newer, newer));
    muster.run(&["migrate"]).failed("use the newer muster");
    // An older muster serves that cannot go on.
    sql(&muster, "log", &is(0, 0));
    muster.run(&["migrate"]).failed("stop all that run there first");
    sql(&muster, "log", &is(known, 1));
    serving.stop();
    muster.run(&["migrate"]).done();
    muster.run(&["doctor"]).done();
}

/// Whoever is connected under this name may be an older server, which would make them as it knows them.
#[tokio::test]
async fn read_models_that_another_process_keeps_are_left_to_it() {
    use sqlx::{Connection as _, Executor as _};
    if is_without_database("other processes that keep the read models") {
        return;
    }
    let muster = Muster::small();
    migrated(&muster);
    let mut other = muster.database.as_ref().unwrap().connection().await;
    other.execute("SET application_name = 'muster'").await.unwrap();
    sql(
        &muster,
        "views",
        "UPDATE generations SET version = 0 WHERE projection = 'teams' AND state = 'living'",
    );
    let left = migrated(&muster);
    assert_eq!(left["views_are_kept"], true);
    assert_eq!(left["views"]["teams"], json!({"before": 0, "after": 0}));
    muster.run(&["migrate"]).done().says("keeps its read models");
    other.close().await.unwrap();
    let built = migrated(&muster);
    assert_eq!((&built["views_are_kept"], &built["views"]["teams"]["before"]), (&json!(false), &json!(0)));
    assert_ne!(built["views"]["teams"]["after"], 0);
}

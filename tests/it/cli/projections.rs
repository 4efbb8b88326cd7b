//! `muster projections`.

use std::process::{Command, Stdio};

use muster_events::{
    id::{OrganizationId, TeamId},
    team::TeamEvent,
};
use serde_json::Value;

use super::{EXAMPLE, Muster, Ran, Serving, unreadable};

fn sql(muster: &Muster, statements: &str) {
    match &muster.database {
        None => {
            let file = muster.data().join("views.db");
            rusqlite::Connection::open(file).unwrap().execute_batch(statements).unwrap();
        }
        Some(database) => drop(database.run_blocking(&format!("SET search_path = views; {statements}"))),
    }
}

/// The generations, by name and state.
fn listed(muster: &Muster) -> Vec<(String, String)> {
    let listed = muster.run(&["projections", "list", "--json"]).done().json();
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    listed.as_array().unwrap().iter().map(|row| (text(row, "name"), text(row, "state"))).collect()
}

#[test]
fn given_a_ledger_then_its_read_models_are_listed_with_how_they_stand() {
    let muster = Muster::small();
    muster.run(&["org", "list"]).done();
    let table = muster.run(&["projections", "list"]).done();
    let header: Vec<_> = table.stdout.lines().next().unwrap().split_whitespace().collect();
    let wanted = ["NAME", "VERSION", "GENERATION", "STATE", "POSITION", "LAG", "PARKED", "LAST", "VERIFIED"];
    assert_eq!(header, wanted);
    assert_eq!(table.stdout.lines().count(), 7, "{table:?}");
    table.says("members").says("living").says("never");
    muster.run(&["projections", "verify"]).done().says("members: 4 rows, the fold of the log up to position");
    let head = muster.head();
    let row = &muster.run(&["projections", "list", "--json", "--digests"]).done().json()[0];
    assert_eq!((row["name"].as_str(), row["lag"].as_u64()), (Some("letters"), Some(0)));
    assert_eq!(row["verified"]["position"].as_u64(), Some(head));
    assert!(row["digest"].as_str().unwrap().ends_with(&format!(" at {head}")), "{row}");
}

#[test]
fn given_a_server_when_all_is_rebuilt_beside_it_then_it_reads_the_new_rows_and_can_go_back() {
    let muster = Muster::new();
    muster.run(&["import", EXAMPLE]).done();
    let mut serving = Serving::start(&mut muster.command(&["serve", "--listen", "127.0.0.1:0"]));
    serving.url();
    muster
        .run(&["projections", "rollback", "teams"])
        .failed("there are no earlier rows of the read model teams");
    let rebuilt = muster.run(&["projections", "rebuild", "--all", "--json"]).done().json();
    let rebuilt = rebuilt.as_array().unwrap();
    assert_eq!(rebuilt.len(), 6);
    for one in rebuilt {
        assert_eq!((&one["ended"], one["generation"].as_u64()), (&"switched".into(), Some(2)), "{one}");
        assert_eq!(one["digest"].as_str().unwrap().len(), 64);
    }
    assert_eq!(listed(&muster).iter().filter(|(_, state)| state == "kept").count(), 6);
    muster.run(&["user", "add", "new@example.com"]).done();
    muster.run(&["projections", "rollback", "users"]).done().says("users: generation 1 is read from now on");
    muster.run(&["user", "list", "--limit", "1000"]).done().says("new@example.com");
    muster.run(&["projections", "rebuild", "users"]).done().says("it was the same as the one before");
    assert!(serving.stop().0.success());
    muster.run(&["doctor"]).done();
}

#[test]
fn given_rows_that_were_altered_then_verify_names_them_and_a_rebuild_mends_them() {
    let muster = Muster::small();
    muster.run(&["org", "list"]).done();
    sql(
        &muster,
        "UPDATE teams_1 SET name = 'Evil'; UPDATE users_1 SET name = NULL; DELETE FROM organizations_1",
    );
    let found = muster.run(&["projections", "verify"]).failed("there are 4 differences");
    assert!(!found.stdout.contains("Alice"), "{found:?}");
    found
        .says(", name: the view has Evil, the log Core")
        .says(", name: the view has nothing, the log sealed value")
        .says(": the view has no row, the log a row");
    muster.run(&["projections", "list"]).done().says("1 differences at position");
    muster.run(&["doctor"]).failed("the doctor found 3 faults").says("muster projections rebuild teams");
    let rebuilt = muster.run(&["projections", "rebuild", "users", "teams", "organizations"]).done();
    rebuilt.says("the one before had 2 rows that were not").says("the one before had 1 rows that were not");
    let verified = muster.run(&["projections", "verify", "--json"]).done().json();
    assert!(verified.as_array().unwrap().iter().all(|view| view["differences"] == 0), "{verified}");
    muster.run(&["doctor"]).done();
}

#[test]
fn given_a_rebuild_that_is_interrupted_then_it_says_where_it_is_and_the_same_command_resumes() {
    let muster = Muster::new();
    muster.run(&["import", EXAMPLE]).done();
    muster.run(&["org", "list"]).done();
    let arguments = ["projections", "rebuild", "members", "--max-rate", "100"];
    let mut slow = muster.command(&arguments);
    let child = slow.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = muster::clock::stopwatch();
    while !listed(&muster).contains(&("members".into(), "building".into())) {
        assert!(began.elapsed().as_secs() < 30, "nothing is built");
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let ran = Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
    ran.failed("the same command resumes").says("members: paused at position");
    muster.run(&["projections", "rebuild", "members"]).done().says("it was the same as the one before");
    muster.run(&["projections", "verify", "members"]).done();
}

#[test]
fn given_names_that_are_none_then_those_that_are_one_are_named() {
    let muster = Muster::small();
    let known = "there are organizations, teams, users, members, tokens, letters";
    muster.run(&["projections", "rebuild", "colours"]).misunderstood(known);
    muster.run(&["projections", "rebuild"]).misunderstood("or all of them with --all");
    muster.run(&["projections", "verify", "colours"]).misunderstood(known);
    muster.run(&["projections", "rollback", "colours"]).misunderstood(known);
}

#[tokio::test]
async fn given_a_stream_that_is_set_aside_then_it_is_listed_shown_and_tried_again() {
    let muster = Muster::small();
    muster.run(&["projections", "parked", "list"]).done().says("No stream is set aside.");
    let organization = OrganizationId::new(1).unwrap();
    let (slug, name) = (String::from("core"), String::from("Core"));
    let event = TeamEvent::TeamCreated { organization, slug, name };
    unreadable::append(&muster, TeamId::new(1).unwrap().into(), organization, event.into()).await;
    muster.run(&["projections", "parked", "list"]).done().says("team:1").says("the payload of TeamCreated");
    let shown = muster.run(&["projections", "parked", "show", "teams", "team:1"]).done();
    shown.says("1 event set aside, because: ").says("\"type\":\"TeamCreated\"");
    let again = muster.run(&["projections", "parked", "retry"]).failed("1 stream stays set aside");
    again.says("teams still cannot take team:1 at position");
    muster.run(&["projections", "parked", "retry", "members"]).done().says("No such stream is set aside");
    // A rebuild sets the same aside.
    muster.run(&["projections", "rebuild", "teams"]).done().says("it was the same as the one before");
    assert_eq!(muster.run(&["projections", "parked", "list", "--json"]).done().json()[0]["generation"], 2);
    muster.run(&["projections", "verify", "teams"]).done().says("without 1 stream that is set aside");
}

#[tokio::test]
async fn given_a_server_that_compares_by_itself_then_its_metrics_say_what_it_found() {
    let muster = Muster::small();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--verify-every", "1"];
    let mut serving = Serving::start(&mut muster.command(&arguments));
    let url = format!("{}/metrics", serving.url());
    let began = muster::clock::stopwatch();
    loop {
        let shown = reqwest::get(&url).await.unwrap().text().await.unwrap();
        if shown.contains("muster_projection_verified_position{projection=\"members\"} 12") {
            assert!(shown.contains("muster_projection_differences{projection=\"members\"} 0"), "{shown}");
            break;
        }
        assert!(began.elapsed().as_secs() < 30, "{shown}");
    }
    assert!(serving.stop().0.success());
}

//! `muster doctor`: finds what is wrong, says what to mend, and is content otherwise.

use muster_events::{
    id::{OrganizationId, TeamId},
    team::TeamEvent,
};
use rusqlite::Connection;

use super::{EXAMPLE, Muster, unreadable};

fn sql(muster: &Muster, file: &str, statements: &str) {
    Connection::open(muster.data().join(file)).unwrap().execute_batch(statements).unwrap();
}

/// Lets somebody in who has the file and knows SQL.
fn tamper(muster: &Muster, statements: &str) {
    let connection = Connection::open(muster.data().join("log.db")).unwrap();
    let mut triggers =
        connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").unwrap();
    let triggers: Vec<(String, String)> =
        triggers.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    for (name, _) in &triggers {
        connection.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    connection.execute_batch(statements).unwrap();
    for (_, definition) in &triggers {
        connection.execute_batch(definition).unwrap();
    }
}

#[test]
fn a_ledger_that_is_in_order_gets_a_digest_that_does_not_change() {
    let muster = Muster::new();
    muster.run(&["import", EXAMPLE]).done();
    muster.run(&["doctor"]).done().says("Nothing is wrong.");
    let first = muster.run(&["doctor", "--json"]).done().json();
    assert_eq!(first["ok"], true);
    assert_eq!(first["position"].as_u64(), Some(muster.head()));
    assert_eq!(first["digest"].as_str().unwrap().len(), 64);
    let second = muster.run(&["doctor", "--json"]).done().json();
    assert_eq!(first, second);
    muster.run(&["user", "add", "new@example.com"]).done();
    let third = muster.run(&["doctor", "--json"]).done().json();
    assert_ne!(first["digest"], third["digest"]);
}

#[test]
fn an_event_that_was_altered_is_found_by_its_leaf() {
    let muster = Muster::small();
    tamper(
        &muster,
        "UPDATE events SET payload = replace(payload, '\"org_role\":\"member\"', '\"org_role\":\"owner\"') \
         WHERE event_type = 'MemberAdded'",
    );
    let ran = muster.run(&["doctor"]).failed("the doctor found");
    ran.says("WRONG  leaves").says("is not what was recorded there: restore log.db");
}

#[test]
fn a_claim_that_the_log_does_not_give_is_found() {
    let muster = Muster::small();
    sql(&muster, "log.db", "DELETE FROM claims WHERE kind = 'organization_slug'");
    muster
        .run(&["doctor"])
        .failed("the doctor found 1 fault")
        .says("Of the organization slug acme, the log says: ");
    let muster = Muster::small();
    sql(&muster, "log.db", "UPDATE claims SET holder = '7' WHERE kind = 'user_name'");
    let found = muster.run(&["doctor", "--json"]).failed("the doctor found 2 faults").json();
    let claims = found["checks"].as_array().unwrap().iter().find(|check| check["name"] == "claims").unwrap();
    assert_eq!((&claims["ok"], claims["findings"].as_array().unwrap().len()), (&false.into(), 2));
}

#[test]
fn a_read_model_that_says_something_else_is_found_and_mended_as_it_says() {
    let muster = Muster::small();
    muster.run(&["org", "list"]).done();
    sql(&muster, "views.db", "UPDATE organizations SET name = 'Evil'");
    muster
        .run(&["doctor"])
        .failed("the doctor found 1 fault")
        .says("The table organizations is not what the log");
    for file in ["views.db", "views.db-wal", "views.db-shm"] {
        let _ = std::fs::remove_file(muster.data().join(file));
    }
    muster.run(&["doctor"]).done();
}

#[test]
fn a_key_that_is_lost_is_found_by_every_value_that_it_sealed() {
    let muster = Muster::small();
    let tables = Connection::open(muster.data().join("keys.db")).unwrap();
    let mut query = tables.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").unwrap();
    let triggers: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let drops: Vec<_> = triggers.iter().map(|name| format!("DROP TRIGGER {name};")).collect();
    let drops = drops.join(" ");
    tables
        .execute_batch(&format!(
            "{drops} PRAGMA foreign_keys = OFF; DELETE FROM wrapped_keys WHERE number IN \
         (SELECT number FROM person_keys WHERE subject LIKE 'invitee:%'); \
         DELETE FROM person_keys WHERE subject LIKE 'invitee:%'"
        ))
        .unwrap();
    let ran = muster.run(&["doctor"]).failed("the doctor found");
    ran.says("WRONG  sealed").says("put the keys back from their backup");
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_found_where_it_is_and_where_it_is_missed() {
    let muster = Muster::small();
    let organization = OrganizationId::new(1).unwrap();
    let (slug, name) = (String::from("core"), String::from("Core"));
    let event = TeamEvent::TeamCreated { organization, slug, name };
    let position =
        unreadable::append(&muster, TeamId::new(1).unwrap().into(), organization, event.into()).await;
    let ran = muster.run(&["doctor"]).failed("the doctor found 2 faults");
    ran.says(&format!("The event at position {position} cannot be read (the payload of TeamCreated")).says(
        &format!("The read model teams has set the stream team:1 aside at position {position}, with 1 event"),
    );
    muster.run(&["events", "list", "--newest-first"]).done().says("team 1 ");
    muster.run(&["org", "list"]).done().says("acme");
}

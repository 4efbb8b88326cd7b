//! `muster doctor`: finds what is wrong, says what to mend, and is content otherwise.

use muster_events::{
    id::{OrganizationId, TeamId},
    team::TeamEvent,
};
use rusqlite::Connection;

use super::{EXAMPLE, Muster, unreadable};

/// Where something is kept: the file, or the schema.
const LOG: (&str, &str) = ("log.db", "log");
const VIEWS: (&str, &str) = ("views.db", "views");
const KEYS: (&str, &str) = ("keys.db", "keys");

/// Runs statements as who has the file, or all rights on the database.
fn sql(muster: &Muster, (file, schema): (&str, &str), statements: &str) {
    match &muster.database {
        None => Connection::open(muster.data().join(file)).unwrap().execute_batch(statements).unwrap(),
        Some(database) => {
            database.run_blocking(&format!("SET search_path = {schema}; {statements}"));
        }
    }
}

/// The same as who knows how to get past what the tables refuse, and leaves no trace of it.
fn tamper(muster: &Muster, place: (&str, &str), statements: &str) {
    if let Some(database) = &muster.database {
        let all = |verb: &str| {
            let each = format!(
                "SELECT format('ALTER TABLE %s {verb} TRIGGER %I;', tgrelid::regclass, tgname) FROM pg_trigger \
                 JOIN pg_class ON pg_class.oid = tgrelid WHERE relnamespace = '{}'::regnamespace AND NOT tgisinternal",
                place.1
            );
            database.run_blocking(&each).concat()
        };
        let enable = "' || CASE tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END || '";
        sql(muster, place, &format!("{} {statements}; {}", all("DISABLE"), all(enable)));
        return;
    }
    let connection = Connection::open(muster.data().join(place.0)).unwrap();
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
    let altered = "replace(CAST(payload AS text), '\"org_role\":\"member\"', '\"org_role\":\"owner\"')";
    let altered = if muster.database.is_some() { format!("{altered}::json") } else { altered.into() };
    let update = format!("UPDATE events SET payload = {altered} WHERE event_type = 'MemberAdded'");
    tamper(&muster, LOG, &update);
    let ran = muster.run(&["doctor"]).failed("the doctor found");
    let log = if muster.database.is_some() { "schema log of muster_test_" } else { "log.db from" };
    ran.says("WRONG  leaves").says(&format!("is not what was recorded there: restore {log}"));
}

#[test]
fn a_claim_that_the_log_does_not_give_is_found() {
    let muster = Muster::small();
    sql(&muster, LOG, "DELETE FROM claims WHERE kind = 'organization_slug'");
    muster
        .run(&["doctor"])
        .failed("the doctor found 1 fault")
        .says("Of the organization slug acme, the log says: ");
    let muster = Muster::small();
    sql(&muster, LOG, "UPDATE claims SET holder = '7' WHERE kind = 'user_name'");
    let found = muster.run(&["doctor", "--json"]).failed("the doctor found 2 faults").json();
    let claims = found["checks"].as_array().unwrap().iter().find(|check| check["name"] == "claims").unwrap();
    assert_eq!((&claims["ok"], claims["findings"].as_array().unwrap().len()), (&false.into(), 2));
}

#[test]
fn a_read_model_that_says_something_else_is_found_and_mended_as_it_says() {
    let muster = Muster::small();
    muster.run(&["org", "list"]).done();
    sql(&muster, VIEWS, "UPDATE organizations_1 SET name = 'Evil'");
    muster
        .run(&["doctor"])
        .failed("the doctor found 1 fault")
        .says("The table organizations is not what the log");
    if muster.database.is_some() {
        sql(&muster, VIEWS, "DROP SCHEMA views CASCADE");
    }
    for file in ["views.db", "views.db-wal", "views.db-shm"] {
        let _ = std::fs::remove_file(muster.data().join(file));
    }
    muster.run(&["doctor"]).done();
}

#[test]
fn a_key_that_is_lost_is_found_by_every_value_that_it_sealed() {
    let muster = Muster::small();
    let lost = "DELETE FROM wrapped_keys WHERE number IN \
         (SELECT number FROM person_keys WHERE subject LIKE 'invitee:%'); \
         DELETE FROM person_keys WHERE subject LIKE 'invitee:%'";
    tamper(&muster, KEYS, lost);
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

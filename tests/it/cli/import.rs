//! `muster import`: everything is checked before anything is written, and a second run changes nothing.

use serde_json::{Value, json};

use super::{EXAMPLE, Muster, SMALL};

fn changed(pointer: &str, value: Value) -> String {
    let mut file: Value = serde_json::from_str(SMALL).unwrap();
    *file.pointer_mut(pointer).unwrap() = value;
    file.to_string()
}

#[test]
fn it_prints_the_ids_of_all_that_was_named() {
    let muster = Muster::new();
    let ids = muster.run(&["import", &muster.file("small.json", SMALL)]).done().json();
    let is_id =
        |pointer: &str| ids.pointer(pointer).and_then(Value::as_str).unwrap().parse::<u64>().unwrap() > 0;
    for pointer in [
        "/users/alice",
        "/users/bob",
        "/organizations/acme/id",
        "/organizations/acme/teams/core",
        "/organizations/acme/members/alice",
        "/organizations/acme/members/carol",
    ] {
        assert!(is_id(pointer), "{pointer}: {ids}");
    }
    muster.run(&["doctor"]).done();
}

#[test]
fn the_first_owner_comes_to_be_with_the_organization() {
    let muster = Muster::small();
    let events = muster.run(&["events", "list", "--json"]).done().json();
    let types: Vec<_> =
        events["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    let created = types.iter().position(|name| *name == "OrganizationCreated").unwrap();
    assert_eq!(types[created..created + 3], ["OrganizationCreated", "TeamCreated", "MemberAdded"]);
    assert_eq!(types.iter().filter(|name| **name == "MemberAdded").count(), 2);
}

#[test]
fn a_second_run_changes_nothing_and_gives_the_same_ids() {
    let muster = Muster::new();
    let first = muster.run(&["import", EXAMPLE]).done().json();
    let head = muster.head();
    let second = muster.run(&["import", EXAMPLE]).done().json();
    assert_eq!(first, second);
    assert_eq!(muster.head(), head);
    muster.run(&["doctor"]).done();
}

#[test]
fn an_organization_that_is_there_stays_as_it_is_but_for_what_it_lacks() {
    let muster = Muster::small();
    let head = muster.head();
    let mut file: Value = serde_json::from_str(SMALL).unwrap();
    let organization = &mut file["organizations"][0];
    organization["name"] = json!("Another");
    organization["defaultRole"] = json!("manager");
    organization["settings"] = json!({"openMembership": false});
    organization["features"] = json!({"team-roles": false});
    organization["sso"] = json!({"provider": "okta"});
    organization["members"][1]["role"] = json!("manager");
    organization["members"][1]["teams"] = json!([]);
    muster.run(&["import", &muster.file("other.json", &file.to_string())]).done();
    assert_eq!(muster.head(), head);
    file["organizations"][0]["teams"].as_array_mut().unwrap().push(json!({"slug": "docs", "name": "Docs"}));
    muster.run(&["import", &muster.file("other.json", &file.to_string())]).done();
    assert_eq!(muster.head(), head + 1);
    muster.run(&["doctor"]).done();
}

#[test]
fn a_file_that_makes_no_sense_makes_no_ledger() {
    let muster = Muster::new();
    for (text, says) in [
        (
            changed("/users/1", json!({"key": "bob", "email": "bob@example.com", "rols": []})),
            "unknown key `rols`",
        ),
        (
            changed("/organizations/0/members/1/user", json!("dave")),
            "organizations[0].members[1].user: no user",
        ),
        (changed("/organizations/0/members/1/teams/0/team", json!("hr")), "has no team \"hr\""),
        (
            changed("/organizations/0/members/1/role", json!("boss")),
            "no organization role \"boss\"; there are admin",
        ),
        (changed("/organizations/0/members/0/role", json!("member")), "\"acme\" has no owner"),
        (
            changed("/organizations/0/members/2/inviter", json!("carol")),
            "members[2].inviter: the member \"carol\"",
        ),
        (changed("/organizations/0/slug", json!("Ac me")), "organizations[0]: "),
        (changed("/organizations/0/name", json!("")), "organizations[0]: name: "),
        (
            changed("/users/0/email", json!("bob@example.com")),
            "users[1].email: \"bob@example.com\" stands at",
        ),
        (changed("/tokens/0/user", json!("dave")), "tokens[0].user: no user"),
        ("{\"users\": [".into(), "line 1, column 11: EOF"),
        ("\u{0}\u{1}".into(), "line 1, column 1"),
        ("[]".into(), "invalid type: sequence"),
    ] {
        muster.run(&["import", &muster.file("import.json", &text)]).failed(says);
        assert!(!muster.has_ledger(), "a ledger was made for {says}");
    }
    let mut twice: Value = serde_json::from_str(SMALL).unwrap();
    let organization = twice["organizations"][0].clone();
    twice["organizations"].as_array_mut().unwrap().push(organization);
    let file = muster.file("import.json", &twice.to_string());
    muster
        .run(&["import", &file])
        .failed("organizations[1].slug: \"acme\" stands at organizations[0].slug already");
    std::fs::write(muster.path("import.json"), b"{\"users\": \"\xff\"}").unwrap();
    muster.run(&["import", &muster.path("import.json")]).failed("line 1, column");
    muster.run(&["import", "nowhere.json"]).failed("nowhere.json cannot be read");
    assert!(!muster.has_ledger());
}

#[test]
fn what_stands_against_the_ledger_is_found_before_anything_is_written() {
    let muster = Muster::small();
    let head = muster.head();
    for (text, says) in [
        // The accounts of others: by a second address, by the user name.
        (
            json!({"users": [
                {"key": "dave", "email": "dave@example.com"},
                {"key": "eve", "email": "eve@example.com", "emails": [{"email": "Bob@example.com"}]},
            ]}),
            "users[1].emails: Bob@example.com is an address of the user",
        ),
        (
            json!({"users": [
                {"key": "dave", "email": "dave@example.com"},
                {"key": "eve", "email": "eve@example.com", "username": "ALICE"},
            ]}),
            "users[1].username: ALICE is the name of the user",
        ),
        (
            json!({
                "users": [{"key": "dave", "email": "dave@example.com"}],
                "tokens": [{"token": "alice-token", "user": "dave"}],
            }),
            "tokens[0].token: this secret is another owner's",
        ),
    ] {
        let file = muster.file("import.json", &text.to_string());
        let ran = muster.run(&["import", &file]).failed(says);
        assert!(!ran.stderr.contains("alice-token"), "a secret is not repeated");
        assert_eq!(muster.head(), head);
    }
}

#[test]
fn a_file_may_come_from_a_pipe() {
    let muster = Muster::new();
    muster.file("small.json", SMALL);
    let ids = muster.shell("$M import - < small.json").done().json();
    assert!(ids["users"]["alice"].is_string());
}

//! `muster user erase` and `muster user export`.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Muster, Serving};
use crate::support::Client;

/// The id of the account with this user name.
fn id_of(muster: &Muster, username: &str) -> String {
    let listed = muster.run(&["user", "list", "--json"]).done().json();
    let mut users = listed.as_array().unwrap().iter();
    users.find(|user| user["username"] == username).unwrap()["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_account_is_erased_and_the_receipt_names_the_event() {
    let muster = Muster::small();
    let (bob, before) = (id_of(&muster, "bob"), muster.run(&["doctor", "--json"]).done().json());
    let receipt = muster.run(&["user", "erase", "bob", "--json"]).done().json();
    assert_eq!(receipt["subject"], json!(format!("user:{bob}")));
    let position = receipt["position"].to_string();
    let event = muster.run(&["events", "show", &position, "--json"]).done().json();
    assert_eq!((&event["type"], &event["leaf"]), (&json!("UserErased"), &receipt["leaf"]));
    assert_eq!(event["event_id"], receipt["id"]);
    let exported = muster.run(&["events", "export"]).done().stdout;
    assert!(!exported.contains("bob@example.com") && exported.contains("[erased]"), "{exported}");
    assert!(!muster.run(&["user", "list"]).done().stdout.contains("bob"));
    muster.run(&["events", "list"]).done().says("[erased]");
    let after = muster.run(&["doctor", "--json"]).done().json();
    assert_ne!(after["digest"], before["digest"]);
    muster.run(&["doctor"]).done().says("no key of somebody who was erased is left");

    muster.run(&["user", "erase", "bob"]).failed("there is no account");
    muster.run(&["user", "export", "bob"]).failed("there is no account");
    assert_eq!(muster.run(&["user", "erase", &bob, "--json"]).done().json(), receipt);
    muster.run(&["user", "erase", &bob]).done().says(&format!("user:{bob}")).says("Erased for ever.");
    muster.run(&["user", "erase", "alice"]).failed("the only remaining owner");
    muster.run(&["user", "add", "bob@example.com"]).done();
}

#[test]
fn somebody_without_an_account_is_erased_by_the_address() {
    let muster = Muster::small();
    let done = muster.run(&["user", "erase", "--email", "Carol@example.com", "--json"]).done().json();
    let receipts = done["receipts"].as_array().unwrap();
    assert_eq!(receipts.len(), 1);
    assert!(receipts[0]["subject"].as_str().unwrap().starts_with("invitee:"));
    let exported = muster.run(&["events", "export"]).done().stdout;
    assert!(!exported.contains("carol@example.com") && exported.contains("bob@example.com"));
    assert_eq!(muster.run(&["user", "erase", "--email", "carol@example.com", "--json"]).done().json(), done);
    muster.run(&["user", "erase", "--email", "nobody@example.com"]).failed("does not exist");
    muster.run(&["user", "erase", "--email", "bob@example.com"]).failed("erase the account");
    muster.run(&["user", "erase", "--email", "nobody"]).misunderstood("--email");
    muster.run(&["user", "erase"]).misunderstood("USER");
    muster
        .run(&["user", "erase", "bob", "--email", "carol@example.com"])
        .misunderstood("cannot be used with");
    muster.run(&["doctor"]).done();
}

/// The memberships end by a policy, which runs where a server does: also for what happened before it began.
#[test]
fn a_server_that_starts_later_removes_the_memberships() {
    let muster = Muster::small();
    muster.run(&["user", "erase", "bob"]).done();
    let mut serving = Serving::start(&mut muster.command(&["serve", "--listen", "127.0.0.1:0"]));
    serving.url();
    for _ in 0..600 {
        if muster.payloads("MemberRemoved").len() == 1 {
            serving.stop();
            muster.run(&["doctor"]).done();
            return;
        }
    }
    panic!("bob is still a member");
}

#[tokio::test]
async fn a_person_gets_everything_that_is_stored_of_him() {
    let muster = Muster::small();
    let mut serving = Serving::start(&mut muster.command(&["serve", "--listen", "127.0.0.1:0"]));
    let issued = muster.run(&["token", "issue", "--user", "bob", "--json"]).done().json();
    let client = Client::new(&serving.url(), issued["token"].as_str());
    let request = client.request(Method::PUT, "/api/0/users/me/").json(&json!({"name": "Robert"}));
    Client::send(request.header("user-agent", "Robert's browser")).await.expect(200);
    serving.stop();
    let export = muster.run(&["user", "export", "bob"]).done().json();
    assert_eq!(export["account"]["name"], json!("Robert"));
    assert_eq!(export["account"]["emails"], json!([{"email": "bob@example.com", "verified": false}]));
    let membership = &export["memberships"][0];
    assert_eq!(
        (&membership["organization"]["slug"], &membership["orgRole"]),
        (&json!("acme"), &json!("member"))
    );
    assert_eq!(
        (&membership["teams"][0]["slug"], &membership["teams"][0]["role"]),
        (&json!("core"), &json!("admin"))
    );
    let types = |list: &str| -> Vec<Value> {
        export[list].as_array().unwrap().iter().map(|event| event["type"].clone()).collect()
    };
    assert_eq!(types("events"), ["UserRegistered", "UserRenamed", "MemberAdded", "TeamAssigned"]);
    assert_eq!(types("acted"), ["UserRenamed"]);
    assert_eq!(export["acted"][0]["user_agent"], json!("Robert's browser"));
    assert_eq!(export["letters"], json!([]));
    let text = export.to_string();
    assert!(!text.contains("alice@example.com") && !text.contains("carol@example.com"), "{text}");

    let path = muster.path("bob.json");
    muster.run(&["user", "export", "bob", "--out", &path]).done().says(&path);
    let written: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(written, export);
    muster.run(&["user", "export", "bob", "--out", "/nowhere/bob.json"]).failed("--out");
    muster.run(&["user", "export", "nobody"]).failed("there is no account");
}

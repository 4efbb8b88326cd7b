//! What was planted of somebody is in no file after an erasure: looked for by `grep`, past everything that knows what it
//! looks at.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    slice,
};

use reqwest::Method;
use serde_json::json;

use super::{Muster, Serving, muster::names};
use crate::support::{Client, postgres_program};

/// A person in every field that is one's own; another one without an account; and somebody else.
const PLANTED: &str = r#"{
    "users": [
        {"key": "alice", "email": "alice@example.com", "name": "Alice", "username": "alice", "verified": true},
        {"key": "canary", "email": "canary-first@example.com", "name": "Canary-Name", "username": "canary-username",
         "verified": true, "emails": [{"email": "canary-second@example.com", "verified": true}]}
    ],
    "organizations": [{
        "slug": "acme", "name": "Acme",
        "members": [
            {"key": "alice", "user": "alice", "role": "owner"},
            {"key": "canary", "user": "canary", "role": "manager"},
            {"key": "invitee", "email": "canary-invitee@example.com", "role": "member", "inviter": "alice"}
        ]
    }],
    "tokens": [{"token": "alice-token", "user": "alice"}, {"token": "canary-token", "user": "canary"}]
}"#;
const CANARIES: [&str; 7] = [
    "canary-first@example.com",
    "canary-second@example.com",
    "canary-name",
    "canary-username",
    "canary-invitee@example.com",
    "203.0.113.77",
    "canary-agent/7.7",
];
const SERVE: [&str; 5] = ["serve", "--listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.0/8"];
const MEMBERS: &str = "/api/0/organizations/acme/members/";
/// How often it is looked for a letter; each look is a run of the program.
const LOOKS: usize = 300;

/// The canaries that are in these files and directories.
fn found(places: &[PathBuf]) -> Vec<&'static str> {
    let is_in = |canary: &&str| {
        let mut grep = Command::new("grep");
        let ran = grep.args(["-a", "-r", "-i", "-l", "-F", "-e", *canary]).args(places).output().unwrap();
        // Files of other databases may be gone before they are read: 2, with what was found elsewhere.
        assert!(ran.status.code().is_some(), "{ran:?}");
        !ran.stdout.is_empty()
    };
    CANARIES.into_iter().filter(is_in).collect()
}

fn export(muster: &Muster, name: &str, flags: &[&str]) -> PathBuf {
    muster.file(name, &muster.run(&[&["events", "export"], flags].concat()).done().stdout).into()
}

/// The files of the server and a dump of the database, where the ledger is in one.
fn of_the_database(muster: &Muster) -> Vec<PathBuf> {
    let Some(database) = &muster.database else { return vec![] };
    let dump = PathBuf::from(muster.path("dump.sql"));
    let mut pg_dump = Command::new(postgres_program("pg_dump"));
    let dumped = pg_dump.args(["--dbname", database.url(), "--file"]).arg(&dump).output().unwrap();
    assert!(dumped.status.success(), "{dumped:?}");
    assert!(fs::read_to_string(&dump).unwrap().contains("UserErased"), "the log is in the dump");
    let rows = database.run_blocking("CHECKPOINT; SELECT current_setting('data_directory')");
    let files = PathBuf::from(&rows[0]);
    if !files.join("pg_wal").is_dir() {
        println!("left out: the files of the server are not on this machine");
        return vec![dump];
    }
    vec![dump, files]
}

/// The member `canary` invites somebody, from an address and with a program that are like no others.
async fn invite(base: &str) -> String {
    let request = Client::new(base, Some("canary-token")).request(Method::POST, MEMBERS);
    let request = request.json(&json!({"email": "new@example.com", "orgRole": "member"}));
    let request = request.header("x-forwarded-for", "203.0.113.77").header("user-agent", "Canary-Agent/7.7");
    Client::send(request).await.expect(201).json()["id"].as_str().unwrap().to_owned()
}

fn wait_for_letters(muster: &Muster, number: usize) {
    let sent = |muster: &Muster| {
        let listed = muster.run(&["letters", "list", "--json"]).done().json();
        listed.as_array().unwrap().iter().filter(|letter| letter["status"] == "sent").count()
    };
    assert!((0..LOOKS).any(|_| sent(muster) >= number), "{:?}", muster.run(&["letters", "list"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_holds_anything_of_an_erased_person() {
    let muster = Muster::new();
    muster.run(&["import", &muster.file("planted.json", PLANTED)]).done();
    fs::remove_file(muster.path("planted.json")).unwrap();
    let mut serving = Serving::start(&mut muster.command(&SERVE));
    let invited = invite(&serving.url()).await;
    wait_for_letters(&muster, 1);
    serving.stop();
    let mail = muster.data().join("mail");
    let before = export(&muster, "before.ndjson", &[]);
    assert_eq!(found(slice::from_ref(&before)), CANARIES, "all of it was there to be read");
    assert_eq!(found(slice::from_ref(&mail)), ["canary-name"], "the letter names who invites");
    let backup = muster.path("backup");
    muster.run(&["backup", &backup]).done();
    fs::remove_file(before).unwrap();
    fs::remove_dir_all(&mail).unwrap();

    let account = muster.run(&["user", "erase", "canary-username", "--json"]).done().stdout;
    let without_account =
        muster.run(&["user", "erase", "--email", "canary-invitee@example.com", "--json"]).done().stdout;
    let receipts = muster.file("receipts.json", &format!("{account}{without_account}"));
    let mut serving = Serving::start(&mut muster.command(&SERVE));
    let alice = Client::new(&serving.url(), Some("alice-token"));
    let again = alice.put(&format!("{MEMBERS}{invited}/"), &json!({"reinvite": true})).await;
    assert!(again.status == 200 || again.status == 404, "his invitations may have ended with him: {again:?}");
    let other = json!({"email": "other@example.com", "orgRole": "member"});
    alice.post(MEMBERS, &other).await.expect(201);
    wait_for_letters(&muster, 2);
    assert!(!names(&mail).is_empty());
    let after = export(&muster, "after.ndjson", &[]);
    let text = fs::read_to_string(&after).unwrap();
    assert!(text.contains("alice@example.com") && text.contains("[erased]"), "others can be read");

    let there = Muster::without_database();
    let key = there.path("the.key");
    fs::copy(muster.master_key(), &key).unwrap();
    there.run(&["restore", &backup, "--receipts", &receipts, "--master-key-file", &key]).done();
    let restored = export(&there, "restored.ndjson", &["--master-key-file", &key]);
    assert!(fs::read_to_string(&restored).unwrap().contains("alice@example.com"));

    let mut places = of_the_database(&muster);
    places.extend([muster.data(), after, there.data(), restored, Path::new(&backup).into()]);
    assert_eq!(found(&places), [""; 0]);
    serving.stop();
    assert_eq!(found(&[muster.data()]), [""; 0]);
}

//! `muster serve`: one server on a data directory, several on a database, verbs beside them, a clean end.

use std::net::TcpListener;

use serde_json::{Value, json};

use super::{Muster, Ran, Serving};
use crate::support::{is_without_database, is_without_files};

const ROSTER: &str = "/api/0/organizations/acme/members/";

fn serve(muster: &Muster) -> (Serving, String) {
    let mut serving = Serving::start(&mut muster.command(&["serve", "--listen", "127.0.0.1:0"]));
    let url = serving.url();
    (serving, url)
}

async fn get(url: &str, token: &str) -> (u16, Value) {
    let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

/// What another process does is known within a quarter of a second: asks again until then.
async fn get_until(wanted: u16, url: &str, token: &str) -> Value {
    for _ in 0..5_000 {
        let (status, body) = get(url, token).await;
        if status == wanted {
            return body;
        }
    }
    panic!("{url} never answers {wanted}")
}

#[tokio::test]
async fn verbs_work_beside_it_and_it_sees_what_they_do() {
    let muster = Muster::new();
    let (mut serving, url) = serve(&muster);
    serving.line("The ledger is empty");
    let roster = format!("{url}{ROSTER}");
    assert_eq!(get(&roster, "alice-token").await.0, 401);
    muster.run(&["import", &muster.file("small.json", super::SMALL)]).done();
    let members = get_until(200, &roster, "alice-token").await;
    assert_eq!(members.as_array().unwrap().len(), 3, "{members}");
    let issued = muster.run(&["token", "issue", "--user", "bob", "--json"]).done().json();
    let secret = issued["token"].as_str().unwrap();
    get_until(200, &roster, secret).await;
    muster.run(&["token", "revoke", issued["id"].as_str().unwrap()]).done().says("is revoked");
    assert_eq!(get_until(401, &roster, secret).await, json!({"detail": "Invalid token"}));
    muster.run(&["doctor"]).done();
    let (status, said) = serving.stop();
    assert_eq!(status.code(), Some(0));
    assert!(said.contains("Stopped."), "{said}");
}

#[tokio::test]
async fn what_it_acknowledged_is_there_after_it_is_started_again() {
    let muster = Muster::small();
    let (serving, url) = serve(&muster);
    let (_, members) = get(&format!("{url}{ROSTER}"), "alice-token").await;
    let bob = members.as_array().unwrap().iter().find(|member| member["email"] == "bob@example.com").unwrap();
    let bob = format!("{url}{ROSTER}{}/", bob["id"].as_str().unwrap());
    let change =
        reqwest::Client::new().put(&bob).bearer_auth("alice-token").json(&json!({"orgRole": "manager"}));
    assert_eq!(change.send().await.unwrap().status().as_u16(), 200);
    drop(serving); // Killed, not stopped.
    let (again, new_url) = serve(&muster);
    let (status, member) = get(&bob.replace(&url, &new_url), "alice-token").await;
    assert_eq!((status, &member["orgRole"]), (200, &json!("manager")));
    assert_eq!(muster.payloads("OrgRoleChanged"), [json!({"from": "member", "to": "manager"})]);
    assert_eq!(muster.payloads("TeamRoleCleared").len(), 1);
    drop(again);
    muster.run(&["doctor"]).done();
}

#[test]
fn a_second_server_on_a_directory_is_refused_and_told_the_process_of_the_first() {
    if is_without_files("one server for a data directory") {
        return;
    }
    let muster = Muster::small();
    let (serving, _) = serve(&muster);
    let pid = format!("process {}", serving.pid());
    muster.run(&["serve", "--listen", "127.0.0.1:0"]).failed(&pid);
    muster.run(&["demo", "--exit-after-demo", "--listen", "127.0.0.1:0"]).failed(&pid);
    serving.stop();
    let (serving, _) = serve(&muster);
    serving.stop();
}

#[test]
fn an_address_that_is_taken_is_named_with_its_flag() {
    let muster = Muster::small();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    muster.run(&["serve", "--listen", &address]).failed(&format!("--listen: cannot listen at {address}"));
}

#[test]
fn an_address_that_is_none_is_misunderstood_and_makes_nothing() {
    let muster = Muster::new();
    for verb in ["serve", "demo"] {
        muster.run(&[verb, "--listen", "nonsense"]).misunderstood("--listen");
        let mut by_variable = muster.command(&[verb]);
        Ran::of(by_variable.env("MUSTER_LISTEN", "127.0.0.1")).misunderstood("\"127.0.0.1\" is no address");
        let config = muster.file("muster.toml", "listen = \"nonsense\"");
        muster.run(&[verb, "--config", &config]).misunderstood("line 1: \"nonsense\" is no address");
    }
    assert!(!muster.has_ledger());
}

#[tokio::test]
async fn several_servers_share_a_database_and_one_goes_on_when_another_is_killed() {
    if is_without_database("several servers") {
        return;
    }
    let muster = Muster::small();
    let ((one, url), (other, other_url)) = (serve(&muster), serve(&muster));
    let roster = format!("{other_url}{ROSTER}");
    let (_, members) = get(&roster, "alice-token").await;
    let bob = members.as_array().unwrap().iter().find(|member| member["email"] == "bob@example.com").unwrap();
    let bob = format!("{ROSTER}{}/", bob["id"].as_str().unwrap());
    for (at, then_at, role) in [(&url, &other_url, "manager"), (&other_url, &url, "member")] {
        let change = reqwest::Client::new().put(format!("{at}{bob}")).bearer_auth("alice-token");
        assert_eq!(change.json(&json!({"orgRole": role})).send().await.unwrap().status().as_u16(), 200);
        let (status, member) = get(&format!("{then_at}{bob}"), "alice-token").await;
        assert_eq!((status, &member["orgRole"]), (200, &json!(role)), "read after it was written elsewhere");
    }
    drop(one); // Killed, not stopped.
    muster.run(&["user", "add", "dave@example.com"]).done();
    assert_eq!(get(&format!("{other_url}{bob}"), "alice-token").await.0, 200);
    other.stop();
    muster.run(&["doctor"]).done();
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_look_into_a_data_directory() {
    use std::os::unix::fs::PermissionsExt;

    if is_without_files("the rights on a data directory") {
        return;
    }
    let muster = Muster::new();
    let mode = || std::fs::metadata(muster.data()).unwrap().permissions().mode() & 0o777;
    serve(&muster).0.stop();
    assert_eq!(mode(), 0o700);
    muster.run(&["keys", "rotate"]).done();
    muster.run(&["demo", "--exit-after-demo", "--listen", "127.0.0.1:0"]).done();
    assert_eq!(mode(), 0o700);
    std::fs::remove_dir_all(muster.data()).unwrap();
    muster.run(&["demo", "--exit-after-demo", "--listen", "127.0.0.1:0"]).done();
    assert_eq!(mode(), 0o700);
}

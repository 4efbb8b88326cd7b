//! `muster copy`: a ledger that moves from store to store is the same ledger.

use std::{collections::BTreeMap, fs, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};

use super::{EXAMPLE, Muster, Serving, muster::names};
use crate::support::{Client, Random, seed};

/// Who may see and do everything in the example organization.
const ROOT: &str = "root-superuser-token";
/// How many commands are asked for before it moves; the long form has its number from the environment.
const ASKED: usize = 150;
/// Rows of a page.
const PAGE: usize = 100;

/// The store of a ledger, as `--from` and `--to` name it, and the file of its master key.
fn named(muster: &Muster) -> [String; 2] {
    let store = match (&muster.event_store, &muster.database) {
        (Some(event_store), _) => event_store.url(),
        (None, Some(database)) => database.url().to_owned(),
        (None, None) => muster.data().to_str().unwrap().to_owned(),
    };
    [store, muster.master_key().to_str().unwrap().to_owned()]
}

fn copy<'a>(from: &'a [String; 2], to: &'a [String; 2]) -> [&'a str; 10] {
    let [[from, from_key], [to, to_key]] = [from, to];
    ["copy", "--from", from, "--to", to, "--from-key-file", from_key, "--to-key-file", to_key, "--json"]
}

/// Copies into a place without a ledger; killed at random moments, as often as it says.
fn copied(from: &Muster, to: &Muster, random: &mut Random, kills: usize) -> Value {
    let (here, there) = (named(from), named(to));
    // The directory of a new ledger has no master key yet; it is made there.
    let mut command = copy(&here, &there).to_vec();
    if to.database.is_none() {
        command.retain(|argument| *argument != "--to-key-file" && *argument != there[1]);
    }
    // An event store holds the log only.
    let (from_rest, to_rest) = (from.data(), to.data());
    if from.event_store.is_some() {
        command.extend(["--from-rest", from_rest.to_str().unwrap()]);
    }
    if to.event_store.is_some() {
        command.extend(["--to-rest", to_rest.to_str().unwrap()]);
    }
    // At last it is let go on.
    if !(0..kills).any(|_| from.killed_after(random.pause(Duration::from_millis(400)), &command)) {
        from.run(&command).done_now_or_before();
    }
    to.run(&["doctor", "--json"]).done().json()
}

/// Asks for something at random, which may be refused.
async fn ask(root: &Client, random: &mut Random, members: &[String], number: usize) {
    const ACME: &str = "/api/0/organizations/acme/";
    const ROLES: [&str; 4] = ["member", "admin", "manager", "owner"];
    let member = format!("{ACME}members/{}/", members[random.below(members.len())]);
    let role = ROLES[random.below(ROLES.len())];
    let team = format!("team-{}", random.below(6));
    let (method, path, body) = match random.below(9) {
        0 => {
            let email = format!("new-{number}@example.com");
            (Method::POST, format!("{ACME}members/"), json!({"email": email, "orgRole": role}))
        }
        1 | 2 => (Method::PUT, member, json!({"orgRole": role})),
        3 => (Method::POST, format!("{ACME}teams/"), json!({"slug": team, "name": team})),
        4 | 5 => (Method::POST, format!("{member}teams/{team}/"), json!({})),
        6 => (Method::DELETE, format!("{member}teams/{team}/"), json!({})),
        7 => (Method::PUT, ACME.into(), json!({"name": format!("Acme {number}")})),
        _ => (Method::DELETE, member, json!({})),
    };
    let sent = root.request(method, &path).json(&body).send().await.unwrap();
    assert!(sent.status().as_u16() < 500, "{path} {body}: {}", sent.status());
}

/// All rows of a list.
async fn all(client: &Client, path: &str) -> Vec<Value> {
    let mut rows = vec![];
    loop {
        let page = client.get(&format!("{path}?cursor=0:{}:0", rows.len())).await.expect(200).json();
        let page = page.as_array().unwrap();
        rows.extend(page.iter().cloned());
        if page.len() < PAGE {
            return rows;
        }
    }
}

/// What every GET of the API answers about everything that there is.
async fn everything(muster: &Muster) -> BTreeMap<String, Value> {
    let mut serving = Serving::start(&mut muster.command(&["serve", "--listen", "127.0.0.1:0"]));
    let client = Client::new(&serving.url(), Some(ROOT));
    let described = client.get("/openapi.json").await.expect(200).json();
    let mut paths: Vec<String> = vec![];
    for (path, methods) in described["paths"].as_object().unwrap() {
        if methods.get("get").is_some() && path.starts_with("/api/0/") && !path.contains("/diff/") {
            paths.push(path.clone());
        }
    }
    let texts = |rows: &[Value], field: &str| -> Vec<String> {
        rows.iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
    };
    let users = texts(&all(&client, "/api/0/users/").await, "id");
    let mut filled = vec![];
    for organization in ["acme", "globex"] {
        let of = format!("/api/0/organizations/{organization}/");
        let members = texts(&all(&client, &format!("{of}members/")).await, "id");
        let teams = texts(&all(&client, &format!("{of}teams/")).await, "slug");
        for path in &paths {
            let mut all = vec![path.replace("{organization}", organization)];
            for (name, values) in [("{member}", &members), ("{team}", &teams), ("{user}", &users)] {
                if path.contains(name) {
                    all = all
                        .iter()
                        .flat_map(|path| values.iter().map(|value| path.replace(name, value)))
                        .collect();
                }
            }
            filled.extend(all);
        }
    }
    filled.retain(|path| !path.contains('{'));
    filled.sort();
    filled.dedup();
    let mut answers = BTreeMap::new();
    for path in filled {
        let answer = client.get(&path).await;
        assert!(answer.status < 500, "{path}: {answer:?}");
        // Positions name the incarnation, and links the server, which are others in each place.
        let incarnation = answer.header("muster-position").and_then(|position| position.split('-').next());
        let text = answer.text.replace(client.base(), "");
        let text = incarnation.map_or(text.clone(), |incarnation| text.replace(incarnation, ""));
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        answers.insert(path, json!([answer.status, body]));
    }
    assert!(serving.stop().0.success());
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_moves_from_store_to_store_stays_the_same() {
    let mut random = Random::of(seed(), 0);
    let first = Muster::new();
    let imported = first.run(&["import", EXAMPLE]).done().json();
    let members = imported["organizations"]["acme"]["members"].as_object().unwrap();
    let members: Vec<_> = members.values().map(|id| id.as_str().unwrap().to_owned()).collect();
    let mut serving = Serving::start(&mut first.command(&["serve", "--listen", "127.0.0.1:0"]));
    let root = Client::new(&serving.url(), Some(ROOT));
    let asked = std::env::var("MUSTER_TEST_ASKED").map_or(ASKED, |text| text.parse().unwrap());
    for number in 0..asked {
        ask(&root, &mut random, &members, number).await;
    }
    assert!(serving.stop().0.success());
    first.run(&["user", "erase", "dana"]).done();
    let here = everything(&first).await;
    let sent = names(&first.data().join("mail")).len();
    assert!(here.len() > 300, "{} answers are no comparison", here.len());
    assert!(sent > 0, "nobody was invited");
    let doctor = first.run(&["doctor", "--json"]).done().json();

    let (second, third) = (Muster::without_database(), Muster::new());
    let (fourth, fifth) = (Muster::with_event_store(), Muster::without_database());
    let legs = [(&first, &second, 0), (&second, &third, 8), (&third, &fourth, 8), (&fourth, &fifth, 0)];
    for (from, to, kills) in legs {
        let arrived = copied(from, to, &mut random, kills);
        assert_eq!(arrived["digest"], doctor["digest"], "{arrived:#}");
        assert_ne!(arrived["incarnation"], doctor["incarnation"]);
        let there = everything(to).await;
        for (path, answer) in &here {
            assert_eq!(Some(answer), there.get(path), "{path}");
        }
        assert_eq!(there.len(), here.len());
        assert!(names(&to.data().join("mail")).is_empty(), "a letter was sent again");
    }
}

#[test]
fn a_copy_needs_an_empty_place_and_the_right_keys() {
    let (muster, there) = (Muster::small(), Muster::small());
    let (here, occupied) = (named(&muster), named(&there));
    muster.run(&copy(&here, &occupied)).failed(" already: name another");
    muster.run(&copy(&here, &here)).failed("there is a ledger in");
    let wrong = muster.path("wrong.key");
    muster.run(&["keys", "new", &wrong]).done();
    let empty = Muster::without_database();
    let to = named(&empty);
    let from = [here[0].clone(), wrong];
    muster.run(&copy(&from, &[to[0].clone(), here[1].clone()])).failed("--from-key-file");
    assert!(!empty.has_ledger());
    let nowhere = [muster.path("nowhere"), here[1].clone()];
    muster.run(&copy(&nowhere, &to)).failed("there is no ledger in");
    muster
        .run(&["copy", "--from", "postgres://127.0.0.1/x", "--to", &to[0]])
        .misunderstood("--from-key-file");
    muster.run(&["copy", "--from", "esdb://", "--to", &to[0]]).misunderstood("--from is to be like esdb://");
    let key = &here[1];
    let stores = ["esdb://127.0.0.1:1".to_owned(), "esdb://127.0.0.1:2".to_owned()];
    let [from, to_store] = stores.map(|store| [store, key.clone()]);
    muster.run(&copy(&from, &to_store)).misunderstood("--to-rest: keys");
    let mut rest = copy(&here, &to).to_vec();
    rest.extend(["--to-rest", &to[0]]);
    muster.run(&rest).misunderstood("--to-rest: --to is no");
    assert_eq!(names(&empty.data()), [""; 0]);
}

/// What came to the first ledger after the copy began stays there, and it is said how much.
#[test]
fn what_waited_is_sent_from_where_it_was_and_parked_where_it_arrived() {
    let muster = Muster::new();
    let file = muster.file("small.json", super::SMALL);
    muster.run(&["import", &file, "--send-invites"]).done();
    let (here, there) = (named(&muster), Muster::without_database());
    fs::create_dir(there.data()).unwrap();
    let to = named(&there);
    let ran = muster.run(&["copy", "--from", &here[0], "--to", &to[0], "--from-key-file", &here[1]]).done();
    ran.says("1 letter parked here");
    assert_eq!(there.run(&["letters", "list", "--json"]).done().json()[0]["status"], "parked");
    assert_eq!(muster.run(&["letters", "list", "--json"]).done().json()[0]["status"], "queued");
    there.run(&["keys", "check"]).done().says("3 keys of persons opened");
}

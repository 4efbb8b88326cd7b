//! The query language of GET members.

use muster_events::member::{InviteStatus, MemberFlag};
use muster_events::user::Authenticator;
use serde_json::{Value, json};

use crate::support::{Client, World};

const LIST: &str = "/api/0/organizations/acme/members/";

async fn world() -> World {
    let mut builder = World::acme_builder().await;
    builder
        .person_with("erin", |erin| {
            erin.name = Some("Erín O'Hara (Ops)".into());
            erin.username = "e.ohara".into();
            erin.emails.push(("Erin.Private@Example.org".into(), false));
            erin.authenticators = vec![Authenticator::Recovery];
        })
        .await;
    builder.member_with("acme", "erin", "member", &[], &[MemberFlag::SsoLinked]).await;
    builder.pending("acme", "kim", InviteStatus::RequestedToBeInvited, Some("bob")).await;
    builder.serve().await
}

async fn get(client: &Client, parameters: &[(&str, &str)]) -> crate::support::Answer {
    Client::send(client.request(reqwest::Method::GET, LIST).query(parameters)).await
}

/// Who is found, by the part of the address before the `@`.
async fn found(world: &World, query: &str) -> Vec<String> {
    let answer = get(&world.of("alice"), &[("query", query)]).await.expect(200).json();
    let email = |member: &Value| member["email"].as_str().unwrap().split('@').next().unwrap().to_owned();
    answer.as_array().unwrap().iter().map(email).collect()
}

#[tokio::test]
async fn each_key_asks_for_one_thing() {
    let world = world().await;
    let id = |key: &str| world.member("acme", key).to_string();
    let user = |key: &str| world.user(key).to_string();
    let everybody = ["alice", "mallory", "adam", "bob", "dana", "ivan", "erin"];
    let without =
        |keys: &[&str]| -> Vec<&str> { everybody.into_iter().filter(|key| !keys.contains(key)).collect() };
    for (query, expected) in [
        (String::new(), everybody.to_vec()),
        ("email:BOB@example.com".into(), vec!["bob"]),
        ("email:erin.private@example.ORG".into(), vec!["erin"]),
        ("email:ivan@example.com".into(), vec!["ivan"]),
        ("email:jo@example.com".into(), vec![]),
        ("email:kim@example.com".into(), vec![]),
        ("email:greta@example.com".into(), vec![]),
        ("email:bob".into(), vec![]),
        (format!("id:{}", id("bob")), vec!["bob"]),
        (format!("id:{} id:garbage id:{}", id("dana"), id("adam")), vec!["adam", "dana"]),
        (format!("id:{}", id("jo")), vec![]),
        (format!("id:{}", world.member("globex", "greta")), vec![]),
        ("id:garbage".into(), vec![]),
        ("id:99999999999999999999".into(), vec![]),
        (format!("user.id:{}", user("mallory")), vec!["mallory"]),
        (format!("user.id:{}", user("greta")), vec![]),
        ("user.id:x".into(), vec![]),
        ("role:owner role:manager".into(), vec!["alice", "mallory"]),
        ("role:nothing".into(), vec![]),
        ("scope:org:admin".into(), vec!["alice"]),
        ("scope:org:write scope:team:admin".into(), vec!["alice", "mallory", "adam"]),
        ("scope:no:such".into(), vec![]),
        ("isInvited:true".into(), vec!["ivan"]),
        ("isInvited:false".into(), without(&["ivan"])),
        ("isInvited:maybe".into(), without(&["ivan"])),
        ("ssoLinked:true".into(), vec!["erin"]),
        ("ssoLinked:false".into(), without(&["erin"])),
        ("has2fa:true".into(), without(&["ivan", "erin"])),
        ("has2fa:false".into(), vec!["erin"]),
        ("hasExternalUsers:true".into(), vec![]),
        ("hasExternalUsers:false".into(), everybody.to_vec()),
        ("favourite:colour".into(), vec![]),
        ("role:member isInvited:false".into(), vec!["bob", "dana", "erin"]),
        ("(role:owner OR role:admin) AND has2fa:true".into(), vec!["alice", "adam"]),
        ("role:owner isInvited:true".into(), vec![]),
        ("role: owner".into(), vec!["alice"]),
        ("role:\"owner\"".into(), vec!["alice"]),
    ] {
        assert_eq!(found(&world, &query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn free_text_is_looked_for_in_names_user_names_and_addresses() {
    let world = world().await;
    for (query, expected) in [
        ("ERÍN", vec!["erin"]),
        ("o'hara", vec!["erin"]),
        ("\"erín o'hara\"", vec!["erin"]),
        ("erín o'hara", vec!["erin"]),
        ("o'hara erín", vec![]),
        ("e.ohara", vec!["erin"]),
        ("private@", vec!["erin"]),
        ("IVAN@", vec!["ivan"]),
        ("jo@", vec![]),
        ("greta", vec![]),
        ("a role:owner", vec!["alice"]),
        ("ma role:manager", vec!["mallory"]),
        ("ma role:owner", vec![]),
        ("\"role:owner\"", vec![]),
        ("a::b", vec![]),
        (":", vec![]),
        ("%", vec![]),
        ("\u{0}", vec![]),
        ("\"\"", vec!["alice", "mallory", "adam", "bob", "dana", "ivan", "erin"]),
        ("x favourite:colour", vec![]),
    ] {
        assert_eq!(found(&world, query).await, expected, "{query:?}");
    }
}

#[tokio::test]
async fn what_is_found_comes_in_pages_too() {
    let world = world().await;
    let alice = world.of("alice");
    for query in ["isInvited:false", "example.com isInvited:false"] {
        let mut cursor = String::new();
        let mut pages = vec![];
        loop {
            let page = [("query", query), ("per_page", "4"), ("cursor", &cursor)];
            let answer = get(&alice, &page).await.expect(200);
            pages.push(answer.json().as_array().unwrap().len());
            let links: Vec<_> = answer.header("link").unwrap().split(", ").collect();
            let flag = |link: &str| link.contains("results=\"true\"");
            assert!(links[0].contains("rel=\"previous\"") && links[1].contains("rel=\"next\""));
            assert!(links.iter().all(|link| link.contains("query=")), "{links:?}");
            assert_eq!(flag(links[0]), pages.len() > 1);
            if !flag(links[1]) {
                break;
            }
            cursor = links[1].split("cursor=\"").nth(1).unwrap().trim_end_matches('"').to_owned();
        }
        assert_eq!(pages, [4, 2], "{query}");
    }
}

#[tokio::test]
async fn a_change_is_found_at_once_and_what_was_is_not() {
    let world = world().await;
    let alice = world.of("alice");
    alice.put(&world.path("acme", "bob"), &json!({"orgRole": "manager"})).await.expect(200);
    assert_eq!(found(&world, "role:manager").await, ["mallory", "bob"]);
    assert_eq!(found(&world, "bob role:member").await, [""; 0]);
    alice.delete(&world.path("acme", "erin")).await.expect(204);
    assert_eq!(found(&world, "ohara").await, [""; 0]);
    assert_eq!(found(&world, "email:erin@example.com").await, [""; 0]);
}

#[tokio::test]
async fn many_members_are_scanned_in_batches_without_gap_or_repetition() {
    let mut builder = World::acme_builder().await;
    for number in 0..520 {
        builder.pending("acme", &format!("crowd{number}"), InviteStatus::Approved, None).await;
    }
    let world = builder.serve().await;
    let alice = world.of("alice");
    let page = [("query", "crowd isInvited:true"), ("per_page", "100"), ("cursor", "0:500:0")];
    let last = get(&alice, &page).await.expect(200).json();
    let emails: Vec<_> =
        last.as_array().unwrap().iter().map(|member| member["email"].as_str().unwrap().to_owned()).collect();
    let expected: Vec<_> = (500..520).map(|number| format!("crowd{number}@example.com")).collect();
    assert_eq!(emails, expected);
    assert_eq!(found(&world, "crowd519@").await, ["crowd519"]);
}

#[tokio::test]
async fn accounts_of_other_services_are_shown_when_they_are_asked_for() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let plain = get(&alice, &[]).await.expect(200).json();
    assert!(plain[0].get("externalUsers").is_none());
    let with = get(&alice, &[("expand", "x"), ("expand", "externalUsers")]).await.expect(200).json();
    assert!(with.as_array().unwrap().iter().all(|member| member["externalUsers"] == json!([])));
}

#[tokio::test]
async fn a_query_that_nobody_types_is_refused_and_a_strange_one_is_answered() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let refused = get(&alice, &[("query", &"x".repeat(4_001))]).await.expect(400).json();
    assert!(refused["query"].is_array());
    let ids = "id:1 ".repeat(800);
    for query in ["role:", "email:", ":::", "((((", "\"", "\" \" \" '", "email:\u{0}", "role:\u{0}", &ids] {
        get(&alice, &[("query", query)]).await.expect(200);
    }
    get(&world.of("greta"), &[("query", "email:bob@example.com")]).await.expect(403);
    get(&world.anonymous(), &[("query", "bob")]).await.expect(401);
}

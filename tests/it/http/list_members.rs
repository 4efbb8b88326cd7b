//! GET members.

use std::{num::NonZeroU32, time::Duration};

use futures_util::future::join_all;
use muster::http::{Limits, ServeOptions};
use muster_events::member::MemberFlag;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{Answer, World};

const LIST: &str = "/api/0/organizations/acme/members/";

fn emails(answer: &Value) -> Vec<&str> {
    answer.as_array().unwrap().iter().map(|member| member["email"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn members_and_invitations_are_listed_by_id_and_requests_are_not() {
    let world = World::acme().await;
    let answer = world.of("bob").get(LIST).await.expect(200).json();
    let all = ["alice", "mallory", "adam", "bob", "dana", "ivan"].map(|key| format!("{key}@example.com"));
    assert_eq!(emails(&answer), all);
    let ivan = &answer[5];
    assert_eq!(
        (&ivan["pending"], &ivan["expired"], &ivan["user"]),
        (&json!(true), &json!(false), &Value::Null)
    );
    assert!(ivan.get("teams").is_none(), "lists show members without their teams");
    assert_eq!(answer[0]["flags"].as_object().unwrap().len(), MemberFlag::ALL.len());
}

#[tokio::test]
async fn accounts_that_cannot_be_used_are_not_listed() {
    let mut builder = World::acme_builder().await;
    builder.person_with("idle", |idle| idle.active = false).await;
    builder.member("acme", "idle", "member", &[]).await;
    let world = builder.serve().await;
    let answer = world.of("alice").get(LIST).await.expect(200).json();
    assert!(!emails(&answer).contains(&"idle@example.com"));
}

#[tokio::test]
async fn the_link_header_leads_through_all_pages() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let mut path = format!("{LIST}?per_page=4");
    let mut seen = vec![];
    loop {
        let answer = alice.get(&path).await.expect(200);
        seen.extend(emails(&answer.json()).iter().map(ToString::to_string));
        let next =
            answer.header("link").unwrap().split(", ").find(|link| link.contains("rel=\"next\"")).unwrap();
        if next.contains("results=\"false\"") {
            break;
        }
        let url = next.split(['<', '>']).nth(1).unwrap();
        path = url.strip_prefix(alice.base()).unwrap().to_owned();
    }
    assert_eq!(seen.len(), 6);
}

#[tokio::test]
async fn what_makes_no_sense_is_named() {
    let world = World::acme().await;
    for (parameter, value) in
        [("per_page", "0"), ("per_page", "101"), ("per_page", "x"), ("cursor", "x"), ("consistency", "none")]
    {
        let refused = world.of("alice").get(&format!("{LIST}?{parameter}={value}")).await.expect(400).json();
        assert!(refused[parameter].is_array(), "{parameter}={value}: {refused}");
    }
}

#[tokio::test]
async fn a_read_sees_what_was_written_just_before() {
    let world = World::acme().await;
    for round in 0..50 {
        let role = if round % 2 == 0 { "manager" } else { "member" };
        let changed =
            world.of("alice").put(&world.path("acme", "bob"), &json!({"orgRole": role})).await.expect(200);
        let read = world.of("dana").get(LIST).await.expect(200);
        assert!(read.position() >= changed.position());
        let bob =
            read.json().as_array().unwrap().iter().find(|m| m["email"] == "bob@example.com").unwrap().clone();
        assert_eq!(bob["orgRole"], json!(role));
    }
}

#[tokio::test]
async fn a_position_that_was_never_reached_is_not_waited_for_without_end() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let seen = alice.get(LIST).await.header("muster-position").unwrap().to_owned();
    alice.get(&format!("{LIST}?at_least={seen}")).await.expect(200);
    let late = alice.get(&format!("{LIST}?at_least=99999")).await.expect(503);
    assert!(late.header("retry-after").is_some());
    let other = alice.get(&format!("{LIST}?at_least=00000000-1")).await.expect(400).json();
    assert!(other["at_least"].is_array());
    alice.get(&format!("{LIST}?consistency=eventual")).await.expect(200);
}

async fn listed(world: &World, times: usize) -> Vec<Answer> {
    let alice = world.of("alice");
    join_all((0..times).map(|_| alice.get(LIST))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lists_too_often_is_told_when_to_come_back_and_stands_in_nobodys_way() {
    let limits = Limits { member_lists: NonZeroU32::new(1), ..Limits::default() };
    let world =
        World::acme_builder().await.serve_with(ServeOptions { limits, ..ServeOptions::default() }).await;
    let answers = listed(&world, 60).await;
    assert!(answers.iter().any(|answer| answer.status == 200), "the first is answered");
    let refused = answers.iter().find(|answer| answer.status == 429).expect("not all in one second");
    let detail = "Too many requests: at most 1 a second are answered here.";
    assert_eq!((refused.json(), refused.header("retry-after")), (json!({ "detail": detail }), Some("1")));
    world.of("bob").get(LIST).await.expect(200);
    world.of("alice").get(&world.path("acme", "ivan")).await.expect(200);
    let next = async { while world.of("alice").get(LIST).await.status == 429 {} };
    timeout(Duration::from_secs(20), next).await.expect("answered again as the limit gives back");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_limit_members_are_listed_as_often_as_one_likes() {
    let limits = Limits { member_lists: None, ..Limits::default() };
    let world =
        World::acme_builder().await.serve_with(ServeOptions { limits, ..ServeOptions::default() }).await;
    assert!(listed(&world, 200).await.iter().all(|answer| answer.status == 200));
}

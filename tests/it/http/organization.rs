//! GET organization.

use muster_events::{organization::settings, token::TokenOwner};
use serde_json::json;

use crate::support::World;

const ACME: &str = "/api/0/organizations/acme/";

#[tokio::test]
async fn everything_is_shown_to_those_who_may_read_it() {
    let changed = [("eventsMemberAdmin", json!(false)), ("allowMemberInvite", json!(false))];
    let world = World::acme_with(&changed).await.serve().await;
    let answer = world.of("bob").get(ACME).await.expect(200);
    let seen = answer.json();
    for setting in settings() {
        assert!(seen.get(setting.field).is_some(), "{} is not shown", setting.field);
    }
    assert_eq!(seen["eventsMemberAdmin"], json!(false));
    assert_eq!(seen["allowMemberInvite"], json!(false));
    assert_eq!(seen["sensitiveFields"], json!([]));
    assert_eq!(
        (&seen["slug"], &seen["role"], &seen["defaultRole"]),
        (&json!("acme"), &json!("member"), &json!("member"))
    );
    let access = seen["access"].as_array().unwrap();
    assert!(!access.contains(&json!("event:admin")), "an option took it away");
    let slugs: Vec<_> = seen["teams"].as_array().unwrap().iter().map(|team| team["slug"].clone()).collect();
    assert_eq!(slugs, ["core", "infra", "web"]);
    assert!(seen.get("features").is_none());
    assert!(answer.header("etag").is_some());
}

#[tokio::test]
async fn parts_can_be_left_out_and_features_asked_for() {
    let world = World::acme().await;
    let seen =
        world.of("bob").get(&format!("{ACME}?detailed=0&include_feature_flags=1")).await.expect(200).json();
    assert!(seen.get("teams").is_none() && seen.get("projects").is_none());
    assert!(seen["features"].as_array().unwrap().contains(&json!("team-roles")));
}

#[tokio::test]
async fn a_token_without_org_read_gets_a_summary() {
    let mut builder = World::acme_builder().await;
    let alice = builder.person("second").await;
    builder.member("acme", "second", "owner", &[]).await;
    builder.token("narrow", TokenOwner::User(alice), Some(&["member:read"])).await;
    let world = builder.serve().await;
    let seen = world.with("narrow").get(ACME).await.expect(200).json();
    assert_eq!((&seen["slug"], &seen["access"]), (&json!("acme"), &json!(["member:read"])));
    assert!(seen.get("openMembership").is_none());
}

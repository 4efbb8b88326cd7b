//! Bearer tokens.

use muster::ledger::{CommandMeta, Turn, operations::RevokeToken};
use muster_events::token::TokenOwner;
use serde_json::json;

use crate::support::World;

const LIST: &str = "/api/0/organizations/acme/members/";

#[tokio::test]
async fn without_a_token_nothing_is_answered() {
    let world = World::acme().await;
    let refused = world.anonymous().get(LIST).await.expect(401);
    assert_eq!(refused.json(), json!({"detail": "Authentication credentials were not provided."}));
    assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer"));
    world.with("no such token").get(LIST).await.expect(401);
    world.with("").get(LIST).await.expect(401);
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once() {
    let world = World::acme().await;
    let bob = world.of("bob");
    bob.get(LIST).await.expect(200);
    let revoke = RevokeToken { token: world.token("bob-token") };
    world.deployment.ledger.execute(&revoke, &CommandMeta::system(), Turn::unkeyed()).await.unwrap();
    bob.get(LIST).await.expect(401);
    bob.put(&world.path("acme", "bob"), &json!({})).await.expect(401);
}

#[tokio::test]
async fn a_token_limits_what_its_owner_may_do() {
    let mut builder = World::acme_builder().await;
    let owner = builder.person("second").await;
    builder.member("acme", "second", "owner", &[]).await;
    builder.token("read", TokenOwner::User(owner), Some(&["member:read"])).await;
    builder.token("write", TokenOwner::User(owner), Some(&["member:write"])).await;
    let world = builder.serve().await;
    let (dana, change) = (world.path("acme", "dana"), json!({"orgRole": "manager"}));
    world.with("read").get(&dana).await.expect(200);
    world.with("read").put(&dana, &change).await.expect(403);
    world.with("read").get("/api/0/organizations/acme/events/").await.expect(403);
    let refused = world.with("write").put(&dana, &change).await.expect(400).json();
    assert!(refused["orgRole"].is_array(), "without member:admin no role may be given");
    world.with("write").get("/api/0/organizations/acme/teams/").await.expect(403);
}

#[tokio::test]
async fn an_account_that_cannot_be_used_has_no_token_that_can() {
    let mut builder = World::acme_builder().await;
    builder.person_with("idle", |idle| idle.active = false).await;
    builder.member("acme", "idle", "member", &[]).await;
    let world = builder.serve().await;
    world.of("idle").get(LIST).await.expect(401);
}

#[tokio::test]
async fn a_second_factor_is_demanded_of_members_and_not_of_others() {
    let mut builder = World::acme_with(&[("require2FA", json!(true))]).await;
    builder.person_with("plain", |plain| plain.authenticators = vec![]).await;
    builder.member("acme", "plain", "member", &[]).await;
    let world = builder.serve().await;
    let refused = world.of("plain").get(LIST).await.expect(401).json();
    assert_eq!(refused["detail"]["code"], json!("2fa-required"));
    world.of("bob").get(LIST).await.expect(200);
    world.with("acme-integration").get(LIST).await.expect(200);
    world.of("root").get(LIST).await.expect(200);
}

//! The past: what was is shown as it was, with the roles that were in force then.

mod differences;
mod folded;
mod snapshots;

use std::sync::Arc;

use async_trait::async_trait;
use muster::{
    deployment::Deployment,
    ledger::{
        CommandMeta, Failure, Turn,
        operations::{ApplyRoles, CarryOutDeletion, HeldRoles, RoleHolders},
    },
};
use muster_events::{roles::RolesDefinition, stream::Position, time::Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Ahead, Client, World};

const MEMBERS: &str = "/api/0/organizations/acme/members/";

async fn member(client: &Client, path: &str, as_of: &str) -> Value {
    client.get(&format!("{path}?as_of={as_of}")).await.expect(200).json()
}

/// The position after a change.
async fn after(world: &World, method: Method, path: &str, body: &Value, status: u16) -> u64 {
    let sent = world.of("alice").request(method, path).json(body).send().await.unwrap();
    assert_eq!(sent.status().as_u16(), status);
    world.head().await
}

#[tokio::test]
async fn a_member_is_shown_as_he_was_at_a_position_and_at_a_time() {
    let world = World::acme().await;
    let (alice, path) = (world.of("alice"), world.path("acme", "dana"));
    let before = world.head().await;
    let body = json!({"orgRole": "manager", "teamRoles": [{"teamSlug": "web", "role": "admin"}]});
    let changed = alice.put(&path, &body).await.expect(200);
    let (after, now) = (changed.position(), alice.get(&path).await.expect(200).json());
    let was = member(&alice, &path, &before.to_string()).await;
    assert_eq!((&was["orgRole"], &now["orgRole"]), (&json!("member"), &json!("manager")));
    assert_ne!(was["teamRoles"], now["teamRoles"]);
    assert_eq!(
        now["teamRoles"],
        json!([{"teamSlug": "web", "role": null}]),
        "managers have no explicit ones"
    );
    let shown = alice.get(&format!("{path}?as_of={before}")).await.expect(200);
    assert_eq!(shown.position(), before);
    assert_eq!(shown.header("etag"), None, "no change can be made conditional on what was");
    let full = changed.header("muster-position").unwrap();
    assert_eq!(member(&alice, &path, full).await["orgRole"], "manager");

    let events = world.deployment.ledger.store();
    let recorded = events.read_all(Position(after - 1), 1).await.unwrap()[0].recorded_at;
    let at = recorded.to_string();
    assert_eq!(
        member(&alice, &path, &at).await["orgRole"],
        "manager",
        "what was recorded at that time is seen"
    );
    let earlier = Timestamp::from_micros(recorded.as_micros() - 1).unwrap().to_string();
    assert_eq!(member(&alice, &path, &earlier).await["orgRole"], "member");
}

#[tokio::test]
async fn who_and_what_is_gone_is_still_there_in_the_past() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let before = world.head().await;
    let dana = world.path("acme", "dana");
    after(&world, Method::DELETE, &dana, &json!({}), 204).await;
    let team = "/api/0/teams/acme/web/";
    after(&world, Method::DELETE, team, &json!({}), 204).await;
    alice.get(&dana).await.expect(404);
    alice.get(team).await.expect(404);

    assert_eq!(member(&alice, &dana, &before.to_string()).await["email"], "dana@example.com");
    let listed = member(&alice, MEMBERS, &before.to_string()).await;
    assert_eq!(listed.as_array().unwrap().len(), 6);
    assert_eq!(alice.get(MEMBERS).await.expect(200).json().as_array().unwrap().len(), 5);
    let found = alice.get(&format!("{MEMBERS}?as_of={before}&query=dana")).await.expect(200).json();
    assert_eq!(found.as_array().unwrap().len(), 1, "filters look at the past, too");
    assert_eq!(member(&alice, team, &before.to_string()).await["slug"], "web");
    let on_team = member(&alice, &format!("{team}members/"), &before.to_string()).await;
    assert!(on_team.to_string().contains("@example.com"), "{on_team}");
    let teams = member(&alice, "/api/0/organizations/acme/teams/", &before.to_string()).await;
    assert!(teams.as_array().unwrap().iter().any(|team| team["slug"] == "web"));
    let later = world.head().await.to_string();
    alice.get(&format!("{dana}?as_of={later}")).await.expect(404);
}

#[tokio::test]
async fn the_past_of_an_organization_that_has_ended_is_for_superusers() {
    let world = World::acme().await;
    let before = world.head().await.to_string();
    world.of("alice").delete("/api/0/organizations/acme/").await.expect(202);
    let later = Deployment::open_at(&world.place.options(), Arc::new(Ahead(2))).await.unwrap();
    let end = CarryOutDeletion { organization: world.organization("acme") };
    later.ledger.execute(&end, &CommandMeta::system(), Turn::unkeyed()).await.unwrap();
    world.deployment.ledger.store().confirm_head().await.unwrap();
    let id = world.organization("acme");
    for path in [
        format!("/api/0/organizations/{id}/"),
        format!("/api/0/organizations/{id}/members/"),
        format!("/api/0/teams/{id}/web/"),
        format!("/api/0/teams/{id}/web/members/"),
    ] {
        let shown = member(&world.of("root"), &path, &before).await;
        assert!(
            shown.is_object() || shown.as_array().is_some_and(|rows| !rows.is_empty()),
            "{path}: {shown}"
        );
        world.of("alice").get(&format!("{path}?as_of={before}")).await.expect(404);
        world.of("root").get(&path).await.expect(404);
    }
}

#[tokio::test]
async fn an_organization_is_shown_with_the_name_that_it_had() {
    let world = World::acme().await;
    let (alice, path) = (world.of("alice"), "/api/0/organizations/acme/");
    let before = world.head().await.to_string();
    alice.put(path, &json!({"name": "Acme & Sons", "openMembership": false})).await.expect(200);
    let (was, is) = (member(&alice, path, &before).await, alice.get(path).await.expect(200).json());
    assert_eq!((&was["name"], &was["openMembership"]), (&json!("The acme"), &json!(true)));
    assert_eq!((&is["name"], &is["openMembership"]), (&json!("Acme & Sons"), &json!(false)));
    alice.get(&format!("{path}?as_of=1")).await.expect(404);
}

#[tokio::test]
async fn what_is_no_past_moment_is_named() {
    let world = World::acme().await;
    let (alice, path, head) = (world.of("alice"), world.path("acme", "dana"), world.head().await);
    let beyond = (head + 1).to_string();
    for (as_of, says) in [
        ("yesterday", "is neither a time"),
        ("", "is neither a time"),
        (beyond.as_str(), "beyond the end of the log"),
        ("9999-01-01T00:00:00Z", "lies in the future"),
        ("deadbeef-1", "another incarnation"),
    ] {
        let refused = alice.get(&format!("{path}?as_of={as_of}")).await.expect(400).json();
        assert!(refused["as_of"][0].as_str().unwrap().contains(says), "{as_of}: {refused}");
    }
    let requests = "/api/0/organizations/acme/access-requests/?as_of=3";
    alice.get(requests).await.expect(400);
}

#[tokio::test]
async fn the_past_is_for_whoever_may_see_the_present() {
    let world = World::acme().await;
    let (path, before) = (world.path("acme", "dana"), world.head().await);
    let as_of = format!("{path}?as_of={before}");
    world.anonymous().get(&as_of).await.expect(401);
    world.of("greta").get(&as_of).await.expect(403);
    after(&world, Method::DELETE, &world.path("acme", "bob"), &json!({}), 204).await;
    world.of("bob").get(&as_of).await.expect(403);
}

/// Nobody's: what is defined here only calls a role by another name.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl RoleHolders for Nobody {
    async fn held(&self, _at_least: Position) -> Result<HeldRoles, Failure> {
        Ok(HeldRoles::default())
    }
}

#[tokio::test]
async fn roles_are_those_that_were_in_force() {
    let world = World::acme().await;
    let before = world.head().await.to_string();
    let written =
        include_str!("../../../events/roles.toml").replacen("name = \"Member\"", "name = \"Colleague\"", 1);
    let content = RolesDefinition::from_toml(&written).unwrap();
    let apply = ApplyRoles { content, holders: &Nobody };
    world.deployment.ledger.execute(&apply, &CommandMeta::system(), Turn::unkeyed()).await.unwrap();
    let (alice, path) = (world.of("alice"), world.path("acme", "dana"));
    let (was, is) = (member(&alice, &path, &before).await, alice.get(&path).await.expect(200).json());
    assert_eq!((&was["roleName"], &is["roleName"]), (&json!("Member"), &json!("Colleague")));
}

/// The log keeps the keyed hash of an address for ever; whoever guesses the address learns nothing by it.
#[tokio::test]
async fn who_was_erased_is_found_by_his_address_at_no_time() {
    let world = World::acme().await;
    let (alice, before) = (world.of("alice"), world.head().await);
    let path = format!("{MEMBERS}?as_of={before}&query=email:dana@example.com");
    assert_eq!(alice.get(&path).await.expect(200).json().as_array().unwrap().len(), 1);
    world.of("root").delete(&format!("/api/0/users/{}/", world.user("dana"))).await.expect(200);
    assert_eq!(alice.get(&path).await.expect(200).json(), json!([]));
    let listed = member(&alice, MEMBERS, &before.to_string()).await.to_string();
    assert!(listed.contains("[erased]") && !listed.contains("dana"), "{listed}");
}

//! The past: what was is shown as it was, with the roles that were in force then.

mod folded;

use async_trait::async_trait;
use muster::ledger::{
    CommandMeta, Failure, Turn,
    operations::{ApplyRoles, HeldRoles, RoleHolders},
};
use muster_events::{roles::RolesDefinition, stream::Position, time::Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, World};

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

#[tokio::test]
async fn what_changed_between_two_moments_is_told_with_before_after_and_who_did_it() {
    let world = World::acme().await;
    let (alice, from) = (world.of("alice"), world.head().await);
    let (dana, bob) = (world.path("acme", "dana"), world.path("acme", "bob"));
    alice.put(&dana, &json!({"orgRole": "manager"})).await.expect(200);
    alice.delete(&bob).await.expect(204);
    let invited = alice.post(MEMBERS, &json!({"email": "new@example.com"})).await.expect(201).json();
    alice.put("/api/0/organizations/acme/", &json!({"name": "Acme & Sons"})).await.expect(200);
    alice.delete("/api/0/teams/acme/infra/").await.expect(204);
    // There and back again is no change.
    let mallory = world.path("acme", "mallory");
    alice.put(&mallory, &json!({"orgRole": "member"})).await.expect(200);
    alice.put(&mallory, &json!({"orgRole": "manager"})).await.expect(200);
    for on in [false, true] {
        alice.put("/api/0/organizations/acme/", &json!({"allowJoinRequests": on})).await.expect(200);
    }
    let to = world.head().await;
    let path = format!("/api/0/organizations/acme/diff/?from={from}&to={to}");
    let told = world.of("alice").get(&path).await.expect(200).json();
    let of = |id: &str| {
        let mut members = told["members"].as_array().unwrap().iter();
        members.find(|member| member["what"] == id).unwrap_or_else(|| panic!("{id} in {told}"))
    };
    let dana = of(&world.member("acme", "dana").to_string());
    assert_eq!(
        (&dana["change"], &dana["from"]["role"], &dana["to"]["role"]),
        (&json!("changed"), &json!("member"), &json!("manager"))
    );
    assert_eq!(dana["events"][0]["actor"]["id"], json!(world.user("alice").to_string()));
    assert_eq!(dana["events"][0]["type"], "OrgRoleChanged");
    let bob = of(&world.member("acme", "bob").to_string());
    assert_eq!((&bob["change"], &bob["to"]), (&json!("left"), &Value::Null));
    let new = of(invited["id"].as_str().unwrap());
    assert_eq!(
        (&new["change"], &new["from"], &new["to"]["email"]),
        (&json!("invited"), &Value::Null, &json!("new@example.com"))
    );
    let adam = world.member("acme", "adam").to_string();
    assert!(
        !told["members"].as_array().unwrap().iter().any(|member| member["what"] == adam.as_str()),
        "{told}"
    );
    assert_eq!(
        (told["organization"].as_array().unwrap().len(), &told["organization"][0]["what"]),
        (1, &json!("name")),
        "{told}"
    );
    assert_eq!(
        told["organization"][0]["events"].as_array().unwrap().len(),
        1,
        "only the one that renamed it"
    );
    assert_eq!(
        (&told["organization"][0]["from"], &told["organization"][0]["to"]),
        (&json!("The acme"), &json!("Acme & Sons"))
    );
    assert_eq!(
        (&told["teams"][0]["change"], &told["teams"][0]["from"]["slug"]),
        (&json!("deleted"), &json!("infra"))
    );
    world.of("alice").get(&format!("/api/0/organizations/acme/diff/?from={to}&to={from}")).await.expect(400);
    world.of("bob").get(&path).await.expect(403);
    let none = world
        .of("alice")
        .get(&format!("/api/0/organizations/acme/diff/?from={to}&to={to}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&none["members"], &none["teams"], &none["organization"]),
        (&json!([]), &json!([]), &json!([]))
    );
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

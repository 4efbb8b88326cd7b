//! A provider that members log in through no more (behaviour.md 10).

use muster::ledger::{CommandMeta, Turn, operations::UnlinkSso};
use muster_events::{
    recorded::{Actor, ActorKind},
    stream::Position,
};
use serde_json::{Value, json};

use super::{acted, after, assert_caused_by, types_after};
use crate::support::World;

const ADMINISTRATION: &str = "/api/0/organizations/acme/administration/";

fn okta() -> Value {
    json!({"provider": "okta", "name": "Okta", "allowUnlinked": false})
}

/// acme with okta, bob linked to it, and dana linked to it in a way that is not valid any more.
async fn linked(world: &World) {
    let flagged =
        |key: &str, flags: &[&str]| json!({"id": world.member("acme", key).to_string(), "flags": flags});
    let members = [flagged("bob", &["sso:linked"]), flagged("dana", &["sso:linked", "sso:invalid"])];
    let body = json!({"sso": okta(), "members": members});
    world.of("root").put(ADMINISTRATION, &body).await.expect(200);
}

async fn flags(world: &World, key: &str) -> (Value, Value) {
    let shown = world.of("root").get(&world.path("acme", key)).await.expect(200).json();
    (shown["flags"]["sso:linked"].clone(), shown["flags"]["sso:invalid"].clone())
}

#[tokio::test]
async fn nobody_stays_linked_to_a_provider_that_is_switched_off() {
    let world = World::acme().await;
    linked(&world).await;
    let off = world.of("root").put(ADMINISTRATION, &json!({"sso": null})).await.expect(200);
    assert_eq!(off.json()["sso"], Value::Null);
    acted(&[&world.anonymous()], off.position()).await;
    assert_eq!(
        types_after(&world, off.position()).await,
        ["MemberFlagCleared", "SsoUnlinked", "SsoUnlinked"]
    );
    let events = after(&world.deployment, off.position()).await;
    let root = Actor::user(world.user("root"), Some(world.token("root-token")));
    assert_caused_by(&world.deployment, &events, off.position(), &root).await;
    for key in ["bob", "dana"] {
        assert_eq!(flags(&world, key).await, (json!(false), json!(false)), "{key}");
    }
    // Whoever is asked to link himself to the next one was not linked before.
    world.of("root").put(ADMINISTRATION, &json!({"sso": okta()})).await.expect(200);
    let before = world.head().await;
    world.of("alice").put(&world.path("acme", "bob"), &json!({"reinvite": true})).await.expect(200);
    assert_eq!(world.types_after(before).await, ["SsoLinkRequested"]);
}

#[tokio::test]
async fn another_provider_ends_the_links_to_the_one_before() {
    let world = World::acme().await;
    linked(&world).await;
    let google = json!({"sso": {"provider": "google", "name": "Google", "allowUnlinked": true}});
    let changed = world.of("root").put(ADMINISTRATION, &google).await.expect(200).position();
    acted(&[&world.anonymous()], changed).await;
    assert_eq!(flags(&world, "bob").await, (json!(false), json!(false)));
    let renamed = json!({"sso": {"provider": "google", "name": "Our Google", "allowUnlinked": true}});
    let relinked =
        json!({"members": [{"id": world.member("acme", "bob").to_string(), "flags": ["sso:linked"]}]});
    for body in [relinked, renamed] {
        let at = world.of("root").put(ADMINISTRATION, &body).await.expect(200).position();
        acted(&[&world.anonymous()], at).await;
    }
    assert_eq!(flags(&world, "bob").await, (json!(true), json!(false)), "the provider is the same");
}

/// What is asked of a member long after its cause does nothing where he was linked anew meanwhile.
#[tokio::test]
async fn who_was_linked_after_that_stays_linked() {
    let world = World::acme().await;
    linked(&world).await;
    let (ledger, before) = (&world.deployment.ledger, world.head().await);
    let unlink = |before| UnlinkSso {
        organization: world.organization("acme"),
        member: world.member("acme", "bob"),
        provider: "okta".into(),
        before,
    };
    let meta = CommandMeta::by(Actor::only(ActorKind::Policy));
    let long_ago =
        ledger.execute(&unlink(Position(1)), &meta, Turn::unkeyed()).await.unwrap().done().unwrap();
    assert!(!long_ago.changed_anything());
    assert_eq!(world.head().await, before);
    let now =
        ledger.execute(&unlink(Position(before)), &meta, Turn::unkeyed()).await.unwrap().done().unwrap();
    assert!(now.changed_anything());
}

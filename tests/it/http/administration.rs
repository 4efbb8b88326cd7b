//! What only superusers do: administer organizations, read the history of the deployment.

use serde_json::{Value, json};

use crate::support::World;

const ACME: &str = "/api/0/organizations/acme/administration/";
const EVENTS: &str = "/api/0/events/";

#[tokio::test]
async fn features_sign_on_and_marks_change_in_one_append() {
    let world = World::acme().await;
    let (root, before) = (world.of("root"), world.head().await);
    let (bob, dana) = (world.member("acme", "bob").to_string(), world.member("acme", "dana").to_string());
    let body = json!({
        "features": {"invite-team-roles": true, "team-roles": true},
        "sso": {"provider": "okta", "name": "Okta", "allowUnlinked": true},
        "members": [
            {"id": bob, "flags": {"sso:linked": true, "idp:provisioned": true}},
            {"id": dana, "flags": ["member-limit:restricted"]},
        ],
        "teams": [{"slug": "core", "idpProvisioned": true}, {"slug": "web", "active": false}],
    });
    let done = root.put(ACME, &body).await.expect(200);
    let shown = done.json();
    assert_eq!(shown["features"]["invite-team-roles"], json!(true));
    assert_eq!(shown["sso"], body["sso"]);
    assert_eq!(shown["members"][0]["flags"]["sso:linked"], json!(true));
    assert_eq!(shown["teams"][1]["active"], json!(false));
    let types = [
        "FeatureSet",
        "SsoEnabled",
        "SsoLinked",
        "MemberFlagSet",
        "MemberFlagSet",
        "TeamFlagged",
        "TeamFlagged",
    ];
    let mut appended = world.types_after(before).await;
    appended.sort_unstable();
    let mut expected = types.map(str::to_owned).to_vec();
    expected.sort_unstable();
    assert_eq!(appended, expected);
    let member = world.of("alice").get(&world.path("acme", "bob")).await.expect(200).json();
    assert_eq!(member["flags"]["idp:provisioned"], json!(true));
    let head = world.head().await;
    let again = root.put(ACME, &body).await.expect(200);
    assert_eq!((again.position(), world.head().await), (head, head), "nothing has changed");
    let none = json!({"members": [{"id": dana, "flags": []}]});
    let cleared = root.put(ACME, &none).await.expect(200).json();
    assert_eq!(cleared["members"][0]["flags"]["member-limit:restricted"], json!(false));
    assert_eq!(world.types_after(head).await, ["MemberFlagCleared"]);
}

#[tokio::test]
async fn one_error_leaves_everything_as_it_was() {
    let world = World::acme().await;
    let (root, before) = (world.of("root"), world.head().await);
    let feature = json!({"invite-team-roles": true});
    let (stranger, fleet) = (world.member("globex", "greta").to_string(), "fleet");
    for (field, value) in [
        ("members", json!([{"id": stranger, "flags": {"sso:linked": true}}])),
        ("members", json!([{"id": "garbage", "flags": []}])),
        ("members", json!([{"id": "7"}])),
        ("members", json!([{"id": "7", "flags": ["loud"]}])),
        ("members", json!({})),
        ("teams", json!([{"slug": fleet, "active": false}])),
        ("teams", json!([{"active": false}])),
        ("teams", json!([{"slug": "core", "active": "perhaps"}])),
        ("sso", json!("okta")),
        ("sso", json!({"name": "Okta"})),
        ("features", json!({"flying": true})),
        ("features", json!([])),
        ("settings", json!({})),
    ] {
        let mut body = json!({ "features": feature });
        body[field] = value.clone();
        let refused = root.put(ACME, &body).await.expect(400).json();
        assert!(refused[field].is_array(), "{field} {value}: {refused}");
    }
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn an_organization_is_administered_by_superusers_only() {
    let world = World::acme().await;
    let body = json!({"features": {"team-roles": false}});
    for client in [world.of("alice"), world.of("greta"), world.with("acme-integration")] {
        client.put(ACME, &body).await.expect(403);
        client.put(ACME, &json!({"features": 7})).await.expect(403);
        client.get(EVENTS).await.expect(403);
    }
    world.anonymous().put(ACME, &body).await.expect(401);
    let root = world.of("root");
    root.put("/api/0/organizations/nowhere/administration/", &body).await.expect(404);
    root.get(ACME).await.expect(405);
    let first = root.put_with(ACME, &body, &[("idempotency-key", "a")]).await.expect(200);
    let again = root.put_with(ACME, &body, &[("idempotency-key", "a")]).await.expect(200);
    assert_eq!((again.json(), again.header("idempotent-replayed")), (first.json(), Some("true")));
    root.put_with(ACME, &body, &[("if-match", "\"1\"")]).await.expect(412);
}

#[tokio::test]
async fn the_history_of_the_deployment_has_every_event() {
    let world = World::acme().await;
    let root = world.of("root");
    let page = root.get(&format!("{EVENTS}?limit=1000")).await.expect(200).json();
    let positions: Vec<_> =
        page["events"].as_array().unwrap().iter().map(|event| event["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, (1..=world.head().await).collect::<Vec<_>>());
    let page = root.get(&format!("{EVENTS}?type=UserRegistered&order=desc&limit=1")).await.expect(200).json();
    assert_eq!(page["events"][0]["payload"]["username"], json!("root"));
    assert_ne!(page["next"], Value::Null);
    root.get(&format!("{EVENTS}?type=Nonsense")).await.expect(400);
    world.anonymous().get(EVENTS).await.expect(401);
}

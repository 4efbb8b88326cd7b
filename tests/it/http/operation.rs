//! What operators and their machines ask.

use serde_json::{Value, json};

use crate::support::World;

#[tokio::test]
async fn a_healthy_server_says_so() {
    let world = World::acme().await;
    let anyone = world.anonymous();
    anyone.get("/healthz").await.expect(200);
    world.of("alice").get("/api/0/organizations/acme/members/").await.expect(200);
    let ready = anyone.get("/readyz").await.expect(200).json();
    assert_eq!((&ready["ready"], &ready["degraded"]), (&json!(true), &json!([])));
    assert_eq!(ready["position"], json!(world.head().await));
    assert_eq!(ready["views"].as_array().unwrap().len(), muster_projections::all().len());
}

#[tokio::test]
async fn the_description_names_every_endpoint_and_is_shown_without_help_from_elsewhere() {
    let world = World::acme().await;
    let anyone = world.anonymous();
    let description = anyone.get("/openapi.json").await.expect(200).json();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths: Vec<_> = description["paths"].as_object().unwrap().keys().cloned().collect();
    for path in [
        "/api/0/organizations/{organization}/",
        "/api/0/organizations/{organization}/members/",
        "/api/0/organizations/{organization}/members/{member}/",
        "/api/0/organizations/{organization}/members/{member}/events/",
        "/api/0/organizations/{organization}/events/",
        "/api/0/accept-invite/{member}/{token}/",
        "/api/0/accept-invite/{organization}/{member}/{token}/",
        "/api/0/organizations/{organization}/teams/",
        "/healthz",
        "/readyz",
        "/metrics",
    ] {
        assert!(paths.iter().any(|known| known == path), "{path} is not described");
    }
    let member = &description["paths"]["/api/0/organizations/{organization}/members/{member}/"];
    assert!(["get", "put", "delete"].iter().all(|method| member[method].is_object()));
    references_resolve(&description, &description);
    let docs = anyone.get("/docs/").await.expect(200).text;
    let elsewhere = |text: &str| text.contains("src=\"http") || text.contains("href=\"http");
    assert!(docs.contains("swagger") && !elsewhere(&docs), "{docs}");
    anyone.get("/docs/swagger-ui-bundle.js").await.expect(200);
}

fn references_resolve(whole: &Value, part: &Value) {
    match part {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                let path = reference.strip_prefix('#').unwrap();
                assert!(whole.pointer(path).is_some(), "{reference} leads nowhere");
            }
            fields.values().for_each(|value| references_resolve(whole, value));
        }
        Value::Array(items) => items.iter().for_each(|value| references_resolve(whole, value)),
        _ => {}
    }
}

#[tokio::test]
async fn metrics_are_not_found_where_none_are_recorded() {
    let world = World::acme().await;
    world.anonymous().get("/metrics").await.expect(404);
}

//! Errors, in both forms.

use reqwest::Method;
use serde_json::json;

use crate::support::{Client, World};

#[tokio::test]
async fn problem_details_are_given_to_those_who_ask() {
    let world = World::acme().await;
    let ask = |key: &str, method: Method, path: String, body: serde_json::Value| {
        let request = world.of(key).request(method, &path).json(&body);
        Client::send(request.header("accept", "application/problem+json"))
    };
    let path = world.path("acme", "alice");
    let own = ask("alice", Method::PUT, path.clone(), json!({"orgRole": "member"})).await.expect(400);
    assert_eq!(own.header("content-type"), Some("application/problem+json"));
    let own = own.json();
    assert_eq!((&own["code"], &own["status"]), (&json!("own_role"), &json!(400)));
    assert_eq!(own["title"], json!("You cannot make changes to your own role."));
    let fields =
        ask("alice", Method::PUT, path.clone(), json!({"teams": ["nowhere"]})).await.expect(400).json();
    assert_eq!(
        (&fields["code"], &fields["errors"]),
        (&json!("invalid_fields"), &json!({"teams": ["Invalid teams"]}))
    );
    let method = ask("alice", Method::PATCH, path, json!({})).await.expect(405);
    assert_eq!(method.json()["code"], json!("method_not_allowed"));
    let nowhere = ask("alice", Method::GET, "/api/0/nowhere/".to_owned(), json!({})).await.expect(404);
    assert_eq!(nowhere.json()["code"], json!("not_found"));
}

#[tokio::test]
async fn wrong_methods_and_unknown_paths_are_json() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let refused = Client::send(alice.request(Method::PATCH, &world.path("acme", "dana"))).await.expect(405);
    let allowed = refused.header("allow").unwrap();
    assert!(["GET", "PUT", "DELETE"].iter().all(|method| allowed.contains(method)), "{allowed}");
    assert!(refused.json()["detail"].is_string());
    alice.get("/").await.expect(404).json();
    alice.get("/api/0/").await.expect(404).json();
}

#[tokio::test]
async fn every_answer_carries_the_id_of_its_request() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let path = world.path("acme", "dana");
    let given =
        alice.put_with(&path, &json!({"teams": []}), &[("x-request-id", "trace-42")]).await.expect(200);
    assert_eq!(given.header("x-request-id"), Some("trace-42"));
    let events = alice.get(&format!("{path}events/?order=desc&limit=1")).await.json();
    assert_eq!(events["events"][0]["metadata"]["request_id"], json!("trace-42"));
    let invalid = alice.put_with(&path, &json!({}), &[("x-request-id", "a b\"c")]).await.expect(200);
    assert_ne!(invalid.header("x-request-id"), Some("a b\"c"));
    assert!(alice.get("/nowhere/").await.header("x-request-id").is_some());
}

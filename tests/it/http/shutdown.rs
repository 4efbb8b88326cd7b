//! Stopping a server.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::time::timeout;

use crate::support::World;

#[tokio::test]
async fn what_was_accepted_is_finished_and_streams_end() {
    let world = World::acme().await;
    let (alice, path) = (world.of("alice"), world.path("acme", "dana"));
    let feed = world.of("alice").request(Method::GET, "/api/0/organizations/acme/events/");
    let feed = feed.header("accept", "text/event-stream").send().await.unwrap();
    let requests: Vec<_> = (0..16)
        .map(|number| {
            let (alice, path) = (alice.clone(), path.clone());
            let teams = if number % 2 == 0 { json!(["web"]) } else { json!(["core"]) };
            tokio::spawn(async move {
                alice.request(Method::PUT, &path).json(&json!({ "teams": teams })).send().await
            })
        })
        .collect();
    let ledger = std::sync::Arc::clone(&world.deployment.ledger);
    // At least one is under way.
    alice.put(&path, &json!({"teams": []})).await.expect(200);
    let _place = world.stop().await;
    timeout(Duration::from_secs(10), feed.bytes()).await.expect("the feed did not end").ok();
    let mut last = 0;
    for request in requests {
        // Refused connections were never accepted; everything else is answered whole.
        if let Ok(response) = request.await.unwrap() {
            assert_eq!(response.status(), 200);
            let position = response.headers()["muster-position"].to_str().unwrap().to_owned();
            last = last.max(position.split_once('-').unwrap().1.parse::<u64>().unwrap());
        }
    }
    assert!(ledger.store().head().await.unwrap().position.0 >= last);
}

//! The history endpoints.

use std::time::Duration;

use futures_util::StreamExt;
use muster::ledger::{CommandMeta, Turn, operations::RevokeToken};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{Client, World};

const EVENTS: &str = "/api/0/organizations/acme/events/";

#[tokio::test]
async fn a_change_is_told_with_before_after_actor_and_time() {
    let world = World::acme().await;
    let path = world.path("acme", "dana");
    world.of("mallory").put(&path, &json!({"orgRole": "manager"})).await.expect(200);
    let page = world.of("alice").get(&format!("{path}events/?type=OrgRoleChanged")).await.expect(200).json();
    let event = &page["events"][0];
    assert_eq!(event["payload"], json!({"from": "member", "to": "manager"}));
    let actor = &event["metadata"]["actor"];
    assert_eq!(actor["kind"], json!("user"));
    assert_eq!(actor["id"], json!(world.user("mallory").to_string()));
    assert_eq!(actor["via"], json!(world.token("mallory-token").to_string()));
    assert_eq!(event["metadata"]["ip"], json!("127.0.0.1"));
    assert_eq!(event["leaf"].as_str().unwrap().len(), 64);
    assert_eq!(page["next"], Value::Null);
    let fields: Vec<_> = event.as_object().unwrap().keys().map(String::as_str).collect();
    let order = [
        "position",
        "event_id",
        "aggregate_type",
        "aggregate_id",
        "sequence",
        "type",
        "schema_version",
        "recorded_at",
        "organization",
        "payload",
        "metadata",
        "leaf",
    ];
    assert_eq!(fields, order);
}

#[tokio::test]
async fn pages_lead_through_the_whole_history_in_both_orders() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let all = |page: &Value| -> Vec<u64> {
        page["events"].as_array().unwrap().iter().map(|event| event["position"].as_u64().unwrap()).collect()
    };
    let whole = all(&alice.get(&format!("{EVENTS}?limit=1000")).await.expect(200).json());
    for order in ["asc", "desc"] {
        let (mut seen, mut after) = (vec![], String::new());
        loop {
            let page = alice.get(&format!("{EVENTS}?limit=3&order={order}{after}")).await.expect(200).json();
            seen.extend(all(&page));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        if order == "desc" {
            seen.reverse();
        }
        assert_eq!(seen, whole, "{order}");
    }
}

#[tokio::test]
async fn who_may_read_which_history() {
    let world = World::acme().await;
    let own = "/api/0/organizations/acme/members/me/events/";
    for (key, organization, dana, me) in [
        ("alice", 200, 200, 200),
        ("mallory", 200, 200, 200),
        ("bob", 403, 403, 200),
        ("dana", 403, 200, 200),
        ("greta", 403, 403, 403),
        ("root", 200, 200, 404),
    ] {
        let client = world.of(key);
        client.get(EVENTS).await.expect(organization);
        client.get(&format!("{}events/", world.path("acme", "dana"))).await.expect(dana);
        client.get(own).await.expect(me);
    }
    world.anonymous().get(EVENTS).await.expect(401);
}

#[tokio::test]
async fn where_a_request_came_from_is_for_administrators() {
    let world = World::acme().await;
    world.of("alice").put(&world.path("acme", "dana"), &json!({"teams": []})).await.expect(200);
    for (key, seen) in [("alice", true), ("mallory", false), ("root", true)] {
        let page = world.of(key).get(&format!("{EVENTS}?order=desc&limit=1")).await.expect(200).json();
        let metadata = &page["events"][0]["metadata"];
        assert_eq!(metadata.get("ip").is_some(), seen, "{key}: {metadata}");
        assert!(metadata["actor"].is_object());
    }
}

#[tokio::test]
async fn malformed_filters_are_named() {
    let world = World::acme().await;
    for (parameter, value) in [
        ("type", "Nonsense"),
        ("from", "yesterday"),
        ("to", "x"),
        ("after", "x"),
        ("after", "00000000-3"),
        ("limit", "0"),
        ("limit", "1001"),
        ("order", "random"),
        ("actor", "nobody:7"),
    ] {
        let refused =
            world.of("alice").get(&format!("{EVENTS}?{parameter}={value}")).await.expect(400).json();
        assert!(refused[parameter].is_array(), "{parameter}={value}: {refused}");
    }
}

#[tokio::test]
async fn ndjson_is_the_whole_history_line_by_line() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let page = alice.get(&format!("{EVENTS}?limit=1000")).await.expect(200).json();
    let request = alice.request(Method::GET, EVENTS).header("accept", "application/x-ndjson");
    let lines = Client::send(request).await.expect(200);
    assert!(lines.header("content-type").unwrap().contains("ndjson"));
    let lines: Vec<Value> = lines.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(Value::Array(lines), page["events"]);
}

/// Reads server-sent events until `enough`.
async fn read_feed(
    world: &World,
    key: &str,
    last: Option<&str>,
    enough: impl Fn(&str) -> bool,
) -> (String, bool) {
    let mut request = world.of(key).request(Method::GET, EVENTS).header("accept", "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let (mut stream, mut text) = (response.bytes_stream(), String::new());
    let ended = timeout(Duration::from_secs(20), async {
        while !enough(&text) {
            let Some(chunk) = stream.next().await else { return true };
            text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
        false
    });
    let ended = ended.await.expect("the feed said nothing for too long");
    (text, ended)
}

#[tokio::test]
async fn a_feed_goes_from_the_past_into_the_present_and_resumes() {
    let world = World::acme().await;
    let change = async {
        for role in ["manager", "member"] {
            world.of("alice").put(&world.path("acme", "bob"), &json!({"orgRole": role})).await.expect(200);
        }
    };
    let both = |text: &str| text.matches("event: OrgRoleChanged").count() == 2;
    let ((text, _), ()) = tokio::join!(read_feed(&world, "mallory", None, both), change);
    assert!(text.starts_with("id: ") && text.contains("event: OrganizationCreated"));
    let ids: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    let before_last = ids[ids.len() - 2];
    let (rest, _) =
        read_feed(&world, "mallory", Some(before_last), |text| text.contains("event: OrgRoleChanged")).await;
    assert_eq!(rest.matches("data: ").count(), 1, "{rest}");
}

#[tokio::test]
async fn a_feed_ends_when_its_token_is_revoked() {
    let world = World::acme().await;
    let revoke = async {
        let revoke = RevokeToken { token: world.token("mallory-token") };
        world.deployment.ledger.execute(&revoke, &CommandMeta::system(), Turn::unkeyed()).await.unwrap();
        world.of("alice").put(&world.path("acme", "bob"), &json!({"orgRole": "manager"})).await.expect(200);
    };
    let head = format!("\"position\":{},", world.head().await);
    let (text, ended) = read_feed(&world, "mallory", None, |text| text.contains(&head)).await;
    assert!(!ended, "{text}");
    let last = text.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    let never = |_: &str| false;
    let request = world.of("mallory").request(Method::GET, EVENTS).header("accept", "text/event-stream");
    let open = request.header("last-event-id", last).send().await.unwrap();
    revoke.await;
    let (mut stream, mut text) = (open.bytes_stream(), String::new());
    let rest = timeout(Duration::from_secs(20), async {
        while let Some(chunk) = stream.next().await {
            text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    });
    rest.await.expect("the feed did not end");
    assert!(!text.contains("OrgRoleChanged") && !never(&text), "an event was shown after the revocation");
}

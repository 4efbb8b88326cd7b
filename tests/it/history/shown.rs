//! What is shown of an event, to whom, and what is shown of one that is hard to show.

use muster::{
    history::{Format, History, Sight, UNREADABLE},
    sealing::ERASED,
};
use muster_events::{event::Event, stream::StreamId, team::TeamEvent};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::lab::{Foreign, Lab, append, by_system, key_ring, new_event, organization, positions};

#[tokio::test]
async fn where_a_request_came_from_is_shown_to_those_who_may_see_it() {
    let lab = Lab::new().await;
    lab.registers("ada").await;
    let everything = json!({
        "actor": {"kind": "user", "id": "7"}, "request_id": "request-1", "causation_id": null,
        "ip": "192.0.2.7", "user_agent": "Mozilla/5.0",
    });
    let without =
        json!({"actor": {"kind": "user", "id": "7"}, "request_id": "request-1", "causation_id": null});
    for (sight, metadata) in [(Sight::ALL, everything), (Sight::WITHOUT_ORIGIN, without)] {
        let shown = lab.all(sight).await.remove(0);
        assert_eq!(shown.metadata.to_string(), metadata.to_string(), "{sight:?}");
        let payload = json!({"username": "ada", "name": "Ada Lovelace", "email": "ada@example.com"});
        assert_eq!(shown.payload, payload);
        assert_eq!(shown.actor(), "user:7");
    }
}

#[tokio::test]
async fn what_was_erased_is_said_to_be_erased_and_nothing_else_changes() {
    let lab = Lab::new().await;
    lab.sixty().await;
    lab.registers("ada").await;
    let before = lab.all(Sight::ALL).await;
    lab.erase_person().await;
    let after = lab.all(Sight::ALL).await;
    assert_eq!(before[..60], after[..60]);
    let (before, after) = (&before[60], &after[60]);
    assert_eq!(after.payload, json!({"username": ERASED, "name": ERASED, "email": ERASED}));
    assert_eq!((&after.metadata["ip"], &after.metadata["user_agent"]), (&json!(ERASED), &json!(ERASED)));
    assert_eq!((&after.metadata["actor"], &after.leaf), (&before.metadata["actor"], &before.leaf));
}

#[tokio::test]
async fn a_lost_key_hides_its_values_and_not_the_history() {
    let lab = Lab::new().await;
    lab.registers("ada").await;
    lab.sixty().await;
    let others = TempDir::new().unwrap();
    let without_keys = History::new(lab.store.clone(), key_ring(&others).await);
    let page = without_keys.page(lab.query(&[]), Sight::ALL).await.unwrap();
    assert_eq!(page.events.len(), 61);
    assert_eq!(
        page.events[0].payload,
        json!({"username": UNREADABLE, "name": UNREADABLE, "email": UNREADABLE})
    );
    assert_eq!(page.events[0].metadata["ip"], UNREADABLE);
    assert_eq!(page.events[1..], lab.all(Sight::ALL).await[1..]);
}

#[tokio::test]
async fn a_value_that_was_tampered_with_hides_itself_only() {
    let lab = Lab::new().await;
    let stored = lab.registers("ada").await;
    let mut payload: Value = serde_json::from_str(&stored.payload).unwrap();
    payload["email"]["for"] = json!("UserRegistered.name");
    let metadata = "{\"actor\":{\"kind\":\"system\"}}";
    lab.writes(Foreign {
        aggregate_type: "user",
        aggregate_id: "8",
        event_type: "UserRegistered",
        payload: &payload.to_string(),
        metadata,
    })
    .await;
    let shown = lab.all(Sight::ALL).await.remove(1);
    assert_eq!(shown.payload, json!({"username": "ada", "name": "Ada Lovelace", "email": UNREADABLE}));
}

/// What no version of this program wrote is shown too, in every form, and without sight only what cannot be an origin.
#[tokio::test]
async fn events_that_cannot_be_decoded_are_shown() {
    let lab = Lab::new().await;
    let sealed = lab.registers("ada").await.payload;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let nested = format!("{{\"then\":[{{\"deep\":{sealed}}}]}}");
    let hostile = "{\"text\":\"</script>\\u0000\\n\\ndata: x\\u2028\\\"; DROP TABLE events\"}";
    let with_origin = "{\"client_address\":\"192.0.2.9\",\"actor\":\"somebody\"}";
    for (payload, metadata) in [
        (hostile, with_origin),
        (deep.as_str(), "192.0.2.9"),
        (nested.as_str(), "[\"192.0.2.9\"]"),
        ("1e400", "{\"actor\":{\"kind\":7}}"),
        ("not JSON\n", "{}"),
        ("", ""),
        ("null", "null"),
        (sealed.as_ref(), "{\"actor\":null}"),
    ] {
        let (aggregate_type, aggregate_id) = ("somebody's", "=1+1");
        lab.writes(Foreign { aggregate_type, aggregate_id, event_type: "Later\nid: 9\n", payload, metadata })
            .await;
    }
    let shown = lab.all(Sight::ALL).await;
    assert_eq!(positions(&shown), (1..=9).collect::<Vec<_>>());
    assert_eq!(shown[1].payload.to_string(), hostile.replace("\\u2028", "\u{2028}"));
    assert_eq!((&shown[1].event_type, shown[1].schema_version), (&"Later\nid: 9\n".to_owned(), 9));
    assert_eq!(shown[2].payload, json!(deep));
    assert_eq!(shown[3].payload["then"][0]["deep"]["email"], "ada@example.com");
    let payloads: Vec<_> = shown[4..8].iter().map(|event| event.payload.clone()).collect();
    assert_eq!(payloads, [json!("1e400"), json!("not JSON\n"), json!(""), json!(null)]);
    assert_eq!(shown[8].payload["username"], "ada");
    assert_eq!(shown[1].metadata["client_address"], "192.0.2.9");
    for event in lab.all(Sight::WITHOUT_ORIGIN).await {
        let text = serde_json::to_string(&event).unwrap();
        assert!(!text.contains("192.0.2"), "{text}");
    }
    let lines = Format::Ndjson.lines(&shown).unwrap();
    assert_eq!(lines.lines().count(), 9);
    for line in lines.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
}

#[tokio::test]
async fn text_that_looks_like_an_envelope_is_text() {
    let lab = Lab::new().await;
    let name = json!({"key": "k", "for": "TeamCreated.name", "sealed": "AAAA"}).to_string();
    let event =
        TeamEvent::TeamCreated { organization: organization(1), slug: "core".into(), name: name.clone() };
    append(&*lab.store, StreamId::new("team", "5"), vec![new_event(Event::Team(event), &by_system())]).await;
    assert_eq!(lab.all(Sight::ALL).await[0].payload["name"], json!(name));
}

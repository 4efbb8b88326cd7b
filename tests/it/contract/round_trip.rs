//! What is stored is what was given.

use std::sync::Arc;

use muster::store::{Append, NewEvent, StreamWrite, leaf::leaf_of};
use muster_events::{
    id::{MAX_ID, OrganizationId},
    recorded::{Actor, ActorKind},
    stream::{Position, Sequence, StreamId},
};

use super::lab::{Lab, done, everything, keyed, new_event, one, outcome_of, skipped, write};

/// Texts that have broken some store.
fn hostile() -> Vec<String> {
    let texts = [
        "",
        "\0",
        "a\0b",
        "'; DROP TABLE events; --",
        "\"\\\u{7f}\u{1b}[0m",
        "é ß 漢字 🦀 \u{202e}\u{feff}",
        "%s ?1 $1",
    ];
    let long = ["x".repeat(1 << 20), "🦀\0".repeat(1 << 18)];
    texts.map(String::from).into_iter().chain(long).collect()
}

pub(super) async fn whatever_text_is_stored_comes_back(lab: &dyn Lab) {
    let store = lab.store().await;
    let mut hostile = hostile();
    if let Some(most) = store.capabilities().most_bytes {
        skipped(lab, "long texts", "an append is limited");
        hostile.retain(|text| text.len() < most / 2);
    }
    for (number, text) in hostile.iter().enumerate() {
        // What is stored is JSON, which escapes what a text column may refuse; names and ids never hold it.
        let (json, text) = (serde_json::to_string(text).unwrap(), &text.replace('\0', "0"));
        let new = NewEvent {
            organization: Some(OrganizationId::new(MAX_ID).unwrap()),
            payload: json.clone(),
            metadata: json.as_str().into(),
            actor: Arc::new(Actor { id: Some(text.as_str().into()), ..Actor::only(ActorKind::User) }),
            ..new_event()
        };
        let id: String = text.chars().take(20).collect();
        let stream = StreamId::new("organization", &format!("{number}{id}"));
        let write =
            StreamWrite { stream: stream.clone(), expected: Sequence::ZERO, events: vec![new.clone()] };
        let append = Append { writes: vec![write], ..Append::default() };
        let outcome = outcome_of(&format!("{number}{id}"), text);
        done(&*store, Append { key: Some(outcome.clone()), ..append }).await;
        let found = store.read_stream(&stream, Sequence::ZERO, 1).await.unwrap().remove(0);
        assert_eq!(*found.payload, json);
        assert_eq!(*found.metadata, json);
        assert_eq!(
            (found.event_id, found.organization, &found.stream),
            (new.event_id, new.organization, &stream)
        );
        assert_eq!(found.leaf, leaf_of(&found));
        let kept = store.outcome(&outcome.actor, &outcome.key).await.unwrap().unwrap();
        assert_eq!((kept.actor, kept.key), (outcome.actor, outcome.key));
    }
    assert_eq!(everything(&*store).await.len(), hostile.len());
}

pub(super) async fn the_leaf_can_be_computed_again(lab: &dyn Lab) {
    let store = lab.store().await;
    let mut write = write("a", 0, 3);
    write.events[1].organization = Some(OrganizationId::new(1).unwrap());
    write.events[2].payload = "{ \"spaces\" :\t1 }".into();
    let appended = done(&*store, Append { writes: vec![write], ..Append::default() }).await;
    let found = everything(&*store).await;
    for (found, appended) in found.iter().zip(&*appended.events) {
        assert_eq!(leaf_of(found), found.leaf);
        assert_eq!(found.leaf, appended.leaf);
        assert_eq!(leaf_of(appended), appended.leaf);
    }
    let (first, third) = (&found[0], &found[2]);
    assert_ne!(first.leaf, third.leaf);
}

pub(super) async fn events_decode_from_what_is_stored(lab: &dyn Lab) {
    let store = lab.store().await;
    let appended = done(&*store, keyed(one("a", 0), "user:1", "key")).await;
    let found = store.read_all(Position::ZERO, 1).await.unwrap().remove(0);
    assert!(found.decoded.is_none(), "read from the store, not from memory");
    assert_eq!(found.event().unwrap(), appended.events[0].event().unwrap());
    let recorded = found.recorded().unwrap();
    assert_eq!(recorded.metadata.actor, Actor::only(ActorKind::System));
    assert_eq!((recorded.position, recorded.recorded_at), (appended.position, appended.recorded_at));
}

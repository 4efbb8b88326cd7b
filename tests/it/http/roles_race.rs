//! Races between people who change each other.

use serde_json::json;

use crate::support::World;

const ROUNDS: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_who_demote_each_other_never_leave_the_organization_without_one() {
    let mut builder = World::acme_builder().await;
    builder.person("olga").await;
    builder.member("acme", "olga", "owner", &[]).await;
    let world = builder.serve().await;
    let (alice, olga, root) = (world.of("alice"), world.of("olga"), world.of("root"));
    let (of_alice, of_olga) = (world.path("acme", "alice"), world.path("acme", "olga"));
    let demote = json!({"orgRole": "manager"});
    for round in 0..ROUNDS {
        let (one, other) = tokio::join!(alice.put(&of_olga, &demote), olga.put(&of_alice, &demote));
        let succeeded = [&one, &other].iter().filter(|answer| answer.status == 200).count();
        assert_eq!(succeeded, 1, "round {round}: {one:?} {other:?}");
        let owners = world.deployment.ledger.owners(world.organization("acme")).await.unwrap();
        assert_eq!(owners.len(), 1, "round {round}");
        let demoted = if one.status == 200 { &of_olga } else { &of_alice };
        root.put(demoted, &json!({"orgRole": "owner"})).await.expect(200);
    }
}

/// A manager changes others while his own role is taken away: in the log nothing of his comes after that.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_appended_by_somebody_after_his_own_demotion() {
    let world = World::acme().await;
    let (alice, mallory) = (world.of("alice"), world.of("mallory"));
    let (of_mallory, of_dana) = (world.path("acme", "mallory"), world.path("acme", "dana"));
    let own = world.user("mallory").to_string();
    for round in 0..40 {
        let before = world.head().await;
        let changes = async {
            for teams in [json!([]), json!(["web"]), json!([]), json!(["core"]), json!([]), json!(["web"])] {
                let answer = mallory.put(&of_dana, &json!({ "teams": teams })).await;
                assert!(matches!(answer.status, 200 | 403), "round {round}: {answer:?}");
            }
        };
        let demote = json!({"orgRole": "member"});
        let ((), demoted) = tokio::join!(changes, alice.put(&of_mallory, &demote));
        let demoted_at = demoted.expect(200).position();
        let after = muster_events::stream::Position(before);
        for event in world.deployment.ledger.store().read_all(after, 100).await.unwrap() {
            let metadata: serde_json::Value = serde_json::from_str(&event.metadata).unwrap();
            let is_own = metadata["actor"]["id"] == json!(own);
            assert!(!is_own || event.position.0 < demoted_at, "round {round}: {event:?}");
        }
        alice.put(&of_mallory, &json!({"orgRole": "manager"})).await.expect(200);
    }
}

//! The counters of behaviour.md section 12, as `/metrics` shows them.

use metrics_exporter_prometheus::PrometheusBuilder;
use muster::http::ServeOptions;
use serde_json::json;

use crate::support::World;

/// The value of the counter that `/metrics` shows under this name with these labels; zero where there is none.
async fn count(world: &World, counter: &str) -> u64 {
    let shown = world.anonymous().get("/metrics").await.expect(200).text;
    let lines = shown.lines().filter_map(|line| line.rsplit_once(' '));
    let found = lines.into_iter().find(|(name, _)| *name == counter);
    found.map_or(0, |(_, value)| value.parse().unwrap())
}

#[tokio::test]
async fn what_happens_is_counted_under_the_names_and_labels_of_the_table() {
    let recorder = PrometheusBuilder::new().install_recorder().unwrap();
    let mut builder = World::acme_builder().await;
    builder.person("zoe").await;
    let world = builder.serve_with(ServeOptions { metrics: Some(recorder), ..ServeOptions::default() }).await;
    let (alice, acme) = (world.of("alice"), "/api/0/organizations/acme/");

    let limited = "muster_member_invite_attempt_total{instance=\"rate_limited\"}";
    let ivan = world.path("acme", "ivan");
    for _ in 0..10 {
        alice.put(&ivan, &json!({"reinvite": true})).await.expect(200);
    }
    assert_eq!(count(&world, limited).await, 0);
    alice.put(&ivan, &json!({"reinvite": true})).await.expect(429);
    alice.put(&ivan, &json!({"reinvite": true})).await.expect(429);
    assert_eq!(count(&world, limited).await, 2);

    let accepted = "muster_invitations_accepted_total";
    let invitation = json!({"email": "zoe@example.com"});
    let zoe = alice.post(&format!("{acme}members/"), &invitation).await.expect(201).json();
    let id = zoe["id"].as_str().unwrap().parse().unwrap();
    let token = world.deployment.ledger.keys().invitation_token(id, 1);
    let link = format!("/api/0/accept-invite/{id}/{token}/");
    assert_eq!(count(&world, accepted).await, 0);
    world.of("zoe").post(&link, &json!({})).await.expect(204);
    assert_eq!(count(&world, accepted).await, 1);

    for (role, minimum, times) in [("admin", "False", 1), ("contributor", "True", 1)] {
        let on_core = format!("{}teams/core/", world.path("acme", "bob"));
        alice.put(&on_core, &json!({"teamRole": role})).await.expect(200);
        let assigned = format!(
            "muster_team_roles_assigned_total{{target_team_role=\"{role}\",applying_minimum=\"{minimum}\"}}"
        );
        assert_eq!(count(&world, &assigned).await, times, "{assigned}");
    }

    // Dana may rename the team because she is its admin.
    let team = "/api/0/teams/acme/core/";
    world.of("dana").put(team, &json!({"name": "The core"})).await.expect(200);
    let passed = "muster_team_roles_pass_by_team_scope_total{team_role=\"admin\",scope=\"team:write\"}";
    assert_eq!(count(&world, passed).await, 1);

    let cleared = "muster_team_roles_update_to_minimum_total{target_org_role=\"manager\"}";
    alice.put(&world.path("acme", "dana"), &json!({"orgRole": "manager"})).await.expect(200);
    assert_eq!(count(&world, cleared).await, 2, "one for each role that was cleared");

    let parked = "muster_projection_parked_streams{projection=\"members\"}";
    assert_eq!(count(&world, parked).await, 0);
    world.place.poison(world.member("acme", "bob").into()).await;
    alice.get(&format!("{acme}members/")).await.expect(200);
    assert_eq!(count(&world, parked).await, 1);
}

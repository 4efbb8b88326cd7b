//! GET teams.

use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn teams_are_seen_through_the_eyes_of_the_viewer() {
    let world = World::acme_with(&[("openMembership", json!(false))]).await.serve().await;
    let teams = "/api/0/organizations/acme/teams/";
    let seen = world.of("dana").get(teams).await.expect(200).json();
    let of = |index: usize, field: &str| seen[index][field].clone();
    assert_eq!(
        (of(0, "slug"), of(0, "teamRole"), of(0, "memberCount")),
        (json!("core"), json!("admin"), json!(2))
    );
    assert_eq!((of(1, "slug"), of(1, "teamRole")), (json!("infra"), json!("contributor")));
    assert!(of(0, "access").as_array().unwrap().contains(&json!("team:write")));
    assert!(!of(1, "access").as_array().unwrap().contains(&json!("team:write")));

    let seen = world.of("bob").get(teams).await.expect(200).json();
    assert_eq!(
        (&seen[1]["isMember"], &seen[1]["hasAccess"], &seen[1]["access"]),
        (&json!(false), &json!(false), &json!([]))
    );
    let seen = world.of("mallory").get(teams).await.expect(200).json();
    assert_eq!((&seen[1]["isMember"], &seen[1]["hasAccess"]), (&json!(false), &json!(true)));
}

#[tokio::test]
async fn teams_that_are_being_deleted_are_not_listed() {
    let mut builder = World::acme_builder().await;
    builder.person("hugo").await;
    builder
        .organization_with("initech", "hugo", &["a-team", "b-team"], |initech| {
            initech.teams[1].active = false;
        })
        .await;
    let world = builder.serve().await;
    let seen = world.of("hugo").get("/api/0/organizations/initech/teams/?per_page=1").await.expect(200);
    assert_eq!(seen.json().as_array().unwrap().len(), 1);
    assert!(seen.header("link").unwrap().contains("rel=\"next\"; results=\"false\""));
}

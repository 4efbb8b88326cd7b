//! Nothing of one organization is seen or changed with a token of another.

use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_stranger_is_refused_everywhere_and_learns_nothing() {
    let world = World::acme().await;
    let greta = world.of("greta");
    let (member, before) = (world.path("acme", "dana"), world.head().await);
    for path in [
        "/api/0/organizations/acme/".to_owned(),
        "/api/0/organizations/acme/members/".to_owned(),
        "/api/0/organizations/acme/teams/".to_owned(),
        "/api/0/organizations/acme/events/".to_owned(),
        member.clone(),
        format!("{member}events/"),
        "/api/0/organizations/acme/members/12345/".to_owned(),
    ] {
        let refused = greta.get(&path).await.expect(403).json();
        assert_eq!(
            refused,
            json!({"detail": "You do not have permission to perform this action."}),
            "{path}"
        );
    }
    for path in
        [member.as_str(), "/api/0/organizations/acme/members/me/", "/api/0/organizations/acme/members/xyz/"]
    {
        greta.get(path).await.expect(403);
        greta.put(path, &json!({"orgRole": "owner"})).await.expect(403);
        greta.delete(path).await.expect(403);
    }
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn a_member_is_not_found_through_another_organization() {
    let world = World::acme().await;
    let dana = world.member("acme", "dana");
    let through = format!("/api/0/organizations/globex/members/{dana}/");
    let greta = world.of("greta");
    greta.get(&through).await.expect(404);
    greta.put(&through, &json!({"orgRole": "owner"})).await.expect(404);
    greta.delete(&through).await.expect(404);
    greta.get(&format!("{through}events/")).await.expect(404);
}

#[tokio::test]
async fn an_integration_token_works_in_its_own_organization_only() {
    let world = World::acme().await;
    let machine = world.with("acme-integration");
    machine.get("/api/0/organizations/acme/members/").await.expect(200);
    machine.get("/api/0/organizations/globex/members/").await.expect(403);
    machine.get("/api/0/organizations/globex/events/").await.expect(403);
}

#[tokio::test]
async fn the_history_of_one_organization_has_no_event_of_another() {
    let world = World::acme().await;
    let own = world.organization("globex").to_string();
    let page =
        world.of("greta").get("/api/0/organizations/globex/events/?limit=1000").await.expect(200).json();
    let events = page["events"].as_array().unwrap();
    assert!(events.len() >= 3);
    assert!(events.iter().all(|event| event["organization"] == json!(own)));
}

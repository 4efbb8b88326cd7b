//! GET teams.

use serde_json::{Value, json};

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

fn slugs(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|team| team["slug"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn teams_are_searched_by_text_slug_and_id() {
    let world = World::acme().await;
    let (bob, teams) = (world.of("bob"), "/api/0/organizations/acme/teams/");
    let all = bob.get(teams).await.expect(200).json();
    let id = all[1]["id"].as_str().unwrap();
    for (query, found) in [
        ("", vec!["core", "infra", "web"]),
        ("R", vec!["core", "infra"]),
        ("e%20b", vec![]),
        ("%25", vec![]),
        ("slug:web%20slug:core", vec!["core", "web"]),
        ("slug:web%20e", vec!["web"]),
        ("slug:web%20o", vec![]),
        (&format!("id:{id}"), vec!["infra"]),
        (&format!("id:{id}%20id:99999999999999999999"), vec!["infra"]),
        ("id:99999999999999999999", vec![]),
        ("nonsense:x", vec![]),
        (&format!("nonsense:x%20id:{id}"), vec![]),
        (&"x".repeat(5000), vec![]),
    ] {
        let seen = bob.get(&format!("{teams}?query={query}")).await.expect(200).json();
        assert_eq!(slugs(&seen), found, "{query}");
    }
    for query in ["id:abc", "id:", "id:-1", "id:1x"] {
        let refused = bob.get(&format!("{teams}?query={query}")).await.expect(400).json();
        assert_eq!(refused, json!({"detail": "Invalid id value"}), "{query}");
    }
}

#[tokio::test]
async fn a_list_is_detailed_unless_it_is_not_wanted() {
    let world = World::acme().await;
    let bob = world.of("bob");
    let teams = "/api/0/organizations/acme/teams/";
    let seen = bob.get(teams).await.expect(200).json();
    assert_eq!((&seen[0]["projects"], &seen[0]["externalTeams"]), (&json!([]), &json!([])));
    let seen = bob.get(&format!("{teams}?detailed=0")).await.expect(200).json();
    assert!(seen[0].get("projects").is_none() && seen[0].get("externalTeams").is_none());
    assert!(seen[0].get("organization").is_none());
}

#[tokio::test]
async fn the_teams_of_a_user_are_those_that_he_is_on() {
    let world = World::acme().await;
    let own = "/api/0/organizations/acme/user-teams/";
    assert_eq!(slugs(&world.of("dana").get(own).await.expect(200).json()), ["core", "infra", "web"]);
    let seen = world.of("bob").get(own).await.expect(200).json();
    assert_eq!((slugs(&seen), &seen[0]["projects"]), (vec!["core"], &json!([])));
    assert_eq!(world.of("alice").get(own).await.expect(200).json(), json!([]));
    assert_eq!(slugs(&world.of("root").get(own).await.expect(200).json()), ["core", "infra", "web"]);
    let refused = world.with("acme-integration").get(own).await.expect(400).json();
    assert_eq!(refused, json!({"detail": "This endpoint is restricted to user tokens."}));
    world.of("greta").get(own).await.expect(403);
    world.anonymous().get(own).await.expect(401);
    world.of("bob").get("/api/0/organizations/nobody/user-teams/").await.expect(404);
}

#[tokio::test]
async fn the_members_of_a_team_are_listed_by_address() {
    let mut builder = World::acme_builder().await;
    builder.person_with("zoe", |zoe| zoe.emails = vec![("Anna@example.com".into(), true)]).await;
    builder.member("acme", "zoe", "member", &[("core", None)]).await;
    builder.person_with("ina", |ina| ina.active = false).await;
    builder.member("acme", "ina", "member", &[("core", None)]).await;
    let world = builder.serve().await;
    let (bob, members) = (world.of("bob"), "/api/0/teams/acme/core/members/");
    let seen = bob.get(members).await.expect(200).json();
    let emails: Vec<_> = seen.as_array().unwrap().iter().map(|row| row["email"].clone()).collect();
    assert_eq!(emails, ["Anna@example.com", "bob@example.com", "dana@example.com"]);
    assert_eq!((&seen[1]["teamRole"], &seen[2]["teamRole"]), (&json!(null), &json!("admin")));
    assert_eq!((&seen[2]["teamSlug"], &seen[2]["orgRole"]), (&json!("core"), &json!("member")));
    let page = bob.get(&format!("{members}?per_page=2&cursor=0:2:0")).await.expect(200);
    assert_eq!(page.json()[0]["email"], "dana@example.com");
    assert!(page.header("link").unwrap().contains("rel=\"next\"; results=\"false\""));
    let page = bob.get(&format!("{members}?per_page=2")).await.expect(200);
    assert_eq!(page.json().as_array().unwrap().len(), 2);
    assert!(page.header("link").unwrap().contains("rel=\"next\"; results=\"true\""));
    assert_eq!(bob.get(&format!("{members}?cursor=0:999:0")).await.expect(200).json(), json!([]));
    bob.get("/api/0/teams/acme/nope/members/").await.expect(404);
    world.of("greta").get(members).await.expect(403);
    world.of("greta").get("/api/0/teams/globex/core/members/").await.expect(404);
}

//! POST, GET, PUT and DELETE of teams.

use serde_json::{Value, json};

use crate::support::World;

const TEAMS: &str = "/api/0/organizations/acme/teams/";

/// `acme`, and `initech` of hugo with a team of the identity provider.
async fn with_provider() -> World {
    let mut builder = World::acme_builder().await;
    builder.person("hugo").await;
    builder
        .organization_with("initech", "hugo", &["managed", "free"], |initech| {
            initech.teams[0].idp_provisioned = true;
        })
        .await;
    builder.serve().await
}

#[tokio::test]
async fn who_creates_a_team_is_on_it() {
    let world = World::acme().await;
    let adam = world.of("adam");
    let before = world.head().await;
    let created = adam.post(TEAMS, &json!({"name": "Site Reliability"})).await.expect(201);
    let team = created.json();
    assert_eq!(
        (&team["slug"], &team["name"], &team["isMember"], &team["memberCount"], &team["teamRole"]),
        (&json!("site-reliability"), &json!("Site Reliability"), &json!(true), &json!(1), &json!("admin"))
    );
    assert_eq!((&team["hasAccess"], &team["isPending"]), (&json!(true), &json!(false)));
    assert_eq!(created.header("etag"), Some("\"1\""));
    assert_eq!(world.types_after(before).await, ["TeamCreated", "TeamAssigned"]);
    let path = format!("/api/0/teams/acme/{}/", team["id"].as_str().unwrap());
    let seen = adam.get(&path).await.expect(200).json();
    assert_eq!((&seen["slug"], &seen["memberCount"]), (&json!("site-reliability"), &json!(1)));
}

#[tokio::test]
async fn a_token_and_a_superuser_create_teams_that_nobody_is_on() {
    let world = World::acme().await;
    for (client, slug) in [(world.with("acme-integration"), "one"), (world.of("root"), "two")] {
        let team = client.post(TEAMS, &json!({"slug": slug})).await.expect(201).json();
        assert_eq!((&team["isMember"], &team["memberCount"]), (&json!(false), &json!(0)));
        assert_eq!(team["name"], slug);
    }
}

#[tokio::test]
async fn a_slug_is_one_teams_only() {
    let world = World::acme().await;
    let (alice, before) = (world.of("alice"), world.head().await);
    let taken = json!({
        "non_field_errors": ["A team with this slug already exists."],
        "detail": "A team with this slug already exists.",
    });
    assert_eq!(alice.post(TEAMS, &json!({"slug": "core"})).await.expect(409).json(), taken);
    assert_eq!(alice.post(TEAMS, &json!({"name": "Core"})).await.expect(409).json(), taken);
    let refused = alice.put("/api/0/teams/acme/web/", &json!({"slug": "core"})).await.expect(400).json();
    assert_eq!(refused, json!({"slug": ["The slug \"core\" is already in use."]}));
    assert_eq!(world.head().await, before);
    world.of("greta").post("/api/0/organizations/globex/teams/", &json!({"slug": "core"})).await.expect(201);
}

#[tokio::test]
async fn bodies_that_make_no_sense_name_the_field() {
    let world = World::acme().await;
    let (alice, before) = (world.of("alice"), world.head().await);
    let web = "/api/0/teams/acme/web/";
    for (body, field) in [
        (json!({}), "non_field_errors"),
        (json!({"slug": null, "name": null}), "non_field_errors"),
        (json!({"slug": "", "name": " "}), "non_field_errors"),
        (json!({"slug": "Upper"}), "slug"),
        (json!({"slug": "123"}), "slug"),
        (json!({"slug": ["web"]}), "slug"),
        (json!({"slug": "x".repeat(51)}), "slug"),
        (json!({"name": "x".repeat(65)}), "name"),
        (json!({"name": {"a": 1}}), "name"),
        (json!({"name": "nul\u{0}"}), "name"),
        (json!({"name": "\u{65e5}\u{672c}"}), "name"),
    ] {
        let refused = alice.post(TEAMS, &body).await.expect(400).json();
        assert!(refused[field].is_array(), "{body}: {refused}");
    }
    for (body, field) in [
        (json!({"slug": null}), "slug"),
        (json!({"slug": ""}), "slug"),
        (json!({"slug": "-a"}), "slug"),
        (json!({"name": ""}), "name"),
        (json!({"name": true}), "name"),
    ] {
        let refused = alice.put(web, &body).await.expect(400).json();
        assert!(refused[field].is_array(), "{body}: {refused}");
    }
    for body in [json!([]), json!("web"), json!(7)] {
        alice.post(TEAMS, &body).await.expect(400);
        alice.put(web, &body).await.expect(400);
    }
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn a_team_is_seen_with_its_organization() {
    let world = World::acme().await;
    let bob = world.of("bob");
    let seen = bob.get("/api/0/teams/acme/core/").await.expect(200).json();
    assert_eq!(
        (&seen["slug"], &seen["isMember"], &seen["organization"]["slug"]),
        (&json!("core"), &json!(true), &json!("acme"))
    );
    let seen = bob.get("/api/0/teams/acme/core/?collapse=organization").await.expect(200).json();
    assert!(seen.get("organization").is_none());
    bob.get("/api/0/teams/acme/nope/").await.expect(404);
    bob.get("/api/0/teams/acme/12345/").await.expect(404);
    bob.get("/api/0/teams/acme/99999999999999999999999/").await.expect(404);
    bob.get("/api/0/teams/globex/core/").await.expect(404);
    world.of("greta").get("/api/0/teams/acme/core/").await.expect(403);
    world.anonymous().get("/api/0/teams/acme/core/").await.expect(401);
}

#[tokio::test]
async fn a_team_of_another_organization_is_not_found_by_its_id() {
    let world = World::acme().await;
    let core = world.of("bob").get("/api/0/teams/acme/core/").await.expect(200).json();
    let through = format!("/api/0/teams/globex/{}/", core["id"].as_str().unwrap());
    let greta = world.of("greta");
    greta.get(&through).await.expect(404);
    greta.put(&through, &json!({"name": "Mine"})).await.expect(404);
    greta.delete(&through).await.expect(404);
    greta.get(&format!("{through}members/")).await.expect(404);
}

#[tokio::test]
async fn name_and_slug_change_and_what_stays_is_no_event() {
    let world = World::acme().await;
    let dana = world.of("dana");
    let before = world.head().await;
    let core = "/api/0/teams/acme/core/";
    let changed = dana.put(core, &json!({"name": "The Core", "slug": "the-core"})).await.expect(200);
    assert_eq!(
        (&changed.json()["name"], &changed.json()["slug"], &changed.json()["teamRole"]),
        (&json!("The Core"), &json!("the-core"), &json!("admin"))
    );
    assert_eq!(world.types_after(before).await, ["TeamRenamed", "TeamSlugChanged"]);
    let head = world.head().await;
    for body in [json!({}), json!({"name": "The Core"}), json!({"slug": "the-core"})] {
        dana.put("/api/0/teams/acme/the-core/", &body).await.expect(200);
    }
    assert_eq!(world.head().await, head);
    dana.get(core).await.expect(404);
    world.of("alice").post(TEAMS, &json!({"slug": "core"})).await.expect(201);
    world.of("bob").put("/api/0/teams/acme/the-core/", &json!({"name": "x"})).await.expect(403);
    world.of("bob").delete("/api/0/teams/acme/the-core/").await.expect(403);
}

#[tokio::test]
async fn a_deleted_team_is_gone_at_once_and_its_slug_is_free() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let core = "/api/0/teams/acme/core/";
    let id = alice.get(core).await.expect(200).json()["id"].as_str().unwrap().to_owned();
    let by_id = format!("/api/0/teams/acme/{id}/");
    let before = world.head().await;
    alice.delete(core).await.expect(204);
    alice.delete(&by_id).await.expect(204);
    assert_eq!(world.types_after(before).await[0], "TeamDeleted");
    for path in [core, &by_id] {
        alice.get(path).await.expect(404);
        alice.put(path, &json!({"name": "x"})).await.expect(404);
        alice.get(&format!("{path}members/")).await.expect(404);
    }
    alice.delete(core).await.expect(404);
    let teams = alice.get(TEAMS).await.expect(200).json();
    assert!(teams.as_array().unwrap().iter().all(|team| team["slug"] != "core"));
    let bob = alice.get(&world.path("acme", "bob")).await.expect(200).json();
    assert_eq!((&bob["teams"], &bob["teamRoles"]), (&json!([]), &json!([])));
    assert_eq!(
        world.of("bob").get("/api/0/organizations/acme/user-teams/").await.expect(200).json(),
        json!([])
    );
    let of_bob = world.path("acme", "bob");
    for team in ["core", &id] {
        let path = format!("{of_bob}teams/{team}/");
        alice.get(&path).await.expect(404);
        alice.post(&path, &json!({})).await.expect(404);
        alice.put(&path, &json!({"teamRole": "admin"})).await.expect(404);
        alice.delete(&path).await.expect(404);
    }
    let refused = alice.put(&of_bob, &json!({"teams": ["core"]})).await.expect(400).json();
    assert_eq!(refused, json!({"teams": ["Invalid teams"]}));
    let again = alice.post(TEAMS, &json!({"slug": "core"})).await.expect(201).json();
    assert_ne!(again["id"], Value::String(id));
    assert_eq!(again["memberCount"], 1);
}

#[tokio::test]
async fn a_team_of_the_identity_provider_is_left_alone() {
    let world = with_provider().await;
    let hugo = world.of("hugo");
    let managed = json!({"detail": "This team is managed through your organization's identity provider."});
    let path = "/api/0/teams/initech/managed/";
    assert_eq!(hugo.put(path, &json!({"name": "x"})).await.expect(403).json(), managed);
    assert_eq!(hugo.delete(path).await.expect(403).json(), managed);
    let membership = "/api/0/organizations/initech/members/me/teams/managed/";
    assert_eq!(hugo.post(membership, &json!({})).await.expect(403).json(), managed);
    assert_eq!(hugo.delete(membership).await.expect(403).json(), managed);
    let seen = hugo.get(path).await.expect(200).json();
    assert_eq!(seen["flags"]["idp:provisioned"], true);
    hugo.delete("/api/0/teams/initech/free/").await.expect(204);
}

#[tokio::test]
async fn a_repetition_is_answered_like_the_first_request() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let keyed = [("Idempotency-Key", "k1")];
    let body = json!({"name": "New"});
    let first = alice.post_with(TEAMS, &body, &keyed).await.expect(201);
    let head = world.head().await;
    let second = alice.post_with(TEAMS, &body, &keyed).await.expect(201);
    assert_eq!((&first.json()["id"], world.head().await), (&second.json()["id"], head));
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(second.json(), first.json());
    alice.post_with(TEAMS, &json!({"name": "Other"}), &keyed).await.expect(422);

    let (path, keyed) = ("/api/0/teams/acme/new/", [("Idempotency-Key", "k2")]);
    alice.put_with(path, &json!({"name": "Newer"}), &keyed).await.expect(200);
    let again = alice.put_with(path, &json!({"name": "Newer"}), &keyed).await.expect(200);
    assert_eq!((&again.json()["name"], again.header("idempotent-replayed")), (&json!("Newer"), Some("true")));

    let keyed = [("Idempotency-Key", "k3")];
    alice.delete_with(path, &keyed).await.expect(204);
    let again = alice.delete_with(path, &keyed).await.expect(204);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    alice.delete(path).await.expect(404);
}

#[tokio::test]
async fn a_team_that_has_changed_is_not_changed_by_who_has_not_seen_it() {
    let world = World::acme().await;
    let (alice, web) = (world.of("alice"), "/api/0/teams/acme/web/");
    let tag = alice.get(web).await.expect(200).header("etag").unwrap().to_owned();
    let tagged = [("If-Match", tag.as_str())];
    alice.put_with(web, &json!({"name": "Web 2"}), &tagged).await.expect(200);
    alice.put_with(web, &json!({"name": "Web 3"}), &tagged).await.expect(412);
    alice.delete_with(web, &tagged).await.expect(412);
    let tag = alice.get(web).await.expect(200).header("etag").unwrap().to_owned();
    alice.delete_with(web, &[("If-Match", tag.as_str())]).await.expect(204);
}

//! Races on teams: what is answered with success holds, and nobody comes onto a team that is gone.

use std::collections::BTreeSet;

use muster_events::{event::Event, id::TeamId, member::MemberEvent, stream::Position, team::TeamEvent};
use serde_json::{Value, json};

use crate::support::{Answer, World};

const ROUNDS: usize = 40;
const TEAMS: &str = "/api/0/organizations/acme/teams/";

async fn closed() -> World {
    World::acme_with(&[("openMembership", json!(false))]).await.serve().await
}

fn on(world: &World, member: &str, team: &str) -> String {
    format!("{}teams/{team}/", world.path("acme", member))
}

fn statuses(answers: &[&Answer]) -> Vec<u16> {
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    statuses
}

async fn team_slugs(world: &World, member: &str) -> BTreeSet<String> {
    let seen = world.of("alice").get(&world.path("acme", member)).await.expect(200).json();
    seen["teams"].as_array().unwrap().iter().map(|slug| slug.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replacements_at_once_one_is_the_result() {
    let world = World::acme().await;
    let (alice, mallory, path) = (world.of("alice"), world.of("mallory"), world.path("acme", "dana"));
    let set = |slugs: &[&str]| slugs.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let (one, other) = (json!({"teams": ["core", "infra"]}), json!({"teams": ["web"]}));
    for round in 0..ROUNDS {
        let (first, second) = tokio::join!(alice.put(&path, &one), mallory.put(&path, &other));
        assert_eq!(statuses(&[&first, &second]), [200, 200], "round {round}");
        let teams = team_slugs(&world, "dana").await;
        assert!([set(&["core", "infra"]), set(&["web"])].contains(&teams), "round {round}: {teams:?}");
    }
}

/// The positions at which the team was deleted, and at which somebody came onto it.
async fn deleted_and_assigned(world: &World, team: TeamId, after: u64) -> (Vec<u64>, Vec<u64>) {
    let (mut deleted, mut assigned) = (vec![], vec![]);
    let events = world.deployment.ledger.store().read_all(Position(after), 1000).await.unwrap();
    for stored in events {
        match &*stored.event().unwrap() {
            Event::Team(TeamEvent::TeamDeleted { .. }) if stored.stream == team.into() => {
                deleted.push(stored.position.0);
            }
            Event::Member(MemberEvent::TeamAssigned { team: joined, .. }) if *joined == team => {
                assigned.push(stored.position.0);
            }
            _ => {}
        }
    }
    (deleted, assigned)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_comes_onto_a_team_after_its_deletion() {
    let world = closed().await;
    let (alice, mallory, root) = (world.of("alice"), world.of("mallory"), world.of("root"));
    let (bob, dana, adam) = (world.of("bob"), world.path("acme", "dana"), world.of("adam"));
    for round in 0..ROUNDS {
        let slug = format!("brief-{round}");
        let team = root.post(TEAMS, &json!({"slug": slug})).await.expect(201).json();
        let id = team["id"].as_str().unwrap();
        bob.post(&on(&world, "bob", id), &json!({})).await.expect(202);
        let request =
            format!("/api/0/organizations/acme/access-requests/{}-{id}/", world.member("acme", "bob"));
        let before = world.head().await;
        let (deletion, of_adam, of_dana, of_mallory, yes) = (
            format!("/api/0/teams/acme/{id}/"),
            on(&world, "adam", id),
            json!({"teams": [slug]}),
            on(&world, "mallory", id),
            json!({"isApproved": true}),
        );
        let empty = json!({});
        let (gone, joined, replaced, added, granted) = tokio::join!(
            alice.delete(&deletion),
            mallory.post(&of_mallory, &empty),
            mallory.put(&dana, &of_dana),
            root.post(&of_adam, &empty),
            alice.put(&request, &yes),
        );
        assert_eq!(gone.status, 204, "{gone:?}");
        for answer in [&joined, &added] {
            assert!([201, 404].contains(&answer.status), "round {round}: {answer:?}");
        }
        assert!([200, 400].contains(&replaced.status), "round {round}: {replaced:?}");
        assert!([204, 404].contains(&granted.status), "round {round}: {granted:?}");
        let (deleted, assigned) = deleted_and_assigned(&world, id.parse().unwrap(), before).await;
        assert_eq!(deleted.len(), 1, "round {round}");
        assert!(assigned.iter().all(|position| *position < deleted[0]), "round {round}: {assigned:?}");
        let done = [joined.status == 201, replaced.status == 200, added.status == 201, granted.status == 204];
        assert_eq!(assigned.len(), done.iter().filter(|done| **done).count(), "round {round}");
        adam.post(&of_adam, &empty).await.expect(404);
        for member in ["adam", "bob", "dana", "mallory"] {
            assert!(!team_slugs(&world, member).await.contains(&slug), "round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_twice_at_once_is_on_the_team_once() {
    let world = World::acme().await;
    let (bob, alice) = (world.of("bob"), world.of("alice"));
    let (path, empty) = (on(&world, "bob", "web"), json!({}));
    for round in 0..ROUNDS {
        let before = world.head().await;
        let (one, other) = tokio::join!(bob.post(&path, &empty), alice.post(&path, &empty));
        assert_eq!(statuses(&[&one, &other]), [201, 204], "round {round}");
        assert_eq!(world.types_after(before).await, ["TeamAssigned"], "round {round}");
        let before = world.head().await;
        let (one, other) = tokio::join!(bob.delete(&path), alice.delete(&path));
        assert_eq!(statuses(&[&one, &other]), [200, 200], "round {round}");
        assert_eq!(world.types_after(before).await, ["TeamUnassigned"], "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_twice_at_once_is_on_record_once_and_is_answered_once() {
    let world = closed().await;
    let (bob, dana, alice, mallory) =
        (world.of("bob"), world.of("dana"), world.of("alice"), world.of("mallory"));
    let (path, empty) = (on(&world, "bob", "web"), json!({}));
    let team = alice.get("/api/0/teams/acme/web/").await.expect(200).json();
    let id = format!("{}-{}", world.member("acme", "bob"), team["id"].as_str().unwrap());
    let request = format!("/api/0/organizations/acme/access-requests/{id}/");
    let said = |is_approved: bool| json!({"isApproved": is_approved});
    for round in 0..ROUNDS {
        let before = world.head().await;
        let (one, other) = tokio::join!(bob.post(&path, &empty), dana.post(&path, &empty));
        assert_eq!(statuses(&[&one, &other]), [202, 202], "round {round}");
        assert_eq!(world.types_after(before).await, ["TeamAccessRequested"], "round {round}");

        let before = world.head().await;
        let (yes, no): (Value, Value) = (said(true), said(false));
        let (granted, denied) = tokio::join!(alice.put(&request, &yes), mallory.put(&request, &no));
        assert_eq!(statuses(&[&granted, &denied]), [204, 404], "round {round}");
        let is_on = team_slugs(&world, "bob").await.contains("web");
        assert_eq!(is_on, granted.status == 204, "round {round}");
        let expected: &[&str] =
            if is_on { &["TeamAccessApproved", "TeamAssigned"] } else { &["TeamAccessDenied"] };
        assert_eq!(world.types_after(before).await, expected, "round {round}");
        alice.delete(&path).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slug_that_two_want_at_once_is_ones() {
    let world = World::acme().await;
    let (alice, mallory) = (world.of("alice"), world.of("mallory"));
    for round in 0..ROUNDS {
        let body = json!({"slug": format!("wanted-{round}")});
        let (one, other) = tokio::join!(alice.post(TEAMS, &body), mallory.post(TEAMS, &body));
        assert_eq!(statuses(&[&one, &other]), [201, 409], "round {round}");
        let team = if one.status == 201 { one.json() } else { other.json() };
        let path = format!("/api/0/teams/acme/{}/", team["id"].as_str().unwrap());
        let before = world.head().await;
        let (one, other) = tokio::join!(alice.delete(&path), mallory.delete(&path));
        assert_eq!(statuses(&[&one, &other]), [204, 204], "round {round}");
        let deletions = world.types_after(before).await;
        assert_eq!(deletions.iter().filter(|kind| *kind == "TeamDeleted").count(), 1, "round {round}");
    }
}

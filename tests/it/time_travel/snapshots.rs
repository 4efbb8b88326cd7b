//! States of the past that are kept on the way: they spare work, and change no answer.

use std::{collections::BTreeMap, sync::Arc};

use muster::history::History;
use muster_events::stream::Position;
use muster_projections::{members, organizations, sink::Rows, teams, users, views::Views};
use reqwest::Method;
use serde_json::json;

use crate::support::{Random, World, seed};

/// As often as the size of the organization lets it.
const EVERY: usize = 1;

fn plain(world: &World) -> History {
    let ledger = &world.deployment.ledger;
    History::new(Arc::clone(ledger.store()), ledger.keys().clone())
}

/// One that has nothing in memory yet.
fn keeping(world: &World) -> History {
    plain(world).with_snapshots_every(world.deployment.views.clone(), EVERY)
}

/// All rows of acme when `position` was the end of the log.
async fn rows(world: &World, history: &History, position: u64) -> BTreeMap<&'static str, Rows> {
    let past = history.past(world.organization("acme"), Position(position)).await.unwrap();
    let all = [&organizations::PROJECTION, &teams::PROJECTION, &members::PROJECTION, &users::PROJECTION]
        .into_iter();
    let mut rows = BTreeMap::new();
    for table in all.flat_map(|projection| projection.tables) {
        rows.insert(table.name, past.views.rows(table).await.unwrap());
    }
    rows
}

async fn kept(world: &World) -> Vec<Position> {
    let views: &Views = &world.deployment.views;
    views.snapshots(world.organization("acme")).await.unwrap()
}

/// A world in which much has happened; somebody has left and come back, somebody's account was closed for a while.
async fn lived() -> World {
    let world = World::acme().await;
    let (alice, root) = (world.of("alice"), world.of("root"));
    let (dana, adam) = (world.path("acme", "dana"), format!("/api/0/users/{}/", world.user("adam")));
    for round in 0..90 {
        let role = ["manager", "member"][round % 2];
        alice.put(&dana, &json!({"orgRole": role})).await.expect(200);
        match round {
            20 => drop(alice.delete(&world.path("acme", "bob")).await.expect(204)),
            30 | 60 => drop(root.put(&adam, &json!({"active": round == 60})).await.expect(200)),
            40 => {
                let invited = json!({"email": "bob@example.com", "orgRole": "member"});
                alice.post("/api/0/organizations/acme/members/", &invited).await.expect(201);
            }
            50 => drop(alice.delete("/api/0/teams/acme/infra/").await.expect(204)),
            70 => drop(root.put(&adam, &json!({"name": "Adam the Second"})).await.expect(200)),
            _ => {}
        }
    }
    world
}

#[tokio::test]
async fn a_state_that_is_gone_on_from_gives_what_the_whole_history_gives() {
    let world = lived().await;
    let (head, plain) = (world.head().await, plain(&world));
    assert_eq!(kept(&world).await, []);
    assert_eq!(rows(&world, &keeping(&world), head).await, rows(&world, &plain, head).await);
    let on_the_way = kept(&world).await;
    assert!(on_the_way.len() >= 2, "{on_the_way:?}");
    assert!(on_the_way.iter().all(|at| at.0 <= head), "{on_the_way:?}");
    let mut random = Random::of(seed(), 0);
    for _ in 0..40 {
        let position = 1 + random.below(usize::try_from(head).unwrap()) as u64;
        let expected = rows(&world, &plain, position).await;
        assert_eq!(rows(&world, &keeping(&world), position).await, expected, "at {position}");
    }

    let renamed = "UPDATE snapshots SET tables = replace(tables, 'The acme', 'What was kept')";
    world.place.run_on_views(renamed).await;
    let shown = format!("{:?}", rows(&world, &keeping(&world), head).await["organizations"]);
    assert!(shown.contains("What was kept"), "it is not folded from the beginning: {shown}");
}

#[tokio::test]
async fn a_state_that_cannot_be_used_costs_nothing_but_the_whole_history() {
    let world = lived().await;
    let head = world.head().await;
    let expected = rows(&world, &plain(&world), head).await;
    rows(&world, &keeping(&world), head).await;
    for damage in [
        "UPDATE snapshots SET tables = '{'",
        "UPDATE snapshots SET tables = '{\"members\": [[1, 2]]}'",
        "UPDATE snapshots SET tables = '{\"from_the_future\": []}'",
        "UPDATE snapshots SET tables = replace(tables, 'The acme', 'Wrong'), made_by = 'another version'",
        "DROP TABLE snapshots",
    ] {
        world.place.run_on_views(damage).await;
        assert_eq!(rows(&world, &keeping(&world), head).await, expected, "{damage}");
    }
}

#[tokio::test]
async fn what_other_versions_kept_is_forgotten() {
    let world = lived().await;
    let head = world.head().await;
    rows(&world, &keeping(&world), head).await;
    let before = kept(&world).await;
    world
        .place
        .run_on_views("UPDATE snapshots SET made_by = 'another version', position = position + 100000")
        .await;
    rows(&world, &keeping(&world), head).await;
    assert_eq!(kept(&world).await, before);
}

#[tokio::test]
async fn an_erased_person_is_erased_in_what_was_kept() {
    let world = lived().await;
    let position = world.head().await;
    rows(&world, &keeping(&world), position).await;
    let root = world.of("root");
    root.request(Method::DELETE, &format!("/api/0/users/{}/", world.user("adam"))).send().await.unwrap();
    let path = format!("{}?as_of={position}", world.path("acme", "adam"));
    let shown = world.of("alice").get(&path).await.expect(200).json();
    assert_eq!(shown["email"], "[erased]");
}

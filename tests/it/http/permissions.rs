//! Who may ask what: every endpoint for every kind of caller. An endpoint that has no row here fails.
//!
//! To add one: a line in `ENDPOINTS`, and what stands for a new place of its path in [`place`].

use std::collections::BTreeSet;

use muster_events::token::TokenOwner;
use reqwest::Method;
use serde_json::Value;

use crate::support::{Client, World, described};

/// The callers, in the order of the columns. All are of `acme`, but the stranger, who is an owner elsewhere, and root.
const CALLERS: [&str; 9] =
    ["nobody", "stranger", "member", "admin", "manager", "owner", "superuser", "limited", "integration"];

/// An endpoint, a body that changes as little as it can, and what each of the [`CALLERS`] is answered.
struct Endpoint(&'static str, &'static str, &'static str, [u16; 9]);

/// What is asked of a member is asked of one whom the caller does not know otherwise.
#[rustfmt::skip]
const ENDPOINTS: &[Endpoint] = &[
    //                                                              nobody stranger member admin manager owner superuser limited integration
    Endpoint("GET",    "/api/0/organizations/{organization}/",                         "",   [401, 403, 200, 200, 200, 200, 200, 403, 200]),
    Endpoint("GET",    "/api/0/organizations/{organization}/audit-logs/",              "",   [401, 403, 403, 403, 200, 200, 200, 403, 200]),
    Endpoint("GET",    "/api/0/organizations/{organization}/events/",                  "",   [401, 403, 403, 403, 200, 200, 200, 403, 200]),
    Endpoint("GET",    "/api/0/organizations/{organization}/members/",                 "",   [401, 403, 200, 200, 200, 200, 200, 403, 200]),
    Endpoint("GET",    "/api/0/organizations/{organization}/members/{member}/",        "",   [401, 403, 200, 200, 200, 200, 200, 403, 200]),
    Endpoint("PUT",    "/api/0/organizations/{organization}/members/{member}/",        "{}", [401, 403, 403, 403, 200, 200, 200, 403, 400]),
    Endpoint("DELETE", "/api/0/organizations/{organization}/members/{member}/",        "",   [401, 403, 400, 400, 204, 204, 204, 403, 400]),
    Endpoint("GET",    "/api/0/organizations/{organization}/members/{member}/events/", "",   [401, 403, 403, 403, 200, 200, 200, 403, 200]),
    Endpoint("GET",    "/api/0/organizations/{organization}/teams/",                   "",   [401, 403, 200, 200, 200, 200, 200, 403, 200]),
    Endpoint("GET",    "/healthz",                                                     "",   [200, 200, 200, 200, 200, 200, 200, 200, 200]),
    Endpoint("GET",    "/metrics",                                                     "",   [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    Endpoint("GET",    "/readyz",                                                      "",   [200, 200, 200, 200, 200, 200, 200, 200, 200]),
];

/// What stands for a place of a path when the caller of column `column` asks. Each has a member of his own, so that
/// what one of them does takes nothing from the next.
fn place(world: &World, name: &str, column: usize) -> String {
    match name {
        "organization" => "acme".into(),
        "member" => world.member("acme", &format!("other{column}")).to_string(),
        other => panic!("say in `place` what stands for {{{other}}}"),
    }
}

async fn world() -> World {
    let mut builder = World::acme_builder().await;
    for column in 0..CALLERS.len() {
        let key = format!("other{column}");
        builder.person(&key).await;
        builder.member("acme", &key, "member", &[("core", None)]).await;
    }
    let owner = builder.person("second").await;
    builder.member("acme", "second", "owner", &[]).await;
    builder.token("limited", TokenOwner::User(owner), Some(&["alerts:read"])).await;
    builder.serve().await
}

fn client(world: &World, caller: &str) -> Client {
    match caller {
        "nobody" => world.anonymous(),
        "stranger" => world.of("greta"),
        "member" => world.of("bob"),
        "admin" => world.of("adam"),
        "manager" => world.of("mallory"),
        "owner" => world.of("alice"),
        "superuser" => world.of("root"),
        "limited" => world.with("limited"),
        "integration" => world.with("acme-integration"),
        other => panic!("who is {other}?"),
    }
}

fn path(world: &World, template: &str, column: usize) -> String {
    let mut path = String::new();
    for part in template.split_inclusive('/') {
        match part.strip_prefix('{').and_then(|part| part.split_once('}')) {
            Some((name, rest)) => path.extend([&place(world, name, column), rest]),
            None => path.push_str(part),
        }
    }
    path
}

/// What differs from the row.
async fn faults(world: &World, Endpoint(method, template, body, expected): &Endpoint) -> Vec<String> {
    let method: Method = method.parse().unwrap();
    let mut faults = vec![];
    for (column, (caller, expected)) in CALLERS.iter().zip(expected).enumerate() {
        let request = client(world, caller).request(method.clone(), &path(world, template, column));
        let request = match *body {
            "" => request,
            body => request.json(&serde_json::from_str::<Value>(body).unwrap()),
        };
        let answer = Client::send(request).await;
        if answer.status != *expected {
            let (status, text) = (answer.status, answer.text);
            faults
                .push(format!("{method} {template}: {caller} is answered {status}, not {expected}: {text}"));
        }
    }
    faults
}

#[tokio::test]
async fn every_read_is_answered_to_whom_it_may_be() {
    let world = world().await;
    let mut broken = vec![];
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.0 == "GET") {
        broken.extend(faults(&world, endpoint).await);
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[tokio::test]
async fn every_command_is_carried_out_for_whom_it_may_be() {
    let mut broken = vec![];
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.0 != "GET") {
        broken.extend(faults(&world().await, endpoint).await);
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_endpoint_has_a_row() {
    let described: BTreeSet<_> =
        described::endpoints().into_iter().map(|(method, path)| (method.to_string(), path)).collect();
    let rows: BTreeSet<_> = ENDPOINTS.iter().map(|row| (row.0.to_owned(), row.1.to_owned())).collect();
    let missing: Vec<_> = described.difference(&rows).collect();
    assert!(missing.is_empty(), "these endpoints have no row in ENDPOINTS: {missing:#?}");
    let unknown: Vec<_> = rows.difference(&described).collect();
    assert!(unknown.is_empty(), "these rows have no endpoint: {unknown:#?}");
    assert_eq!(rows.len(), ENDPOINTS.len(), "an endpoint has two rows");
}

#[test]
fn every_endpoint_of_the_router_is_described() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/router.rs");
    let text = std::fs::read_to_string(source).unwrap();
    let by_hand = [".route(", ".route_service(", ".nest(", ".nest_service(", ".fallback("];
    let found: Vec<_> = by_hand.iter().filter(|call| text.contains(**call)).collect();
    assert!(found.is_empty(), "router.rs calls {found:?}: only `routes!` describes what it adds");
    assert!(text.matches("routes!(").count() > 5, "the rule sees nothing");
}

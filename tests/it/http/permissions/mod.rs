//! Who may ask what: every endpoint for every kind of caller. An endpoint that has no row here fails.
//!
//! To add one: a line in [`table::ENDPOINTS`], and what stands for a new place of its path in [`Stage::place`].

mod stage;
mod table;

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use self::{
    stage::Stage,
    table::{CALLERS, ENDPOINTS, Endpoint},
};
use crate::support::{Client, described};

/// What differs from the row.
async fn faults(stage: &Stage, Endpoint(method, template, body, expected): &Endpoint) -> Vec<String> {
    let method: Method = method.parse().unwrap();
    let mut faults = vec![];
    for (column, (caller, expected)) in CALLERS.iter().zip(expected).enumerate() {
        let request =
            stage.client(caller).request(method.clone(), &stage.fill(template, &method, column).await);
        let request = request.header("x-forwarded-for", format!("192.0.2.{}", column + 1));
        let request = match *body {
            "" => request,
            body => {
                let body = stage.fill(&body.replace('#', &column.to_string()), &method, column).await;
                request.json(&serde_json::from_str::<Value>(&body).unwrap())
            }
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
    let stage = Stage::set().await;
    let mut broken = vec![];
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.0 == "GET") {
        broken.extend(faults(&stage, endpoint).await);
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[tokio::test]
async fn every_command_is_carried_out_for_whom_it_may_be() {
    let mut broken = vec![];
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.0 != "GET") {
        broken.extend(faults(&Stage::set().await, endpoint).await);
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

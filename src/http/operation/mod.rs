//! What operators and their machines ask: is it alive, is it ready, what does it measure.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{app::App, problem::Problem};
use crate::{
    email, policies,
    subscription::{self, Status},
};

/// Whether the process is alive
#[utoipa::path(get, path = "/healthz", tag = "operation", security(()), responses((status = 200, description = "It is", body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether requests can be carried out
///
/// 503 only when the log, the keys or the views cannot be used; what is merely worse than it should be is named in
/// `degraded`.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    security(()),
    responses(
        (status = 200, description = "They can", body = Value),
        (status = 503, description = "They cannot", body = Value),
    )
)]
pub(super) async fn readyz(State(app): State<App>) -> Response {
    let mut failed = vec![];
    let head = app.ledger.store().head().await;
    if let Err(error) = &head {
        failed.push(format!("log: {error}"));
    }
    if let Err(error) = app.ledger.keys().refresh().await {
        failed.push(format!("keys: {error}"));
    }
    let status = app.read_models.status();
    let views = status.projections.iter().map(|view| {
        json!({
            "name": view.name,
            "version": view.rows_of,
            "position": view.checkpoint.0,
            "parked_streams": view.parked,
        })
    });
    let views = Value::Array(views.collect());
    if status.applied.is_none() {
        let why = status.trouble.as_ref().map_or("they were not opened yet", |trouble| &trouble.error);
        failed.push(format!("views: {why}"));
    }
    let policies = app.policies.borrow().clone();
    let sender = app.sender.as_ref().map(|sender| sender.borrow().clone());
    let ready = failed.is_empty();
    let body = json!({
        "ready": ready,
        "position": head.map(|head| head.position.0).ok(),
        "views": views,
        "policies": {"position": policies.position.map(|position| position.0)},
        "degraded": degraded(&status).chain(degraded_policies(&policies)).chain(sender.iter().filter_map(degraded_sender)).collect::<Vec<_>>(),
        "failed": failed,
    });
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(body)).into_response()
}

/// What is worse than it should be, one sentence each.
fn degraded(status: &Status) -> impl Iterator<Item = String> {
    let parked = status.projections.iter().filter(|view| view.parked > 0);
    let parked = parked.map(|view| format!("view {}: {} streams are parked", view.name, view.parked));
    let trouble = status
        .trouble
        .iter()
        .map(|trouble| format!("the views do not follow the log since {}: {}", trouble.since, trouble.error));
    let outdated = status.projections.iter().filter(|view| view.is_outdated()).map(|view| {
        let (name, rows_of, version) = (view.name, view.rows_of, view.version);
        format!("view {name}: rows of version {rows_of} are read until those of version {version} are built")
    });
    parked.chain(outdated).chain(trouble)
}

fn degraded_policies(status: &policies::Status) -> impl Iterator<Item = String> {
    let passed = (status.passed > 0)
        .then(|| format!("policies: {} commands were refused and will not be done", status.passed));
    let trouble = status.trouble.as_ref().map(|trouble| {
        format!("what follows from events is not done since {}: {}", trouble.since, trouble.error)
    });
    passed.into_iter().chain(trouble)
}

fn degraded_sender(status: &email::Status) -> Option<String> {
    let trouble = status.trouble.as_ref()?;
    Some(format!("no letters are sent since {}: {}", trouble.since, trouble.error))
}

/// Metrics in the form of Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    security(()),
    responses((status = 200, description = "The metrics", body = String), (status = 404, description = "This process records none"))
)]
pub(super) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let Some(handle) = &app.options.metrics else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "This process records no metrics."));
    };
    subscription::report_standing(&app.read_models.status());
    // What another process does and finds is told here too.
    if let (Ok(found), Ok(generations)) = (app.views().verifications().await, app.views().generations().await)
    {
        subscription::report_verifications(&found);
        subscription::report_rebuilds(&generations, app.applied());
    }
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], handle.render()).into_response())
}

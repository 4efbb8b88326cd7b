//! POST `organizations/{organization}/join-request/` (behaviour.md 4.6 and D26).

use std::time::{Duration, Instant};

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use muster_events::refusal::Refusal;

use super::body;
use crate::{
    clock::stopwatch,
    http::{
        app::App,
        body::{JsonObject, Text},
        described::OfOrganization,
        params::InPath,
        problem::Problem,
        request::About,
    },
    ledger::{ExecuteError, Turn, operations::AskToJoin},
};

/// Answers leave when a whole number of these has passed since the request came: long enough that what an address that is
/// not known costs more (a key, an event) is over within the same one.
const STEP: Duration = Duration::from_millis(100);

/// Who asks to be let in.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "email": "olga@example.com" }))]
#[expect(dead_code, reason = "describes the body; it is read field by field")]
pub(in crate::http) struct JoinBody {
    /// His address.
    email: Text,
}

/// Ask to be let in
///
/// Without a token. The answer is the same, and takes as long, whether or not the address is known in the organization;
/// for the same reason it names no position of the log. Every attempt counts, five a day from one address of the network.
/// An `Idempotency-Key` is not looked at: to ask again changes nothing.
#[utoipa::path(
    post,
    path = "/api/0/organizations/{organization}/join-request/",
    tag = "requests",
    params(OfOrganization),
    security(()),
    request_body(content = JoinBody),
    responses(
        (status = 204, description = "The organization has a request of this address, or need not have one"),
        (status = 400, description = "The address is not valid"),
        (status = 403, description = "The organization takes no requests, or is joined through its identity provider"),
        (status = 404, description = "There is no such organization"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 429, description = "It was tried too often today"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn join(
    State(app): State<App>,
    InPath(organization): InPath<String>,
    about: About,
    body: JsonObject,
) -> Result<Response, Problem> {
    let began = stopwatch();
    app.ledger.confirm().await?;
    let organization = app.ledger.find_organization(&organization).await?;
    let email = body::own_address(&body.fields);
    let operation = AskToJoin { organization, from: about.ip, email };
    let asked = app.ledger.execute(&operation, &about.anonymous(), Turn::unkeyed()).await;
    at_step(began).await;
    let wrong = match asked {
        Ok(outcome) => outcome.done().and_then(|executed| executed.answer),
        // Somebody else took the address, and again while it was decided anew: it is known.
        Err(ExecuteError::Refused { refusal: Refusal::AddressInOrganization, .. }) => None,
        // Without the position, by which a newcomer could be told from somebody who is known.
        Err(ExecuteError::Refused { refusal, .. }) => return Err(refusal.into()),
        Err(error) => return Err(error.into()),
    };
    match wrong {
        None => Ok(StatusCode::NO_CONTENT.into_response()),
        Some(error) => Err(Refusal::InvalidFields { errors: vec![error] }.into()),
    }
}

async fn at_step(began: Instant) {
    let into = began.elapsed().as_micros() % STEP.as_micros();
    let left = STEP.as_micros() - into;
    tokio::time::sleep(Duration::from_micros(u64::try_from(left).unwrap_or_default())).await;
}

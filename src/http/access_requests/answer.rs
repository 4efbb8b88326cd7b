//! PUT `organizations/{organization}/access-requests/{request}/` (behaviour.md 5.5).

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
};
use muster_events::member::team_membership::AccessAnswer;
use serde_json::{Map, Value};

use crate::{
    http::{
        app::App,
        auth::Bearer,
        body::{Flag, JsonObject, boolean},
        described::Safety,
        idempotency::{if_match, request_key},
        members::update::mark_replayed,
        names,
        params::InPath,
        problem::Problem,
        request::About,
        shapes::access_request::parse_request_id,
    },
    ledger::{Outcome, operations::AnswerAccessRequest},
};

/// What a PUT says.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "isApproved": true }))]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct AccessAnswerBody {
    /// Whether the member may join the team.
    is_approved: Flag,
}

/// Answer a request to join a team
///
/// Granted, the member is on the team; either way the request is gone.
#[utoipa::path(
    put,
    path = "/api/0/organizations/{organization}/access-requests/{request}/",
    tag = "teams",
    params(
        ("organization" = String, Path, description = "Slug or id"),
        ("request" = String, Path, description = "Id of the request"),
        Safety,
    ),
    request_body(content = AccessAnswerBody),
    responses(
        (status = 204, description = "The request is answered",
            headers(("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A field is not valid"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester may not answer this request"),
        (status = 404, description = "There is no such organization or request, or it was answered before"),
        (status = 412, description = "The member has changed since the ETag was given"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn answer(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath((organization, request)): InPath<(String, String)>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    body: JsonObject,
) -> Result<Response, Problem> {
    let asked = (&Method::PUT, &uri, &headers, &*body.raw);
    let key = request_key(app.ledger.keys(), &caller, asked, StatusCode::NO_CONTENT)?;
    let if_match = if_match(&headers)?;
    let turn = app.ledger.begin(key).await;
    let (request, answer) = (parse_request_id(&request), said(&body.fields));
    let operation = AnswerAccessRequest { caller, organization, request, if_match, answer };
    let mut headers = HeaderMap::new();
    match app.ledger.execute(&operation, &about.meta(caller), turn).await? {
        Outcome::Done(executed) => {
            headers.insert(names::POSITION, HeaderValue::from(executed.position.0));
        }
        Outcome::Replayed(repeated) => mark_replayed(&mut headers, repeated.position),
    }
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

fn said(fields: &Map<String, Value>) -> AccessAnswer {
    match fields.get("isApproved").map(|value| boolean("isApproved", value)) {
        None => AccessAnswer::default(),
        Some(Ok(is_approved)) => AccessAnswer { is_approved: Some(is_approved), malformed: vec![] },
        Some(Err(error)) => AccessAnswer { is_approved: None, malformed: vec![error] },
    }
}

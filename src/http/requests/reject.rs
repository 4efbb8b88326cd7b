//! DELETE `organizations/{organization}/invite-requests/{request}/` (behaviour.md 4.6).

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};

use super::answer::{self, ANSWERING};
use crate::{
    http::{
        app::App,
        auth::Bearer,
        body::Raw,
        described::{OfRequest, Safety},
        idempotency::{if_match, request_key},
        members::remove::gone,
        params::InPath,
        problem::Problem,
        request::About,
    },
    ledger::{
        Failure, Outcome,
        operations::{AnswerRequest, RequestChange},
    },
};

/// Reject a request
///
/// The address is free again: it can be invited, and can ask again.
#[utoipa::path(
    delete,
    path = "/api/0/organizations/{organization}/invite-requests/{request}/",
    tag = "requests",
    params(OfRequest, Safety),
    responses(
        (status = 204, description = "The request is gone",
            headers(("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A header is malformed"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester may not answer requests"),
        (status = 404, description = "There is no such organization or request"),
        (status = 412, description = "The request has changed since the ETag was given"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn reject(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath((organization, request)): InPath<(String, String)>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    let keys = app.ledger.keys();
    let key = request_key(keys, &caller, (&Method::DELETE, &uri, &headers, &body), StatusCode::NO_CONTENT)?;
    let if_match = if_match(&headers)?;
    let turn = app.ledger.begin(key).await;
    let located = answer::locate(&app, &caller, (&organization, &request), ANSWERING).await;
    let (organization, request) = match located {
        Ok(located) => located,
        Err(Failure::Refused(refusal)) => {
            return Ok(gone(app.ledger.refuse(refusal, &turn).await?.position, true));
        }
        Err(failure) => return Err(failure.into()),
    };
    let operation = AnswerRequest { caller, organization, request, if_match, change: RequestChange::Reject };
    match app.ledger.execute(&operation, &about.meta(caller), turn).await? {
        Outcome::Done(executed) => Ok(gone(executed.position, false)),
        Outcome::Replayed(repeated) => Ok(gone(repeated.position, true)),
    }
}

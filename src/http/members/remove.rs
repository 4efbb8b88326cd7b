//! DELETE `organizations/{organization}/members/{member}/` (behaviour.md 3.2).

use axum::{
    extract::{OriginalUri, Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
};
use muster_events::stream::Position;

use super::update::{locate, mark_replayed};
use crate::{
    http::{
        access::member_id,
        app::App,
        auth::Bearer,
        body::Raw,
        idempotency::{if_match, request_key},
        names,
        problem::Problem,
        request::About,
    },
    ledger::{Caller, Outcome, operations::RemoveMember},
};

/// Remove a member, or leave
///
/// Everyone may leave; the only owner may not. A pending member cannot be removed in this version.
#[utoipa::path(
    delete,
    path = "/api/0/organizations/{organization}/members/{member}/",
    tag = "members",
    params(
        ("organization" = String, Path, description = "Slug or id"),
        ("member" = String, Path, description = "Id, or `me`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a retry safe for 7 days"),
        ("If-Match" = Option<String>, Header, description = "The ETag of an earlier answer"),
    ),
    responses(
        (status = 204, description = "The member is gone",
            headers(("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "The requester may not remove this member"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The member is the only owner, or is managed elsewhere"),
        (status = 404, description = "There is no such organization or member"),
        (status = 412, description = "The member has changed since the ETag was given"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn remove(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Path((organization, member)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    let keys = app.ledger.keys();
    let key = request_key(keys, &caller, (&Method::DELETE, &uri, &headers, &body), StatusCode::NO_CONTENT)?;
    let turn = app.ledger.begin(key).await;
    let operation = match operation(&app, caller, (&organization, &member), &headers).await {
        Ok(operation) => operation,
        // Whoever has left is answered from the key, although `me` names nobody any more.
        Err(problem) => match app.ledger.before(&turn).await? {
            Some(repeated) => return Ok(gone(repeated.position, true)),
            None => return Err(problem),
        },
    };
    match app.ledger.execute(&operation, &about.meta(caller), turn).await? {
        Outcome::Done(executed) => Ok(gone(executed.position, false)),
        Outcome::Replayed(repeated) => Ok(gone(repeated.position, true)),
    }
}

async fn operation(
    app: &App,
    caller: Caller,
    (organization, member): (&str, &str),
    headers: &HeaderMap,
) -> Result<RemoveMember, Problem> {
    let (organization, own) = locate(app, &caller, organization).await?;
    let (member, if_match) = (member_id(member, own)?, if_match(headers)?);
    Ok(RemoveMember { caller, organization, member, if_match })
}

fn gone(position: Position, replayed: bool) -> Response {
    let mut headers = HeaderMap::new();
    if replayed {
        mark_replayed(&mut headers, position);
    } else {
        headers.insert(names::POSITION, HeaderValue::from(position.0));
    }
    (StatusCode::NO_CONTENT, headers).into_response()
}

//! DELETE `teams/{organization}/{team}/` (behaviour.md 5.6).

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
};

use super::enter::count;
use crate::{
    http::{
        app::App,
        auth::Bearer,
        body::Raw,
        described::{OfTeam, Safety},
        idempotency::{if_match, request_key},
        members::update::mark_replayed,
        names,
        params::InPath,
        problem::Problem,
        request::About,
    },
    ledger::{Outcome, operations::DeleteTeam},
};

/// Delete a team
///
/// Its slug is free at once, everyone on it is taken off, and nobody comes onto it any more. To delete by its id a team
/// that is gone is no error.
#[utoipa::path(
    delete,
    path = "/api/0/teams/{organization}/{team}/",
    tag = "teams",
    params(OfTeam, Safety),
    responses(
        (status = 204, description = "The team is gone",
            headers(("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A header is malformed"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester may not delete the team, or it is managed elsewhere"),
        (status = 404, description = "There is no such organization or team"),
        (status = 412, description = "The team has changed since the ETag was given"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn remove(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath((organization, team)): InPath<(String, String)>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    let keys = app.ledger.keys();
    let key = request_key(keys, &caller, (&Method::DELETE, &uri, &headers, &body), StatusCode::NO_CONTENT)?;
    let if_match = if_match(&headers)?;
    let turn = app.ledger.begin(key).await;
    let operation = DeleteTeam { caller, organization, team, if_match };
    let mut headers = HeaderMap::new();
    match app.ledger.execute(&operation, &about.meta(caller), turn).await? {
        Outcome::Done(executed) => {
            executed.answer.context.standing().has_any(&["team:admin"]).into_iter().for_each(count);
            headers.insert(names::POSITION, HeaderValue::from(executed.position.0));
        }
        Outcome::Replayed(repeated) => mark_replayed(&mut headers, repeated.position),
    }
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

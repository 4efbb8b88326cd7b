//! DELETE `organizations/{organization}/members/{member}/` (behaviour.md 3.2).

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
};
use muster_events::stream::Position;

use super::update::{locate, mark_replayed};
use crate::{
    http::{
        app::App,
        auth::Bearer,
        body::Raw,
        described::{OfMember, Safety},
        idempotency::{if_match, request_key},
        names,
        params::InPath,
        problem::Problem,
        request::About,
    },
    ledger::{Failure, Outcome, operations::RemoveMember},
};

const NEEDS: &[&str] = &["member:read", "member:write", "member:admin"];

/// Remove a member, or leave
///
/// Everyone may leave; the only owner may not. Removing a pending member takes the invitation back.
#[utoipa::path(
    delete,
    path = "/api/0/organizations/{organization}/members/{member}/",
    tag = "members",
    params(OfMember, Safety),
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
    InPath((organization, member)): InPath<(String, String)>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    let keys = app.ledger.keys();
    let key = request_key(keys, &caller, (&Method::DELETE, &uri, &headers, &body), StatusCode::NO_CONTENT)?;
    let if_match = if_match(&headers)?;
    let turn = app.ledger.begin(key).await;
    let (organization, member) = match locate(&app, &caller, (&organization, &member), NEEDS).await {
        Ok(located) => located,
        // Whoever has left is answered from the key, although `me` names nobody any more.
        Err(Failure::Refused(refusal)) => {
            return app
                .ledger
                .refuse(refusal, &turn)
                .await
                .map(|before| gone(before.position, true))
                .map_err(Problem::from);
        }
        Err(failure) => return Err(failure.into()),
    };
    let operation = RemoveMember { caller, organization, member, if_match };
    match app.ledger.execute(&operation, &about.meta(caller), turn).await? {
        Outcome::Done(executed) => Ok(gone(executed.position, false)),
        Outcome::Replayed(repeated) => Ok(gone(repeated.position, true)),
    }
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

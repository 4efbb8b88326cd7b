//! PUT `teams/{organization}/{team}/` (behaviour.md 5.6).

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};

use super::{
    answer::{Folded, replayed, tagged},
    body::{TeamBody, changes},
    enter::count,
};
use crate::{
    http::{
        access::Access,
        app::App,
        auth::Bearer,
        body::JsonObject,
        described::{OfTeam, Safety},
        idempotency::{if_match, request_key},
        params::InPath,
        problem::Problem,
        request::About,
        shapes::team::Team,
    },
    ledger::{Outcome, operations::ChangeTeam},
};

/// Change a team
///
/// Slug and name. What the body does not name stays as it is.
#[utoipa::path(
    put,
    path = "/api/0/teams/{organization}/{team}/",
    tag = "teams",
    params(OfTeam, Safety),
    request_body(content = TeamBody, description = "Every field is optional"),
    responses(
        (status = 200, description = "The team afterwards", body = Team,
            headers(("ETag" = String), ("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A field is not valid, or the slug is in use"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester may not change the team, or it is managed elsewhere"),
        (status = 404, description = "There is no such organization or team"),
        (status = 412, description = "The team has changed since the ETag was given"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn update(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath((organization, team)): InPath<(String, String)>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    body: JsonObject,
) -> Result<Response, Problem> {
    let keys = app.ledger.keys();
    let key = request_key(keys, &caller, (&Method::PUT, &uri, &headers, &body.raw), StatusCode::OK)?;
    let if_match = if_match(&headers)?;
    let turn = app.ledger.begin(key).await;
    let changes = changes(&body.fields);
    let operation = ChangeTeam { caller, organization: organization.clone(), team, if_match, changes };
    match app.ledger.execute(&operation, &about.meta(caller), turn).await? {
        Outcome::Done(executed) => {
            let (position, answer) = (executed.position, executed.answer);
            let context = &answer.context;
            context.standing().has_any(&["team:write", "team:admin"]).into_iter().for_each(count);
            let (id, state) = &context.organization;
            let access = Access::of((*id, state), &context.roles, &context.requester);
            let folded = Folded {
                id: context.team,
                state: &answer.team.state,
                sequence: answer.team.sequence,
                membership: answer.membership.as_deref(),
            };
            Ok(tagged(&app, &access, &folded, (StatusCode::OK, position)).await)
        }
        Outcome::Replayed(repeated) => {
            let path = (organization, repeated.resource.clone().unwrap_or_default());
            Ok(replayed(&app, caller, path, about, &repeated).await)
        }
    }
}

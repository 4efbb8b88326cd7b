//! POST `organizations/{organization}/members/{member}/teams/{team}/` (behaviour.md 5.2).

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};

use super::answer::{bare, replayed, team as team_answer};
use crate::{
    http::{
        app::App,
        auth::Bearer,
        body::Raw,
        described::{OfTeamMembership, Safety},
        idempotency::{if_match, request_key},
        params::InPath,
        problem::Problem,
        request::About,
        shapes::team::Team,
    },
    ledger::{
        Outcome,
        operations::{ChangeTeamMembership, Ended, MembershipAct, OnTeam},
    },
};

/// Join a team, or add another to it
///
/// Whoever may not do that asks those who may. No body is needed.
#[utoipa::path(
    post,
    path = "/api/0/organizations/{organization}/members/{member}/teams/{team}/",
    tag = "teams",
    params(OfTeamMembership, Safety),
    responses(
        (status = 201, description = "The member is on the team now", body = Team,
            headers(("ETag" = String, description = "That of the member"), ("Muster-Position" = String), ("Muster-Stale" = Option<String>), ("Idempotent-Replayed" = Option<bool>))),
        (status = 202, description = "It is on record that the member wants to join"),
        (status = 204, description = "The member was on the team already"),
        (status = 400, description = "A header is malformed"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester may not ask, the member's role is on no team, or the team is managed elsewhere"),
        (status = 404, description = "There is no such organization, member or team"),
        (status = 412, description = "The member has changed since the ETag was given"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn join(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath((organization, member, team)): InPath<(String, String, String)>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    let keys = app.ledger.keys();
    let key = request_key(keys, &caller, (&Method::POST, &uri, &headers, &body), StatusCode::CREATED)?;
    let if_match = if_match(&headers)?;
    let turn = app.ledger.begin(key).await;
    let path = OnTeam { organization: organization.clone(), member, team };
    let operation = ChangeTeamMembership { caller, path, if_match, act: MembershipAct::Join };
    match app.ledger.execute(&operation, &about.meta(caller), turn).await? {
        Outcome::Done(executed) if executed.answer.ended == Ended::Added => {
            Ok(team_answer(&app, &executed.answer, executed.position).await)
        }
        Outcome::Done(executed) => Ok(bare(&executed.answer, executed.position)),
        Outcome::Replayed(repeated) => Ok(replayed(&app, caller, organization, about, &repeated).await),
    }
}

//! GET `organizations/{organization}/members/{member}/teams/{team}/` (behaviour.md 5.1).

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use muster_events::{member::team_membership::MAY_LOOK, refusal::Refusal};
use muster_projections::members;

use crate::http::{
    access,
    app::App,
    auth::Bearer,
    consistency::{await_views, read_headers},
    described::{OfTeamMembership, Reading},
    idempotency::etag,
    params::{InPath, Params},
    problem::Problem,
    shapes::team_membership::TeamMembership,
};

/// What the answer is read from.
const MODELS: &[&str] = &["members", "teams"];

/// One member on one team
#[utoipa::path(
    get,
    path = "/api/0/organizations/{organization}/members/{member}/teams/{team}/",
    tag = "teams",
    params(OfTeamMembership, Reading),
    responses(
        (status = 200, description = "The membership", body = TeamMembership,
            headers(("ETag" = String, description = "That of the member"), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester is not in the organization, or may not see memberships"),
        (status = 404, description = "There is no such organization, member or team, or the member is not on it"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn get(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath((organization, member, team)): InPath<(String, String, String)>,
    params: Params,
) -> Result<Response, Problem> {
    let access = access::enter(&app, &caller, &organization, MAY_LOOK, false).await?;
    let member = access.member(&member)?;
    let not_found = || Problem::from(Refusal::NotFound);
    let (team, _) = app.ledger.look().team(access.id, &team).await?.ok_or_else(not_found)?;
    await_views(&app, &params).await?;
    let mut headers = read_headers(&app, Some(access.id), MODELS);
    let found = members::query::find(app.views(), access.id, member)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let found = found.ok_or_else(not_found)?;
    let on = found.teams.iter().find(|on| on.id == team && on.active).ok_or_else(not_found)?;
    if let Ok(tag) = etag(found.member.sequence).parse() {
        headers.insert(header::ETAG, tag);
    }
    Ok((headers, Json(TeamMembership::with(on.role.as_ref()))).into_response())
}

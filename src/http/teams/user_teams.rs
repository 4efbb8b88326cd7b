//! GET `organizations/{organization}/user-teams/` (behaviour.md 5.6).

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use muster_events::refusal::Refusal;
use muster_projections::{
    read::Page,
    teams::{self, TeamFilter},
};

use super::list::viewer;
use crate::http::{
    access,
    app::App,
    auth::Bearer,
    consistency::{await_views, read_headers},
    described::{OfOrganization, Reading},
    params::{InPath, Params},
    problem::Problem,
    shapes::team::Team,
};

const NEEDS: &[&str] = &["org:read", "org:write", "org:admin"];

/// What the answer is read from.
const MODELS: &[&str] = &["teams", "members", "users"];

/// All of them: far above what anybody is on.
const ALL: Page = Page { offset: 0, limit: 10_000 };

/// The teams that the requester is on
///
/// By slug; a superuser sees all teams of the organization.
#[utoipa::path(
    get,
    path = "/api/0/organizations/{organization}/user-teams/",
    tag = "teams",
    params(OfOrganization, Reading),
    responses(
        (status = 200, description = "The teams", body = Vec<Team>,
            headers(("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed, or the token is not a person's"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester is not in the organization"),
        (status = 404, description = "There is no such organization"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath(organization): InPath<String>,
    params: Params,
) -> Result<Response, Problem> {
    let access = access::enter(&app, &caller, &organization, NEEDS, false).await?;
    if access.requester.user.is_none() {
        return Err(Refusal::UserTokenRequired.into());
    }
    await_views(&app, &params).await?;
    let headers = read_headers(&app, Some(access.id), MODELS);
    let filter = TeamFilter { own: !access.requester.is_superuser(), ..TeamFilter::default() };
    let listed = teams::query::search(app.views(), access.id, access.own(), &filter, ALL)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let viewer = viewer(&access);
    let body: Vec<Team> = listed.rows.iter().map(|team| viewer.see(team).detailed()).collect();
    Ok((headers, Json(body)).into_response())
}

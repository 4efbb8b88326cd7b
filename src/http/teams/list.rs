//! GET `organizations/{organization}/teams/` (behaviour.md 5.6, 9.4).

use axum::{
    Json,
    extract::{OriginalUri, State},
    response::{IntoResponse, Response},
};
use muster_projections::teams;

use crate::http::{
    access::{self, Access},
    app::App,
    auth::Bearer,
    consistency::{await_views, read_headers},
    described::{OfOrganization, Paging, Reading},
    page,
    params::{InPath, Params},
    problem::Problem,
    request::About,
    shapes::team::{Team, Viewer},
};

const NEEDS: &[&str] = &["org:read", "org:write", "org:admin"];

/// What the answer is read from.
const MODELS: &[&str] = &["teams", "members", "users"];

/// The teams of an organization
///
/// Those that are not being deleted, by slug, as the requester sees them.
#[utoipa::path(
    get,
    path = "/api/0/organizations/{organization}/teams/",
    tag = "teams",
    params(OfOrganization, Paging, Reading),
    responses(
        (status = 200, description = "The teams", body = Vec<Team>,
            headers(("Link" = String), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
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
    OriginalUri(uri): OriginalUri,
    about: About,
    params: Params,
) -> Result<Response, Problem> {
    let access = access::enter(&app, &caller, &organization, NEEDS, false).await?;
    let wanted = params.page()?;
    if params.get("query").is_some_and(|query| !query.trim().is_empty()) {
        let text = "Searching teams is not available in this version; leave the parameter out.";
        return Err(Problem::parameter("query", text));
    }
    await_views(&app, &params).await?;
    let mut headers = read_headers(&app, Some(access.id), MODELS);
    let own = access.requester.membership.as_ref().map(|(id, _)| *id);
    let listed = teams::query::list(app.views(), access.id, own, wanted)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let viewer = viewer(&access);
    let body: Vec<Team> = listed.rows.iter().map(|team| viewer.see(team)).collect();
    headers.extend(page::link(&uri, &about.base_url, wanted, &listed));
    Ok((headers, Json(body)).into_response())
}

/// The requester, as one who looks at teams.
pub(in crate::http) fn viewer(access: &Access) -> Viewer<'_> {
    Viewer {
        org_role: access.role(),
        superuser: access.requester.is_superuser(),
        scopes: &access.scopes,
        token_limit: access.requester.token_scopes.as_ref().map(muster_events::roles::ScopeSet::with_implied),
        organization: &access.organization,
        roles: &access.roles,
    }
}

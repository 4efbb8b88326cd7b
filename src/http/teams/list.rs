//! GET `organizations/{organization}/teams/` (behaviour.md 5.6, 9.4).

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use muster_events::id::TeamId;
use muster_projections::{
    search::{Token, tokens},
    teams::{self, TeamFilter},
};

use crate::http::{
    access::Access,
    app::App,
    auth::Bearer,
    described::{OfOrganization, Paging, Past, Reading},
    moment, page,
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
    params(
        OfOrganization,
        ("query" = Option<String>, Query, description = "Free text, in slug or name; `slug:` and `id:`"),
        ("detailed" = Option<String>, Query, description = "`0` leaves out projects and external teams"),
        Paging,
        Past,
        Reading,
    ),
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
    let seen = moment::enter(&app, &caller, &organization, &params, (NEEDS, false), MODELS).await?;
    let access = &seen.access;
    let wanted = params.page()?;
    let filter = filter(params.get("query").unwrap_or_default())?;
    let detailed = params.get("detailed") != Some("0");
    let listed = teams::query::search(&seen.views, access.id, access.own(), &filter, wanted)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let viewer = viewer(access);
    let see = |team| if detailed { viewer.see(team).detailed() } else { viewer.see(team) };
    let body: Vec<Team> = listed.rows.iter().map(see).collect();
    let mut headers = seen.headers(None);
    headers.extend(page::link(&uri, &about.base_url, wanted, &listed));
    Ok((headers, Json(body)).into_response())
}

/// Which teams a query wants. Values of one key are alternatives, all keys must be met, an unknown one meets nothing.
fn filter(query: &str) -> Result<TeamFilter, Problem> {
    let mut filter = TeamFilter::default();
    let (mut words, mut meets_nothing) = (vec![], false);
    for Token { key, value } in tokens(query) {
        match key.as_deref() {
            None => words.push(value),
            Some("slug") => filter.slugs.get_or_insert_default().push(value),
            Some("id") => {
                if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
                    let text = "Invalid id value";
                    return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_parameter", text));
                }
                // A number that is too large for an id is none's.
                filter.ids.get_or_insert_default().extend(value.parse::<TeamId>().ok());
            }
            Some(_) => meets_nothing = true,
        }
    }
    if meets_nothing {
        filter.ids = Some(vec![]);
    }
    filter.text = (!words.is_empty()).then(|| words.join(" "));
    Ok(filter)
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

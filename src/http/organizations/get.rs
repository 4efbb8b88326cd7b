//! GET `organizations/{organization}/` (behaviour.md 7.6, 9.5).

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use muster_events::{organization::Feature, refusal::Refusal};
use muster_projections::{organizations, read::Page, teams};

use crate::http::{
    access::{self, Access},
    app::App,
    auth::Bearer,
    body::boolean,
    consistency::{await_views, read_headers},
    described::{OfOrganization, Reading},
    idempotency::etag,
    params::{InPath, Params},
    problem::Problem,
    request::About,
    shapes::{
        organization::{self as shape, Detailed, Details, Look},
        role,
    },
    teams::list::viewer,
};

/// How many teams the details list at most; the list of teams itself is paged.
const TEAMS: Page = Page { offset: 0, limit: 1_000 };

/// Without `org:read` the answer is the summary; every member gets that.
const NEEDS: &[&str] =
    &["org:read", "org:write", "org:admin", "member:read", "team:read", "project:read", "event:read"];

/// What the answer is read from.
const MODELS: &[&str] = &["organizations", "teams", "members", "users"];

/// An organization
///
/// With all settings and the roles for those who have `org:read`, else a summary.
#[utoipa::path(
    get,
    path = "/api/0/organizations/{organization}/",
    tag = "organizations",
    params(
        OfOrganization,
        ("detailed" = Option<String>, Query, description = "`0` leaves out teams and projects"),
        ("include_feature_flags" = Option<String>, Query, description = "`1` lists the features"),
        Reading,
    ),
    responses(
        (status = 200, description = "The organization", body = Detailed,
            headers(("ETag" = String), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester is not in the organization"),
        (status = 404, description = "There is no such organization"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn get(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath(organization): InPath<String>,
    about: About,
    params: Params,
) -> Result<Response, Problem> {
    let access = access::enter(&app, &caller, &organization, NEEDS, false).await?;
    let on = |name: &str, default| {
        params.get(name).map_or(default, |text| boolean(name, &text.into()).unwrap_or(default))
    };
    let (detailed, with_features) = (on("detailed", true), on("include_feature_flags", false));
    await_views(&app, &params).await?;
    let mut headers = read_headers(&app, Some(access.id), MODELS);
    let unavailable = |error: muster_projections::error::ViewError| Problem::unavailable(&error.to_string());
    let found = organizations::query::find(app.views(), access.id).await.map_err(unavailable)?;
    let found = found.ok_or_else(|| Problem::from(Refusal::NotFound))?;
    if let Ok(tag) = etag(found.sequence).parse() {
        headers.insert(header::ETAG, tag);
    }
    let look = Look { access: access.scopes.clone(), with_features, base_url: about.base_url };
    if !access.scopes.contains("org:read") {
        return Ok((headers, Json(shape::summary(found.id, &found.state, look))).into_response());
    }
    let teams = if detailed {
        let listed =
            teams::query::list(app.views(), access.id, own(&access), TEAMS).await.map_err(unavailable)?;
        let viewer = viewer(&access);
        Some(listed.rows.iter().map(|team| viewer.see(team)).collect())
    } else {
        None
    };
    let details = details(&access, teams);
    Ok((headers, Json(shape::detailed(found.id, &found.state, look, details))).into_response())
}

fn own(access: &Access) -> Option<muster_events::id::MemberId> {
    access.requester.membership.as_ref().map(|(id, _)| *id)
}

fn details(access: &Access, teams: Option<Vec<crate::http::shapes::team::Team>>) -> Details {
    let feature = access.organization.has_feature(Feature::TeamRoles);
    let names = access.roles.org_roles().iter().map(|role| (role.id.to_string(), role.name.to_string()));
    Details {
        org_roles: role::org_roles(&access.roles, &access.allowed_org_roles(), feature),
        team_roles: role::team_roles(&access.roles, access.role(), access.requester.is_superuser()),
        role_names: names.collect(),
        role: access.role().cloned(),
        teams,
    }
}

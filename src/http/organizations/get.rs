//! GET `organizations/{organization}/` (behaviour.md 7.6, 9.5).

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use muster_events::refusal::Refusal;
use muster_projections::organizations;

use super::answer::{self, Wish};
use crate::http::{
    app::App,
    auth::Bearer,
    described::{OfOrganization, Past, Reading},
    moment,
    params::{InPath, Params},
    problem::Problem,
    request::About,
    shapes::organization::{self as shape, OrganizationAnswer},
};

/// Without `org:read` the answer is the summary; every member gets that.
pub(super) const NEEDS: &[&str] =
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
        ("include_feature_flags" = Option<String>, Query, description = "anything but `0` lists the features"),
        Past,
        Reading,
    ),
    responses(
        (status = 200, description = "The organization", body = OrganizationAnswer,
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
    let seen = moment::enter(&app, &caller, &organization, &params, (NEEDS, false), MODELS).await?;
    let access = &seen.access;
    let wish = Wish::of(&params, &about.base_url);
    let found = organizations::query::find(&seen.views, access.id)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let found = found.ok_or_else(|| Problem::from(Refusal::NotFound))?;
    let sequence = Some(found.sequence);
    if !access.scopes.contains("org:read") {
        let summary = shape::summary(found.id, &found.state, wish.look(access));
        return Ok((seen.headers(sequence), Json(summary)).into_response());
    }
    let detailed = answer::detailed(&seen.views, access, (found.id, &found.state), wish).await?;
    Ok((seen.headers(sequence), Json(detailed)).into_response())
}

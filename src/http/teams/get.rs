//! GET `teams/{organization}/{team}/` (behaviour.md 5.6, 9.4).

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};

use muster_events::refusal::Refusal;
use muster_projections::teams;

use super::{enter::enter_to_read, list::viewer};
use crate::http::{
    app::App,
    auth::Bearer,
    described::{OfTeam, Past, Reading},
    params::{InPath, Params},
    problem::Problem,
    request::About,
    shapes::{
        organization::{Look, summary},
        team::Team,
    },
};

const NEEDS: &[&str] = &["team:read", "team:write", "team:admin"];

/// What the answer is read from.
const MODELS: &[&str] = &["teams", "members", "users"];

/// A team
///
/// As the requester sees it, with the organization that it is in.
#[utoipa::path(
    get,
    path = "/api/0/teams/{organization}/{team}/",
    tag = "teams",
    params(
        OfTeam,
        ("collapse" = Option<String>, Query, description = "`organization` leaves the organization out"),
        Past,
        Reading,
    ),
    responses(
        (status = 200, description = "The team", body = Team,
            headers(("ETag" = String), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester is not in the organization, or may not see the team"),
        (status = 404, description = "There is no such organization or team"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn get(
    State(app): State<App>,
    bearer: Bearer,
    path: InPath<(String, String)>,
    about: About,
    params: Params,
) -> Result<Response, Problem> {
    let whole = !params.pairs().any(|pair| pair == ("collapse", "organization"));
    show(app, bearer, path, about, params, whole).await
}

/// The team; with the organization when it is wanted `whole`.
pub(super) async fn show(
    app: App,
    Bearer(caller): Bearer,
    InPath((organization, team)): InPath<(String, String)>,
    about: About,
    params: Params,
    whole: bool,
) -> Result<Response, Problem> {
    let (seen, id, _) = enter_to_read(&app, &caller, (&organization, &team), &params, NEEDS, MODELS).await?;
    let access = &seen.access;
    let found = teams::query::find(&seen.views, access.id, access.own(), id)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let listed = found.ok_or_else(|| Problem::from(Refusal::NotFound))?;
    let mut shape = viewer(access).see(&listed);
    if whole {
        let look =
            Look { access: Some(access.scopes.clone()), with_features: false, base_url: about.base_url };
        shape = shape.within(summary(access.id, &access.organization, look));
    }
    Ok((seen.headers(Some(listed.team.sequence)), Json(shape)).into_response())
}

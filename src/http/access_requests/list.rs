//! GET `organizations/{organization}/access-requests/` (behaviour.md 5.5).

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{OriginalUri, State},
    response::{IntoResponse, Response},
};
use muster_events::{id::TeamId, team::Standing};
use muster_projections::{
    members::{self, AccessRequestRow},
    read::Page,
    teams::{self, ListedTeam, TeamFilter},
};

use crate::{
    http::{
        access::{self, Access},
        app::App,
        auth::Bearer,
        consistency::{await_views, read_headers},
        described::{OfOrganization, Paging, Reading},
        members::answer::role_name,
        page,
        params::{InPath, PAGE, Params},
        problem::Problem,
        request::About,
        shapes::{access_request::AccessRequest, member as member_shape, user as user_shape},
        teams::list::viewer,
    },
    ledger::Failure,
};

/// What the answer is read from.
const MODELS: &[&str] = &["members", "users", "teams"];

/// The requests to join teams
///
/// Those that the requester may answer: of the whole organization, or for the teams that he runs.
#[utoipa::path(
    get,
    path = "/api/0/organizations/{organization}/access-requests/",
    tag = "teams",
    params(OfOrganization, Paging, Reading),
    responses(
        (status = 200, description = "The requests, oldest first", body = Vec<AccessRequest>,
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
    let access = access::admit(&app, &caller, &organization).await?;
    let wanted = params.page()?;
    let own = (!access.scopes.contains("org:write")).then(|| own_teams(&access));
    await_views(&app, &params).await?;
    let mut headers = read_headers(&app, Some(access.id), MODELS);
    let unavailable = |error: muster_projections::error::ViewError| Problem::unavailable(&error.to_string());
    let listed = members::access_requests::list(app.views(), access.id, own.as_deref(), wanted)
        .await
        .map_err(unavailable)?;
    let ids = listed.rows.iter().map(|row| row.team).collect();
    let filter = TeamFilter { ids: Some(ids), ..TeamFilter::default() };
    let all = Page { offset: 0, limit: PAGE };
    let teams = teams::query::search(app.views(), access.id, access.own(), &filter, all)
        .await
        .map_err(unavailable)?;
    let teams: BTreeMap<TeamId, ListedTeam> =
        teams.rows.into_iter().map(|listed| (listed.team.id, listed)).collect();
    let body = shapes(&app, &access, &listed.rows, &teams).await?;
    headers.extend(page::link(&uri, &about.base_url, wanted, &listed));
    Ok((headers, Json(body)).into_response())
}

/// The teams that the requester is on and runs.
fn own_teams(access: &Access) -> Vec<TeamId> {
    let teams = access.requester.membership.iter().flat_map(|(_, member)| member.teams.keys().copied());
    let runs = |team: &TeamId| {
        let organization = (access.id, &*access.organization);
        let standing = Standing::new(&access.requester, organization, &access.roles, *team);
        standing.has_any(&["team:write"]).is_some()
    };
    teams.filter(runs).collect()
}

async fn shapes(
    app: &App,
    access: &Access,
    rows: &[AccessRequestRow],
    teams: &BTreeMap<TeamId, ListedTeam>,
) -> Result<Vec<AccessRequest>, Problem> {
    let requesters = rows.iter().filter_map(|row| row.requester.as_ref()).flat_map(user_shape::envelopes);
    let envelopes = rows.iter().flat_map(|row| member_shape::envelopes(&row.member)).chain(requesters);
    let opener = app.ledger.keys().opener(envelopes).await.map_err(Failure::from)?;
    let now = app.ledger.clock().now();
    let viewer = viewer(access);
    let shape = |row: &AccessRequestRow| {
        // One that was deleted while this was read is left out.
        let team = viewer.see(teams.get(&row.team)?);
        let name = role_name(&access.roles, &row.member.org_role);
        let member = member_shape::member(&row.member, &opener, name, now, None);
        let requester = row.requester.as_ref().map(|user| user_shape::user(user, &opener, None));
        Some(AccessRequest::of((row.member.id, row.team), member, team, requester))
    };
    Ok(rows.iter().filter_map(shape).collect())
}

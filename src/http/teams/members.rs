//! GET `teams/{organization}/{team}/members/` (behaviour.md 5.6).

use axum::{
    Json,
    extract::{OriginalUri, State},
    response::{IntoResponse, Response},
};
use muster_projections::{
    members::{self, TeamMember},
    read::Listed,
};

use super::enter::enter_to_read;
use crate::{
    http::{
        app::App,
        auth::Bearer,
        described::{OfTeam, Paging, Past, Reading},
        members::answer::role_name,
        page,
        params::{InPath, Params},
        problem::Problem,
        request::About,
        shapes::{member as shape, team_membership::TeamMemberShape},
    },
    ledger::Failure,
};

const NEEDS: &[&str] = &["team:read", "team:write", "team:admin"];

/// What the answer is read from.
const MODELS: &[&str] = &["members", "users"];

/// The members of a team
///
/// Members and open invitations, by address, in pages that `Link` leads through.
#[utoipa::path(
    get,
    path = "/api/0/teams/{organization}/{team}/members/",
    tag = "teams",
    params(OfTeam, Paging, Past, Reading),
    responses(
        (status = 200, description = "The members", body = Vec<TeamMemberShape>,
            headers(("Link" = String), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester is not in the organization, or may not see the team"),
        (status = 404, description = "There is no such organization or team"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn members(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath((organization, team)): InPath<(String, String)>,
    OriginalUri(uri): OriginalUri,
    about: About,
    params: Params,
) -> Result<Response, Problem> {
    let (seen, id, slug) =
        enter_to_read(&app, &caller, (&organization, &team), &params, NEEDS, MODELS).await?;
    let access = &seen.access;
    let wanted = params.page()?;
    let all = members::on_team::list(&seen.views, access.id, id)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let envelopes = all.iter().flat_map(|on| shape::envelopes(&on.member));
    let opener = app.ledger.keys().opener(envelopes).await.map_err(Failure::from)?;
    let shape = |on: &TeamMember| {
        let name = role_name(&access.roles, &on.member.org_role);
        let member = shape::member(&on.member, &opener, name, seen.now, None);
        TeamMemberShape::of(member, on.role.as_ref(), &slug)
    };
    // By address after they have been opened: the views hold them sealed. The sort keeps those of one address by id.
    let mut shapes: Vec<TeamMemberShape> = all.iter().map(shape).collect();
    shapes.sort_by_cached_key(|member| member.email().to_lowercase());
    let behind = usize::try_from(wanted.offset.saturating_add(wanted.limit)).unwrap_or(usize::MAX);
    let more = shapes.len() > behind;
    let offset = usize::try_from(wanted.offset).unwrap_or(usize::MAX);
    let rows: Vec<_> = shapes.into_iter().take(behind).skip(offset).collect();
    let listed = Listed { rows, more };
    let mut headers = seen.headers(None);
    headers.extend(page::link(&uri, &about.base_url, wanted, &listed));
    Ok((headers, Json(listed.rows)).into_response())
}

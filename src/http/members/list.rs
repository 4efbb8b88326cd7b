//! GET `organizations/{organization}/members/` (behaviour.md 4.1, without the query language).

use axum::{
    Json,
    extract::{OriginalUri, State},
    response::{IntoResponse, Response},
};
use muster_projections::members;

use super::answer::role_name;
use crate::{
    http::{
        access,
        app::App,
        auth::Bearer,
        consistency::{await_views, read_headers},
        described::{OfOrganization, Paging, Reading},
        page,
        params::{InPath, Params},
        problem::Problem,
        request::About,
        shapes::member::{self as shape, Member},
    },
    ledger::Failure,
};

const NEEDS: &[&str] = &["member:read", "member:write", "member:admin"];

/// What the answer is read from.
const MODELS: &[&str] = &["members", "users"];

/// The members of an organization
///
/// Members and open invitations, by id, in pages that `Link` leads through.
#[utoipa::path(
    get,
    path = "/api/0/organizations/{organization}/members/",
    tag = "members",
    params(OfOrganization, Paging, Reading),
    responses(
        (status = 200, description = "The members", body = Vec<Member>,
            headers(("Link" = String), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester is not in the organization, or may not see members"),
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
        let text = "Searching members is not available in this version; leave the parameter out.";
        return Err(Problem::parameter("query", text));
    }
    await_views(&app, &params).await?;
    let mut headers = read_headers(&app, Some(access.id), MODELS);
    let listed = members::query::list(app.views(), access.id, wanted)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let envelopes = listed.rows.iter().flat_map(shape::envelopes);
    let opener = app.ledger.keys().opener(envelopes).await.map_err(Failure::from)?;
    let now = app.ledger.clock().now();
    let shape = |row| {
        let row: &members::MemberRow = row;
        shape::member(row, &opener, role_name(&access.roles, &row.org_role), now, None)
    };
    let body: Vec<Member> = listed.rows.iter().map(shape).collect();
    headers.extend(page::link(&uri, &about.base_url, wanted, &listed));
    Ok((headers, Json(body)).into_response())
}

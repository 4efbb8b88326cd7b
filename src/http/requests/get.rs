//! GET `organizations/{organization}/invite-requests/{request}/` (behaviour.md 4.6).

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use muster_events::{member::InviteStatus, refusal::Refusal};
use muster_projections::members::{self, MemberDetails};

use super::answer::SEEING;
use crate::{
    http::{
        access,
        app::App,
        auth::Bearer,
        consistency::{await_views, read_headers},
        described::{OfRequest, Reading},
        idempotency::etag,
        members::answer::role_name,
        params::{InPath, Params},
        problem::Problem,
        shapes::member::{self as shape, MemberWithTeams},
    },
    ledger::Failure,
};

/// What the answer is read from.
const MODELS: &[&str] = &["members", "users", "teams"];

/// One request
///
/// With teams. One that was approved is an invitation, and found among the members.
#[utoipa::path(
    get,
    path = "/api/0/organizations/{organization}/invite-requests/{request}/",
    tag = "requests",
    params(OfRequest, Reading),
    responses(
        (status = 200, description = "The request", body = MemberWithTeams,
            headers(("ETag" = String, description = "For If-Match"), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester is not in the organization, or may not see members"),
        (status = 404, description = "There is no such organization or request"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn get(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath((organization, request)): InPath<(String, String)>,
    params: Params,
) -> Result<Response, Problem> {
    let access = access::enter(&app, &caller, &organization, SEEING, false).await?;
    let id = request.parse().map_err(|_| Problem::from(Refusal::NotFound))?;
    await_views(&app, &params).await?;
    let mut headers = read_headers(&app, Some(access.id), MODELS);
    let found = members::query::find(app.views(), access.id, id)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let is_request = |found: &MemberDetails| found.member.invite_status != InviteStatus::Approved;
    let details = found.filter(is_request).ok_or_else(|| Problem::from(Refusal::NotFound))?;
    let row = &details.member;
    let opener = app.ledger.keys().opener(shape::envelopes(row)).await.map_err(Failure::from)?;
    let name = role_name(&access.roles, &row.org_role);
    let body: MemberWithTeams = shape::with_teams(&details, &opener, name, app.ledger.clock().now());
    if let Ok(tag) = etag(row.sequence).parse() {
        headers.insert(header::ETAG, tag);
    }
    Ok((headers, Json(body)).into_response())
}

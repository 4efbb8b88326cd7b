//! GET `organizations/{organization}/members/{member}/` (behaviour.md 3.1).

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use muster_events::{member::InviteStatus, refusal::Refusal};
use muster_projections::members;

use super::answer::{self, Onlooker};
use crate::http::{
    access,
    app::App,
    auth::Bearer,
    consistency::{await_views, read_headers},
    described::{OfMember, Reading},
    idempotency::etag,
    params::{InPath, Params},
    problem::Problem,
    shapes::member::MemberWithRoles,
};

const NEEDS: &[&str] = &["member:read", "member:write", "member:admin"];

/// What the answer is read from.
const MODELS: &[&str] = &["members", "users", "teams"];

/// The details of one member
///
/// With teams and roles. The list of roles says which of them the requester may give.
#[utoipa::path(
    get,
    path = "/api/0/organizations/{organization}/members/{member}/",
    tag = "members",
    params(OfMember, Reading),
    responses(
        (status = 200, description = "The member", body = MemberWithRoles,
            headers(("ETag" = String, description = "For If-Match"), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester is not in the organization, or may not see members"),
        (status = 404, description = "There is no such organization or member"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn get(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath((organization, member)): InPath<(String, String)>,
    params: Params,
) -> Result<Response, Problem> {
    let access = access::enter(&app, &caller, &organization, NEEDS, true).await?;
    let id = access.member(&member)?;
    await_views(&app, &params).await?;
    let mut headers = read_headers(&app, Some(access.id), MODELS);
    let found = members::query::find(app.views(), access.id, id)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let approved = |found: &members::MemberDetails| found.member.invite_status == InviteStatus::Approved;
    let details = found.filter(approved).ok_or_else(|| Problem::from(Refusal::NotFound))?;
    let allowed = access.allowed_org_roles();
    let look = Onlooker {
        organization: (access.id, &access.organization),
        roles: &access.roles,
        allowed: &allowed,
        own_role: access.role(),
        superuser: access.requester.is_superuser(),
    };
    let shape = answer::with_roles(&app, &details, &look).await?;
    if let Ok(tag) = etag(details.member.sequence).parse() {
        headers.insert(header::ETAG, tag);
    }
    Ok((headers, Json(shape)).into_response())
}

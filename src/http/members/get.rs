//! GET `organizations/{organization}/members/{member}/` (behaviour.md 3.1).

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use muster_events::{member::InviteStatus, refusal::Refusal, stream::StreamId};
use muster_projections::members::{self, MemberRow};

use super::answer::{self, Onlooker};
use crate::http::{
    app::App,
    auth::Bearer,
    described::{OfMember, Past, Reading},
    moment,
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
    params(OfMember, Past, Reading),
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
    let mut seen = moment::enter(&app, &caller, &organization, &params, (NEEDS, true), MODELS).await?;
    let id = seen.access.member(&member)?;
    let found = members::query::find(&seen.views, seen.access.id, id)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let approved = |found: &members::MemberDetails| found.member.invite_status == InviteStatus::Approved;
    let details = found.filter(approved).ok_or_else(|| Problem::from(Refusal::NotFound))?;
    let MemberRow { user, inviter, .. } = &details.member;
    let accounts = [*user, inviter.as_ref().map(|inviter| inviter.user)];
    let accounts = accounts.into_iter().flatten().map(StreamId::from);
    seen.is_of(&app, &accounts.chain([id.into()]).collect::<Vec<_>>(), MODELS);
    let access = &seen.access;
    let allowed = access.allowed_org_roles();
    let look = Onlooker {
        organization: (access.id, &access.organization),
        roles: &access.roles,
        allowed: &allowed,
        own_role: access.role(),
        superuser: access.requester.is_superuser(),
    };
    let past = seen.is_past.then_some((&seen.views, seen.now));
    let shape = answer::with_roles(&app, &details, &look, past).await?;
    let sequence = Some(details.member.sequence);
    Ok((seen.headers(sequence), Json(shape)).into_response())
}

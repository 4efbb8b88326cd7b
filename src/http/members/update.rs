//! PUT `organizations/{organization}/members/{member}/` (behaviour.md 2).

use axum::{
    Json,
    extract::{OriginalUri, Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use muster_events::{
    id::{MemberId, OrganizationId},
    member::Member,
    stream::Position,
};

use super::{
    answer::{self, Onlooker},
    get, update_body,
};
use crate::{
    http::{
        access::member_id,
        app::App,
        auth::Bearer,
        body::JsonObject,
        consistency::mark_stale,
        idempotency::{etag, if_match, request_key},
        names,
        params::Params,
        problem::Problem,
        request::About,
        shapes::member::MemberWithRoles,
    },
    ledger::{
        Caller, CallerKind, Executed, Outcome, Repeated,
        operations::{UpdateMember, Updated},
    },
};

/// Change a member
///
/// Organization role and teams, all or nothing. What the body does not name stays as it is; an empty list of teams
/// takes the member off every team. An organization role that makes explicit team roles redundant clears them.
#[utoipa::path(
    put,
    path = "/api/0/organizations/{organization}/members/{member}/",
    tag = "members",
    params(
        ("organization" = String, Path, description = "Slug or id"),
        ("member" = String, Path, description = "Id, or `me`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a retry safe for 7 days"),
        ("If-Match" = Option<String>, Header, description = "The ETag of an earlier answer"),
    ),
    request_body(content = UpdateBody, description = "Every field is optional"),
    responses(
        (status = 200, description = "The member afterwards", body = MemberWithRoles,
            headers(("ETag" = String), ("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A field is not valid, or the change is against a rule"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester may not change this"),
        (status = 404, description = "There is no such organization or member"),
        (status = 412, description = "The member has changed since the ETag was given"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn update(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Path((organization, member)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    body: JsonObject,
) -> Result<Response, Problem> {
    let keys = app.ledger.keys();
    let key = request_key(keys, &caller, (&Method::PUT, &uri, &headers, &body.raw), StatusCode::OK)?;
    let turn = app.ledger.begin(key).await;
    let operation = match operation(&app, caller, (&organization, &member), &headers, &body).await {
        Ok(operation) => operation,
        Err(problem) => match app.ledger.before(&turn).await? {
            Some(repeated) => return replayed(&app, caller, organization, repeated).await,
            None => return Err(problem),
        },
    };
    match app.ledger.execute(&operation, &about.meta(caller), turn).await? {
        Outcome::Done(executed) => done(&app, &operation, executed).await,
        Outcome::Replayed(repeated) => replayed(&app, caller, organization, repeated).await,
    }
}

async fn operation(
    app: &App,
    caller: Caller,
    (organization, member): (&str, &str),
    headers: &HeaderMap,
    body: &JsonObject,
) -> Result<UpdateMember, Problem> {
    let (organization, own) = locate(app, &caller, organization).await?;
    let (changes, address) = update_body::parse(&body.fields, app.ledger.keys());
    let (member, if_match) = (member_id(member, own)?, if_match(headers)?);
    Ok(UpdateMember { caller, organization, member, if_match, address, changes })
}

/// The member as he is now, in the place of the answer that was given first.
async fn replayed(
    app: &App,
    caller: Caller,
    organization: String,
    repeated: Repeated,
) -> Result<Response, Problem> {
    let path = Path((organization, repeated.resource.unwrap_or_default()));
    let mut answer = get::get(State(app.clone()), Bearer(caller), path, Params::default()).await?;
    mark_replayed(answer.headers_mut(), repeated.position);
    Ok(answer)
}

/// What a PUT may say.
#[derive(utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct UpdateBody {
    /// The organization role.
    org_role: Option<String>,
    /// The same under its old name; `orgRole` wins.
    #[schema(deprecated)]
    role: Option<String>,
    /// All teams with the explicit role on each.
    team_roles: Option<Vec<UpdateTeamRole>>,
    /// Slugs of all teams; `teamRoles` wins.
    #[schema(deprecated)]
    teams: Option<Vec<String>>,
}

/// One team of a PUT.
#[derive(utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct UpdateTeamRole {
    /// The slug of an active team of the organization.
    team_slug: String,
    /// A team role, or null for none.
    role: Option<String>,
}

/// The organization that the path names, and the caller's own membership of it.
pub(super) async fn locate(
    app: &App,
    caller: &Caller,
    organization: &str,
) -> Result<(OrganizationId, Option<MemberId>), Problem> {
    let id = app.ledger.look().organization(organization).await?.0;
    let own = match caller.kind {
        CallerKind::User(user) => app.ledger.find_membership(id, user).await?,
        CallerKind::Integration(_) => None,
    };
    Ok((id, own))
}

async fn done(app: &App, operation: &UpdateMember, executed: Executed<Updated>) -> Result<Response, Problem> {
    let Updated { context, before, sequence } = &executed.answer;
    let after = executed.state::<Member>(operation.member);
    let (member, sequence) =
        after.as_ref().map_or((before, *sequence), |after| (&after.state, after.sequence));
    let details = answer::from_states(
        app,
        operation.organization,
        operation.member,
        (member, sequence),
        &context.teams,
    )
    .await?;
    let (organization, roles) = (&context.organization.1, &context.roles);
    let scopes = context.requester.scopes(operation.organization, organization, roles);
    let allowed = context.requester.allowed_org_roles(&scopes, organization, roles, false);
    let look = Onlooker {
        organization: (operation.organization, organization),
        roles,
        allowed: &allowed,
        own_role: context.requester.membership.as_ref().and_then(|(_, member)| member.org_role.as_ref()),
        superuser: context.requester.is_superuser(),
    };
    let (shape, late): (MemberWithRoles, bool) =
        answer::with_roles(app, &details, &look, executed.position).await?;
    let mut headers = HeaderMap::new();
    headers.insert(names::POSITION, HeaderValue::from(executed.position.0));
    if let Ok(tag) = etag(sequence).parse() {
        headers.insert(header::ETAG, tag);
    }
    if late {
        mark_stale(app, &mut headers, app.applied());
    }
    Ok((headers, Json(shape)).into_response())
}

/// Says that the answer repeats an earlier one.
pub(super) fn mark_replayed(headers: &mut HeaderMap, position: Position) {
    headers.insert(names::POSITION, HeaderValue::from(position.0));
    headers.insert(names::REPLAYED, HeaderValue::from_static("true"));
}

//! POST `organizations/{organization}/members/` (behaviour.md 4.2, 4.3).

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use muster_events::{
    id::{MemberId, OrganizationId},
    member::Member as MemberState,
    refusal::Refusal,
};
use muster_projections::members::{self, MemberRow};

use super::{
    answer::{self, role_name},
    invite_body,
    update::{ANSWER_WAIT, UpdateTeamRole, count_limited, mark_replayed},
};
use crate::{
    http::{
        access,
        app::App,
        auth::Bearer,
        body::{Flag, JsonObject, Text},
        described::{KeyOnly, OfOrganization},
        idempotency::{etag, request_key},
        names,
        params::{InPath, Params},
        problem::Problem,
        request::About,
        shapes::{
            OnlyId,
            member::{self as shape, Member},
        },
    },
    ledger::{
        Caller, Executed, Failure, Outcome, Repeated,
        operations::{InviteMember, Invited},
    },
};

const NEEDS: &[&str] = &["member:read", "member:write", "member:admin"];

/// Invite an address
///
/// The invitation is valid for 30 days. A request for the same address goes on as the invitation.
#[utoipa::path(
    post,
    path = "/api/0/organizations/{organization}/members/",
    tag = "members",
    params(OfOrganization, KeyOnly),
    request_body(content = InviteBody, description = "Who is invited, with which role, to which teams"),
    responses(
        (status = 201, description = "The invitation", body = Member,
            headers(("ETag" = String), ("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A field is not valid, or the address is in the organization already"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester or the organization may not invite"),
        (status = 404, description = "There is no such organization"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 429, description = "Too many invitations today"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn invite(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath(organization): InPath<String>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    body: JsonObject,
) -> Result<Response, Problem> {
    let keys = app.ledger.keys();
    let request = (&Method::POST, &uri, &headers, &*body.raw);
    let key = request_key(keys, &caller, request, StatusCode::CREATED)?;
    let turn = app.ledger.begin(key).await;
    let id = match app.ledger.find_organization(&organization).await {
        Ok(id) => id,
        Err(Failure::Refused(refusal)) => {
            let repeated = app.ledger.refuse(refusal, &turn).await?;
            return replayed(&app, caller, &organization, repeated).await;
        }
        Err(failure) => return Err(failure.into()),
    };
    let (asked, address) = invite_body::parse(&body.fields, Params::of(&uri).get("referrer"), keys);
    let member = app.ledger.new_member_id();
    let operation = InviteMember { caller, organization: id, member, address, asked };
    let outcome = app.ledger.execute(&operation, &about.meta(caller), turn).await;
    match outcome.inspect_err(count_limited)? {
        Outcome::Done(executed) => Ok(done(&app, id, executed).await),
        Outcome::Replayed(repeated) => replayed(&app, caller, &organization, repeated).await,
    }
}

/// What a POST may say.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "email": "mia@example.com", "orgRole": "member", "sendInvite": true }))]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct InviteBody {
    /// The address.
    email: Text,
    /// The organization role.
    org_role: Option<Text>,
    /// The same under its old name; `orgRole` wins.
    #[schema(deprecated)]
    role: Option<Text>,
    /// The teams; the roles on them count where the organization has the feature `invite-team-roles`.
    team_roles: Option<Vec<UpdateTeamRole>>,
    /// Slugs of the teams; `teamRoles` wins.
    #[schema(deprecated)]
    teams: Option<Vec<Text>>,
    /// False: no letter is sent.
    send_invite: Option<Flag>,
}

/// The answer, also when something that it shows besides the row cannot be had: what is committed is never answered
/// with an error.
async fn done(app: &App, organization: OrganizationId, executed: Executed<Invited>) -> Response {
    let id = executed.answer.member;
    let mut headers = HeaderMap::new();
    headers.insert(names::POSITION, HeaderValue::from(executed.position.0));
    let shape = match executed.state::<MemberState>(id) {
        Some(after) => {
            if let Ok(tag) = etag(after.sequence).parse() {
                headers.insert(header::ETAG, tag);
            }
            let (context, state) = (&executed.answer.context, (&*after.state, after.sequence));
            match answer::from_states(app, organization, id, state, &context.teams).await {
                Ok(details) => {
                    let row = &details.member;
                    plain(app, row, role_name(&context.roles, &row.org_role)).await.ok()
                }
                Err(_) => None,
            }
        }
        None => None,
    };
    answered(id, headers, shape)
}

fn answered(id: MemberId, headers: HeaderMap, shape: Option<Member>) -> Response {
    match shape {
        Some(shape) => (StatusCode::CREATED, headers, Json(shape)).into_response(),
        None => (StatusCode::CREATED, headers, Json(OnlyId::of(&id))).into_response(),
    }
}

/// The row as lists show it.
async fn plain(app: &App, row: &MemberRow, role_name: &str) -> Result<Member, Problem> {
    let opener = app.ledger.keys().opener(shape::envelopes(row)).await.map_err(Failure::from)?;
    Ok(shape::member(row, &opener, role_name, app.ledger.clock().now(), None))
}

/// The row as it is now, in the place of the answer that was given first. The status is that of the first answer, also
/// when the row cannot be shown any more, or not to this requester.
async fn replayed(
    app: &App,
    caller: Caller,
    organization: &str,
    repeated: Repeated,
) -> Result<Response, Problem> {
    let resource = repeated.resource.clone().unwrap_or_default();
    let id: MemberId = resource.parse().map_err(|_| Problem::from(Refusal::NotFound))?;
    let head = *app.ledger.store().commits().borrow();
    let late = app.read_models.wait_for(head, ANSWER_WAIT).await.is_err();
    let shape = now_shown(app, caller, organization, id).await.ok();
    let mut headers = HeaderMap::new();
    mark_replayed(&mut headers, repeated.position);
    if late && let Ok(applied) = HeaderValue::from_str(&app.at(app.applied()).to_string()) {
        headers.insert(names::STALE, applied);
    }
    let mut answer = answered(id, headers, shape);
    *answer.status_mut() = StatusCode::from_u16(repeated.status).unwrap_or(StatusCode::CREATED);
    Ok(answer)
}

async fn now_shown(app: &App, caller: Caller, organization: &str, id: MemberId) -> Result<Member, Problem> {
    let access = access::enter(app, &caller, organization, NEEDS, true).await?;
    let found = members::query::find(app.views(), access.id, id)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let row = found.ok_or_else(|| Problem::from(Refusal::NotFound))?.member;
    plain(app, &row, role_name(&access.roles, &row.org_role)).await
}

//! PUT `organizations/{organization}/members/{member}/` (behaviour.md 2).

use std::time::Duration;

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use muster_events::{
    event::Event,
    id::{MemberId, OrganizationId},
    member::{Member, MemberEvent, UpdateContext},
    refusal::Refusal,
    stream::{Position, Sequence},
};

use super::{
    answer::{self, Onlooker},
    get, update_body,
};
use crate::{
    http::{
        app::App,
        auth::Bearer,
        body::{Flag, JsonObject, Text},
        described::{OfMember, Safety},
        idempotency::{etag, if_match, request_key},
        names,
        params::{InPath, Params},
        problem::Problem,
        request::About,
        shapes::{OnlyId, member::MemberWithRoles},
    },
    ledger::{
        Caller, CallerKind, ExecuteError, Executed, Failure, Outcome, Repeated,
        operations::{UpdateMember, Updated},
    },
    store::Appended,
};

/// How long an answer that repeats an earlier one waits for the views.
pub(super) const ANSWER_WAIT: Duration = Duration::from_secs(1);

const NEEDS: &[&str] = &["member:invite", "member:write", "member:admin"];

/// Change a member
///
/// Organization role and teams, all or nothing. What the body does not name stays as it is; an empty list of teams
/// takes the member off every team. An organization role that makes explicit team roles redundant clears them. With
/// `reinvite`, the invitation is sent again and nothing else is changed.
#[utoipa::path(
    put,
    path = "/api/0/organizations/{organization}/members/{member}/",
    tag = "members",
    params(OfMember, Safety),
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
        (status = 429, description = "Too many invitations today"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn update(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath((organization, member)): InPath<(String, String)>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    body: JsonObject,
) -> Result<Response, Problem> {
    let keys = app.ledger.keys();
    let key = request_key(keys, &caller, (&Method::PUT, &uri, &headers, &body.raw), StatusCode::OK)?;
    let if_match = if_match(&headers)?;
    let turn = app.ledger.begin(key).await;
    let (organization_id, member_id) = match locate(&app, &caller, (&organization, &member), NEEDS).await {
        Ok(located) => located,
        Err(Failure::Refused(refusal)) => {
            let repeated = app.ledger.refuse(refusal, &turn).await?;
            return replayed(&app, caller, organization, repeated).await;
        }
        Err(failure) => return Err(failure.into()),
    };
    let (changes, address) = update_body::parse(&body.fields, app.ledger.keys());
    let (organization_of, member) = (organization_id, member_id);
    let operation =
        UpdateMember { caller, organization: organization_of, member, if_match, address, changes };
    let outcome = app.ledger.execute(&operation, &about.meta(caller), turn).await;
    match outcome.inspect_err(count_limited)? {
        Outcome::Done(executed) => Ok(done(&app, &operation, executed).await),
        Outcome::Replayed(repeated) => replayed(&app, caller, organization, repeated).await,
    }
}

/// The member as he is now, in the place of the answer that was given first. The status is that of the first answer,
/// also when he cannot be shown any more, or not to this requester.
pub(super) async fn replayed(
    app: &App,
    caller: Caller,
    organization: String,
    repeated: Repeated,
) -> Result<Response, Problem> {
    let member = repeated.resource.unwrap_or_default();
    let head = *app.ledger.store().commits().borrow();
    let late = app.read_models.wait_for(head, ANSWER_WAIT).await.is_err();
    let path = InPath((organization, member.clone()));
    let shown = get::get(State(app.clone()), Bearer(caller), path, Params::eventual()).await;
    let mut answer = match shown {
        Ok(answer) => answer,
        Err(_) => Json(OnlyId::of(&member)).into_response(),
    };
    *answer.status_mut() = StatusCode::from_u16(repeated.status).unwrap_or(StatusCode::OK);
    mark_replayed(answer.headers_mut(), repeated.position);
    if late && let Ok(applied) = HeaderValue::from_str(&app.at(app.applied()).to_string()) {
        answer.headers_mut().insert(names::STALE, applied);
    }
    Ok(answer)
}

/// What a PUT may say.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "orgRole": "manager" }))]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct UpdateBody {
    /// The organization role.
    org_role: Option<Text>,
    /// The same under its old name; `orgRole` wins.
    #[schema(deprecated)]
    role: Option<Text>,
    /// All teams with the explicit role on each.
    team_roles: Option<Vec<UpdateTeamRole>>,
    /// Slugs of all teams; `teamRoles` wins.
    #[schema(deprecated)]
    teams: Option<Vec<Text>>,
    /// Sends the invitation again, or asks a member to link himself at the SSO provider; nothing else in the same
    /// request.
    reinvite: Option<Flag>,
    /// With `reinvite`: with a new token, valid for 30 days.
    regenerate: Option<Flag>,
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
    team_slug: Text,
    /// A team role, or null for none.
    role: Option<Text>,
}

/// The organization and the member that a path names. Who may not look at members at all is told so, and not whether
/// there is such a member.
pub(super) async fn locate(
    app: &App,
    caller: &Caller,
    (organization, member): (&str, &str),
    needs: &[&str],
) -> Result<(OrganizationId, MemberId), Failure> {
    let id = app.ledger.look().organization(organization).await?.0;
    let found = match (member, caller.kind) {
        ("me", CallerKind::User(user)) => app.ledger.find_membership(id, user).await?,
        ("me", CallerKind::Integration(_)) => None,
        (member, _) => member.parse().ok(),
    };
    if let Some(member) = found {
        return Ok((id, member));
    }
    let mut unit = app.ledger.look();
    let (_, found) = unit.organization(organization).await?;
    let (roles, requester) = (unit.roles().await?, unit.requester(caller, id).await?);
    requester.gate(id, &found.state, &roles, needs, true)?;
    Err(Refusal::NotFound.into())
}

/// The answer, also when something that it shows besides the member cannot be had: what is committed is never answered
/// with an error.
async fn done(app: &App, operation: &UpdateMember, executed: Executed<Updated>) -> Response {
    let (position, after) = (executed.position, executed.state::<Member>(operation.member));
    let Updated { context, before, sequence } = executed.answer;
    let (member, sequence) = after.map_or((before, sequence), |after| (after.state, after.sequence));
    count_cleared(&executed.appended);
    let mut headers = HeaderMap::new();
    headers.insert(names::POSITION, HeaderValue::from(position.0));
    if let Ok(tag) = etag(sequence).parse() {
        headers.insert(header::ETAG, tag);
    }
    match shape(app, operation, &context, (&member, sequence)).await {
        Ok(shape) => (headers, Json(shape)).into_response(),
        Err(_) => (headers, Json(OnlyId::of(&operation.member))).into_response(),
    }
}

async fn shape(
    app: &App,
    operation: &UpdateMember,
    context: &UpdateContext,
    member: (&Member, Sequence),
) -> Result<MemberWithRoles, Problem> {
    let details =
        answer::from_states(app, operation.organization, operation.member, member, &context.teams).await?;
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
    answer::with_roles(app, &details, &look, None).await
}

/// Counts refusals by the limits on invitations, each once however often it is told.
pub(super) fn count_limited(error: &ExecuteError) {
    if let ExecuteError::Refused { refusal: Refusal::InvitationLimit, replayed: false, .. } = error {
        metrics::counter!("muster_member_invite_attempt_total", "instance" => "rate_limited").increment(1);
    }
}

/// Counts explicit team roles that a new organization role made redundant (behaviour.md D5).
pub(in crate::http) fn count_cleared(appended: &Appended) {
    for stored in appended.events.iter() {
        let Ok(event) = stored.event() else { continue };
        if let Event::Member(MemberEvent::TeamRoleCleared { because_of_org_role, .. }) = &*event {
            let role = because_of_org_role.to_string();
            metrics::counter!("muster_team_roles_update_to_minimum_total", "target_org_role" => role)
                .increment(1);
        }
    }
}

/// Says that the answer repeats an earlier one.
pub(in crate::http) fn mark_replayed(headers: &mut HeaderMap, position: Position) {
    headers.insert(names::POSITION, HeaderValue::from(position.0));
    headers.insert(names::REPLAYED, HeaderValue::from_static("true"));
}

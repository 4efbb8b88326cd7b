//! A request as an answer: of a read, from the views; of a command, from what it has just folded; of a repetition, as
//! it is now.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use muster_events::{
    id::{MemberId, OrganizationId},
    member::{Member, UpdateContext},
    refusal::Refusal,
    stream::{Position, Sequence},
};
use muster_projections::members::{self, MemberDetails};
use serde_json::{Value, json};

use crate::{
    http::{
        access,
        app::App,
        idempotency::etag,
        members::{
            answer::{from_states, role_name},
            update::mark_replayed,
        },
        names,
        problem::Problem,
        shapes::{OnlyId, member as shape},
    },
    ledger::{Caller, Failure, Repeated},
};

/// Any of these lets somebody see requests.
pub(super) const SEEING: &[&str] = &["member:read", "member:write", "member:admin"];

/// Any of these lets somebody edit, approve and reject requests.
pub(super) const ANSWERING: &[&str] = &["member:write", "member:admin"];

/// How long an answer that repeats an earlier one waits for the views.
const ANSWER_WAIT: Duration = Duration::from_secs(1);

/// In which form a request is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As members are listed.
    Plain,
    /// With teams.
    WithTeams,
}

/// The organization and the request that a path names; `me` is nobody's request. Who may not do this to any request is
/// told so, and not whether there is such a request.
pub(super) async fn locate(
    app: &App,
    caller: &Caller,
    (organization, request): (&str, &str),
    needs: &[&str],
) -> Result<(OrganizationId, MemberId), Failure> {
    let mut unit = app.ledger.look();
    let (id, found) = unit.organization(organization).await?;
    if let Ok(request) = request.parse() {
        return Ok((id, request));
    }
    let (roles, requester) = (unit.roles().await?, unit.requester(caller, id).await?);
    requester.gate(id, &found.state, &roles, needs, false)?;
    Err(Refusal::NotFound.into())
}

/// The request in this form.
async fn shown(
    app: &App,
    details: &MemberDetails,
    roles: &muster_events::roles::Roles,
    form: Form,
) -> Result<Value, Problem> {
    let row = &details.member;
    let opener = app.ledger.keys().opener(shape::envelopes(row)).await.map_err(Failure::from)?;
    let (name, now) = (role_name(roles, &row.org_role), app.ledger.clock().now());
    let shown = match form {
        Form::Plain => serde_json::to_value(shape::member(row, &opener, name, now, None)),
        Form::WithTeams => serde_json::to_value(shape::with_teams(details, &opener, name, now)),
    };
    shown.map_err(|error| Problem::unavailable(&error.to_string()))
}

/// The answer to a command, also when something that it shows besides the request cannot be had: what is committed is
/// never answered with an error.
pub(super) async fn done(
    app: &App,
    (organization, id): (OrganizationId, MemberId),
    context: &UpdateContext,
    (member, sequence): (&Member, Sequence),
    (status, position, form): (StatusCode, Position, Form),
) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(names::POSITION, HeaderValue::from(position.0));
    if let Ok(tag) = etag(sequence).parse() {
        headers.insert(header::ETAG, tag);
    }
    let details = from_states(app, organization, id, (member, sequence), &context.teams).await;
    let body = match details {
        Ok(details) => shown(app, &details, &context.roles, form).await.ok(),
        Err(_) => None,
    };
    (status, headers, Json(body.unwrap_or_else(|| json!(OnlyId::of(&id))))).into_response()
}

/// The request as it is now, an invitation perhaps, in the place of the answer that was given first. The status is that
/// of the first answer, also when the request is gone, or is not for this requester any more.
pub(super) async fn replayed(
    app: &App,
    caller: &Caller,
    organization: &str,
    repeated: Repeated,
    form: Form,
) -> Response {
    let id = repeated.resource.unwrap_or_default();
    let head = *app.ledger.store().commits().borrow();
    let late = app.read_models.wait_for(head, ANSWER_WAIT).await.is_err();
    let body = now(app, caller, (organization, &id), form).await;
    let mut answer = Json(body.unwrap_or_else(|_| json!(OnlyId::of(&id)))).into_response();
    *answer.status_mut() = StatusCode::from_u16(repeated.status).unwrap_or(StatusCode::OK);
    mark_replayed(answer.headers_mut(), repeated.position);
    if late && let Ok(applied) = HeaderValue::from_str(&app.at(app.applied()).to_string()) {
        answer.headers_mut().insert(names::STALE, applied);
    }
    answer
}

async fn now(app: &App, caller: &Caller, at: (&str, &str), form: Form) -> Result<Value, Problem> {
    let (organization, id) = at;
    let access = access::enter(app, caller, organization, SEEING, false).await?;
    let id = id.parse().map_err(|_| Problem::from(Refusal::NotFound))?;
    let found = members::query::find(app.views(), access.id, id)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let details = found.ok_or_else(|| Problem::from(Refusal::NotFound))?;
    shown(app, &details, &access.roles, form).await
}

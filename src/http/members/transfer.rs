//! POST `organizations/{organization}/transfer-ownership/` (behaviour.md D25).

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use muster_events::{id::MemberId, member::Member, refusal::FieldError, stream::Sequence};
use serde_json::{Map, Value};

use super::{
    answer::{self, Onlooker},
    update::{count_cleared, replayed},
};
use crate::{
    http::{
        app::App,
        auth::Bearer,
        body::{JsonObject, Text, string},
        described::{Keyed, OfOrganization},
        idempotency::{etag, request_key},
        names,
        params::InPath,
        problem::Problem,
        request::About,
        shapes::{OnlyId, member::MemberWithRoles},
    },
    ledger::{
        Executed, Failure, Outcome,
        operations::{TransferOwnership, Transferred},
    },
};

/// Transfer the ownership
///
/// The member becomes an owner, and the requester, who is one, gets the next lower role; both at once. For a person's
/// token only.
#[utoipa::path(
    post,
    path = "/api/0/organizations/{organization}/transfer-ownership/",
    tag = "members",
    params(OfOrganization, Keyed),
    request_body = TransferBody,
    responses(
        (status = 200, description = "The new owner", body = MemberWithRoles,
            headers(("ETag" = String), ("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "There is no such member with an active account, or the requester is no person"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester is no owner, or one of the two is managed elsewhere"),
        (status = 404, description = "There is no such organization"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn transfer(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath(organization): InPath<String>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    body: JsonObject,
) -> Result<Response, Problem> {
    let keys = app.ledger.keys();
    let key = request_key(keys, &caller, (&Method::POST, &uri, &headers, &body.raw), StatusCode::OK)?;
    let turn = app.ledger.begin(key).await;
    let found = app.ledger.look().organization(&organization).await;
    let id = match found {
        Ok((id, _)) => id,
        Err(Failure::Refused(refusal)) => {
            let repeated = app.ledger.refuse(refusal, &turn).await?;
            return replayed(&app, caller, organization, repeated).await;
        }
        Err(failure) => return Err(failure.into()),
    };
    // An id that nobody has stands for one that cannot be read.
    let (to, malformed) = match parse(&body.fields) {
        Ok(to) => (to, None),
        Err(error) => (None, Some(error)),
    };
    let to = to.unwrap_or_else(|| app.ledger.new_member_id());
    let operation = TransferOwnership { caller, organization: id, to, malformed };
    match app.ledger.execute(&operation, &about.meta(caller), turn).await? {
        Outcome::Done(executed) => Ok(done(&app, &operation, executed).await),
        Outcome::Replayed(repeated) => replayed(&app, caller, organization, repeated).await,
    }
}

/// What a transfer says.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "member": "204800000000011" }))]
#[expect(dead_code, reason = "describes the body, which is read by hand")]
pub(in crate::http) struct TransferBody {
    /// The id of the member who is to be an owner.
    member: Text,
}

/// The member that the body names; none when it is no id.
fn parse(fields: &Map<String, Value>) -> Result<Option<MemberId>, FieldError> {
    let value = fields.get("member").ok_or_else(|| FieldError::new("member", "This field is required."))?;
    Ok(string("member", value)?.parse().ok())
}

/// The answer, also when something that it shows besides the member cannot be had: what is committed is never answered
/// with an error.
async fn done(app: &App, operation: &TransferOwnership, executed: Executed<Transferred>) -> Response {
    count_cleared(&executed.appended);
    let after = executed.state::<Member>(operation.to).map(|after| (after.state, after.sequence));
    let before = || (executed.answer.before.clone(), executed.answer.sequence);
    let (member, sequence) = after.unwrap_or_else(before);
    let mut headers = HeaderMap::new();
    headers.insert(names::POSITION, HeaderValue::from(executed.position.0));
    if let Ok(tag) = etag(sequence).parse() {
        headers.insert(header::ETAG, tag);
    }
    match shape(app, operation, &executed, (&member, sequence)).await {
        Ok(shape) => (headers, Json(shape)).into_response(),
        Err(_) => (headers, Json(OnlyId::of(&operation.to))).into_response(),
    }
}

/// The new owner, as the requester sees him from now on.
async fn shape(
    app: &App,
    operation: &TransferOwnership,
    executed: &Executed<Transferred>,
    member: (&Member, Sequence),
) -> Result<MemberWithRoles, Problem> {
    let Transferred { context, teams, .. } = &executed.answer;
    let details = answer::from_states(app, operation.organization, operation.to, member, teams).await?;
    let mut requester = context.requester.clone();
    if let Some((id, own)) = &mut requester.membership
        && let Some(after) = executed.state::<Member>(*id)
    {
        *own = after.state;
    }
    let (organization, roles) = (&context.organization.1, &context.roles);
    let scopes = requester.scopes(operation.organization, organization, roles);
    let allowed = requester.allowed_org_roles(&scopes, organization, roles, false);
    let look = Onlooker {
        organization: (operation.organization, organization),
        roles,
        allowed: &allowed,
        own_role: requester.membership.as_ref().and_then(|(_, member)| member.org_role.as_ref()),
        superuser: requester.is_superuser(),
    };
    answer::with_roles(app, &details, &look, None).await
}

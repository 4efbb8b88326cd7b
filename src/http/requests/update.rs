//! PUT `organizations/{organization}/invite-requests/{request}/` (behaviour.md 4.6).

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};
use muster_events::member::Member;

use super::{
    answer::{self, ANSWERING, Form},
    body,
};
use crate::{
    http::{
        app::App,
        auth::Bearer,
        body::{Flag, JsonObject, Text},
        described::{OfRequest, Safety},
        idempotency::{if_match, request_key},
        members::update::{UpdateTeamRole, count_cleared},
        params::InPath,
        problem::Problem,
        request::About,
        shapes::member::MemberWithTeams,
    },
    ledger::{
        Failure, Outcome,
        operations::{AnswerRequest, RequestChange, Updated},
    },
};

/// What a PUT of a request may say.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "approve": true }))]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct AnswerBody {
    /// Whether the request becomes an invitation.
    approve: Option<Flag>,
    /// The organization role.
    org_role: Option<Text>,
    /// The same under its old name; `orgRole` wins.
    #[schema(deprecated)]
    role: Option<Text>,
    /// All teams with the explicit role on each, which counts where invitations give team roles.
    team_roles: Option<Vec<UpdateTeamRole>>,
    /// Slugs of all teams; `teamRoles` wins.
    #[schema(deprecated)]
    teams: Option<Vec<Text>>,
}

/// Edit or approve a request
///
/// Role, teams and approval, all or nothing. What the body does not name stays as it is; an empty list of teams takes the
/// request off every team. An approved request is an invitation that is valid for 30 days.
#[utoipa::path(
    put,
    path = "/api/0/organizations/{organization}/invite-requests/{request}/",
    tag = "requests",
    params(OfRequest, Safety),
    request_body(content = AnswerBody, description = "Every field is optional"),
    responses(
        (status = 200, description = "The request afterwards", body = MemberWithTeams,
            headers(("ETag" = String), ("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A field is not valid, or the approval is against a rule"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester may not answer requests"),
        (status = 404, description = "There is no such organization or request"),
        (status = 412, description = "The request has changed since the ETag was given"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn update(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath((organization, request)): InPath<(String, String)>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    body: JsonObject,
) -> Result<Response, Problem> {
    let keys = app.ledger.keys();
    let key = request_key(keys, &caller, (&Method::PUT, &uri, &headers, &body.raw), StatusCode::OK)?;
    let if_match = if_match(&headers)?;
    let turn = app.ledger.begin(key).await;
    let located = answer::locate(&app, &caller, (&organization, &request), ANSWERING).await;
    let (organization_id, request) = match located {
        Ok(located) => located,
        Err(Failure::Refused(refusal)) => {
            let repeated = app.ledger.refuse(refusal, &turn).await?;
            return Ok(answer::replayed(&app, &caller, &organization, repeated, Form::WithTeams).await);
        }
        Err(failure) => return Err(failure.into()),
    };
    let (fields, approve) = body::answer(&body.fields);
    let change = RequestChange::Update(Box::new(fields), approve);
    let operation = AnswerRequest { caller, organization: organization_id, request, if_match, change };
    match app.ledger.execute(&operation, &about.meta(caller), turn).await? {
        Outcome::Done(executed) => {
            count_cleared(&executed.appended);
            let (position, after) = (executed.position, executed.state::<Member>(request));
            let Updated { context, before, sequence } = executed.answer;
            let (member, sequence) = after.map_or((before, sequence), |after| (after.state, after.sequence));
            let how = (StatusCode::OK, position, Form::WithTeams);
            Ok(answer::done(&app, (organization_id, request), &context, (&member, sequence), how).await)
        }
        Outcome::Replayed(repeated) => {
            Ok(answer::replayed(&app, &caller, &organization, repeated, Form::WithTeams).await)
        }
    }
}

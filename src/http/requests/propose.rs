//! POST `organizations/{organization}/invite-requests/` (behaviour.md 4.6).

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};
use muster_events::{id::MemberId, member, refusal::Refusal};

use super::{
    answer::{self, Form},
    body,
};
use crate::{
    http::{
        app::App,
        auth::Bearer,
        body::{JsonObject, Text},
        described::{Keyed, OfOrganization},
        idempotency::request_key,
        params::InPath,
        problem::Problem,
        request::About,
        shapes::member::Member,
    },
    ledger::{Failure, Outcome, operations::Propose},
};

/// What a proposal may say.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "email": "noah@example.com", "orgRole": "member" }))]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct ProposalBody {
    /// The address.
    email: Text,
    /// The organization role; the deployment's default when it is not given.
    org_role: Option<Text>,
    /// The same under its old name; `orgRole` wins.
    #[schema(deprecated)]
    role: Option<Text>,
    /// The teams with the explicit role on each, which counts where invitations give team roles.
    team_roles: Option<Vec<crate::http::members::update::UpdateTeamRole>>,
    /// Slugs of the teams; `teamRoles` wins, unless it is empty.
    #[schema(deprecated)]
    teams: Option<Vec<Text>>,
}

/// Propose to invite an address
///
/// For every member, also one who may not invite; any role may be proposed. Who approves the request has to be one who
/// may give the role.
#[utoipa::path(
    post,
    path = "/api/0/organizations/{organization}/invite-requests/",
    tag = "requests",
    params(OfOrganization, Keyed),
    request_body(content = ProposalBody),
    responses(
        (status = 201, description = "The request", body = Member,
            headers(("ETag" = String), ("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A field is not valid, the address is known, or a provider registers the members"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester is not in the organization, or may not see members"),
        (status = 404, description = "There is no such organization"),
        (status = 409, description = "Somebody else used the address at the same moment"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn propose(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath(organization): InPath<String>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    body: JsonObject,
) -> Result<Response, Problem> {
    let keys = app.ledger.keys();
    let key = request_key(keys, &caller, (&Method::POST, &uri, &headers, &body.raw), StatusCode::CREATED)?;
    let turn = app.ledger.begin(key).await;
    let found = app.ledger.look().organization(&organization).await;
    let organization_id = match found {
        Ok((id, _)) => id,
        Err(Failure::Refused(refusal)) => {
            let repeated = app.ledger.refuse(refusal, &turn).await?;
            return Ok(answer::replayed(&app, &caller, &organization, repeated, Form::Plain).await);
        }
        Err(failure) => return Err(failure.into()),
    };
    let (proposal, address) = body::proposal(&body.fields, keys);
    let operation = Propose { caller, organization: organization_id, address, proposal };
    match app.ledger.execute(&operation, &about.meta(caller), turn).await? {
        Outcome::Done(executed) => {
            let id: MemberId = executed.answer.0;
            let made =
                executed.state::<member::Member>(id).ok_or_else(|| Problem::from(Refusal::NotFound))?;
            let how = (StatusCode::CREATED, executed.position, Form::Plain);
            let at = (organization_id, id);
            Ok(answer::done(&app, at, &executed.answer.1, (&made.state, made.sequence), how).await)
        }
        Outcome::Replayed(repeated) => {
            Ok(answer::replayed(&app, &caller, &organization, repeated, Form::Plain).await)
        }
    }
}

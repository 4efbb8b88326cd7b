//! PUT `organizations/{organization}/members/{member}/teams/{team}/` (behaviour.md 5.4).

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
};
use muster_events::member::{Member, team_membership::TeamRoleWanted};
use serde_json::{Map, Value};

use super::answer::tag;
use crate::{
    http::{
        app::App,
        auth::Bearer,
        body::{JsonObject, Text, boolean, string},
        described::{OfTeamMembership, Safety},
        idempotency::{if_match, request_key},
        members::update::mark_replayed,
        names,
        params::InPath,
        problem::Problem,
        request::About,
        shapes::{access_request::parse_request_id, team_membership::TeamMembership},
    },
    ledger::{
        Outcome, Repeated,
        operations::{ChangeTeamMembership, Ended, MembershipAct, OnTeam},
    },
};

/// What a PUT may say.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "teamRole": "admin" }))]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct TeamRoleBody {
    /// A team role.
    team_role: Option<Text>,
}

/// Change the role of a member on a team
///
/// A role that the organization role gives anyway is not stored; the answer shows none then.
#[utoipa::path(
    put,
    path = "/api/0/organizations/{organization}/members/{member}/teams/{team}/",
    tag = "teams",
    params(OfTeamMembership, Safety),
    request_body(content = TeamRoleBody, description = "Without a role nothing changes"),
    responses(
        (status = 200, description = "The membership afterwards", body = TeamMembership,
            headers(("ETag" = String, description = "That of the member"), ("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A field is not valid, or the requester may not give or take this role"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester may not ask"),
        (status = 404, description = "There is no such organization, member or team, or the member is not on it"),
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
    InPath((organization, member, team)): InPath<(String, String, String)>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    body: JsonObject,
) -> Result<Response, Problem> {
    let keys = app.ledger.keys();
    let key = request_key(keys, &caller, (&Method::PUT, &uri, &headers, &body.raw), StatusCode::OK)?;
    let if_match = if_match(&headers)?;
    let turn = app.ledger.begin(key).await;
    let path = OnTeam { organization, member, team };
    let act = MembershipAct::ChangeRole(wanted(&body.fields));
    let operation = ChangeTeamMembership { caller, path, if_match, act };
    match app.ledger.execute(&operation, &about.meta(caller), turn).await? {
        Outcome::Done(executed) => {
            let answer = &executed.answer;
            count(&answer.ended);
            let mut headers = HeaderMap::new();
            headers.insert(names::POSITION, HeaderValue::from(executed.position.0));
            tag(&mut headers, answer);
            let role = answer.member.state.teams.get(&answer.context.team.0).and_then(Option::as_ref);
            Ok((headers, Json(TeamMembership::with(role))).into_response())
        }
        Outcome::Replayed(repeated) => Ok(replayed(&app, &repeated).await),
    }
}

/// What the body asks for. `isActive` is looked at and ignored.
fn wanted(fields: &Map<String, Value>) -> TeamRoleWanted {
    let mut malformed = vec![];
    let given = fields.get("teamRole").filter(|value| !value.is_null());
    let role = given.and_then(|value| string("teamRole", value).map_err(|error| malformed.push(error)).ok());
    if let Some(Err(error)) = fields.get("isActive").map(|value| boolean("isActive", value)) {
        malformed.push(error);
    }
    TeamRoleWanted { role, malformed }
}

/// Counts roles that were given (behaviour.md 12).
fn count(ended: &Ended) {
    if let Ended::Set(Some((role, is_minimum))) = ended {
        let applying = if *is_minimum { "True" } else { "False" };
        let role = role.to_string();
        metrics::counter!("muster_team_roles_assigned_total", "target_team_role" => role, "applying_minimum" => applying)
            .increment(1);
    }
}

/// The membership as it is now, in the place of the answer that was given first; none when it is over. Whoever repeats
/// the request was told the first time.
async fn replayed(app: &App, repeated: &Repeated) -> Response {
    let named = repeated.resource.as_deref().and_then(parse_request_id);
    let mut role = None;
    if let Some((member, team)) = named
        && let Ok(found) = app.ledger.state::<Member>(&member.into()).await
    {
        role = found.state.teams.get(&team).cloned().flatten();
    }
    let mut headers = HeaderMap::new();
    mark_replayed(&mut headers, repeated.position);
    (headers, Json(TeamMembership::with(role.as_ref()))).into_response()
}

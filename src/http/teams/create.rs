//! POST `organizations/{organization}/teams/` (behaviour.md 5.6).

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};
use muster_events::team::Team as TeamState;

use super::{
    answer::{Folded, replayed, tagged},
    body::{TeamBody, new_team},
};
use crate::{
    http::{
        access::Access,
        app::App,
        auth::Bearer,
        body::JsonObject,
        described::{Keyed, OfOrganization},
        idempotency::request_key,
        params::InPath,
        problem::Problem,
        request::About,
        shapes::team::Team,
    },
    ledger::{Outcome, operations::CreateTeam},
};

/// Create a team
///
/// A requester who is a member of the organization is on it.
#[utoipa::path(
    post,
    path = "/api/0/organizations/{organization}/teams/",
    tag = "teams",
    params(OfOrganization, Keyed),
    request_body(content = TeamBody, description = "A slug, a name, or both"),
    responses(
        (status = 201, description = "The team", body = Team,
            headers(("ETag" = String), ("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A field is not valid"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester may not create teams"),
        (status = 404, description = "There is no such organization"),
        (status = 409, description = "The organization has a team with this slug"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn create(
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
    let operation = CreateTeam { caller, organization: organization.clone(), new: new_team(&body.fields) };
    match app.ledger.execute(&operation, &about.meta(caller), turn).await? {
        Outcome::Done(executed) => {
            // As it was recorded: a team is as old as its first event.
            let recorded = executed.state::<TeamState>(executed.answer.context.team);
            let (position, answer) = (executed.position, executed.answer);
            let (context, team) = (&answer.context, recorded.as_ref().unwrap_or(&answer.team));
            let (id, state) = &context.organization;
            let access = Access::of((*id, state), &context.roles, &context.requester);
            let folded = Folded {
                id: context.team,
                state: &team.state,
                sequence: team.sequence,
                membership: answer.membership.as_deref(),
            };
            Ok(tagged(&app, &access, &folded, (StatusCode::CREATED, position)).await)
        }
        Outcome::Replayed(repeated) => {
            let path = (organization, repeated.resource.clone().unwrap_or_default());
            Ok(replayed(&app, caller, path, about, &repeated).await)
        }
    }
}

//! POST `organizations/` (behaviour.md 5.6).

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};
use serde_json::{Map, Value};

use super::{
    answer::{self, Wish},
    update::replayed,
};
use crate::{
    http::{
        app::App,
        auth::Bearer,
        body::{Flag, JsonObject, Text, boolean, string},
        described::Keyed,
        idempotency::request_key,
        problem::Problem,
        request::About,
        shapes::organization::Summary,
    },
    ledger::{Caller, Outcome, operations::CreateOrganization},
};

/// Create an organization
///
/// The requester becomes its first owner.
#[utoipa::path(
    post,
    path = "/api/0/organizations/",
    tag = "organizations",
    params(Keyed),
    request_body = NewOrganizationBody,
    responses(
        (status = 201, description = "The new organization", body = Summary,
            headers(("ETag" = String), ("Muster-Position" = String), ("Muster-Stale" = Option<String>),
                ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A field is not valid, or the token is no person's"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The token is limited to less than organizations take"),
        (status = 409, description = "Somebody else took the slug at the same moment"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn create(
    State(app): State<App>,
    Bearer(caller): Bearer,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    body: JsonObject,
) -> Result<Response, Problem> {
    let (keys, status) = (app.ledger.keys(), StatusCode::CREATED);
    let key = request_key(keys, &caller, (&Method::POST, &uri, &headers, &body.raw), status)?;
    let turn = app.ledger.begin(key).await;
    let wish = Wish::all(&about.base_url);
    let operation = parse(caller, &body.fields);
    match app.ledger.execute(&operation, &about.meta(caller), turn).await? {
        Outcome::Done(executed) => {
            let headers = answer::headers(executed.position, false, None);
            Ok(answer::now(&app, &caller, executed.answer, (status, headers), (wish, false)).await)
        }
        Outcome::Replayed(repeated) => Ok(replayed(&app, &caller, &repeated, (wish, false)).await),
    }
}

fn parse(caller: Caller, fields: &Map<String, Value>) -> CreateOrganization {
    let mut malformed = vec![];
    let mut text = |name: &str| {
        fields.get(name).and_then(|value| string(name, value).map_err(|error| malformed.push(error)).ok())
    };
    let (name, slug) = (text("name"), text("slug"));
    // An empty slug is none, as forms send it.
    let slug = slug.filter(|slug| !slug.is_empty());
    let default_team = match fields.get("defaultTeam").map(|value| boolean("defaultTeam", value)) {
        None => false,
        Some(Ok(wanted)) => wanted,
        Some(Err(error)) => {
            malformed.push(error);
            false
        }
    };
    CreateOrganization { caller, name, slug, default_team, malformed }
}

/// What a POST may say.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "name": "Globex", "slug": "globex", "defaultTeam": true }))]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct NewOrganizationBody {
    /// The display name.
    name: Text,
    /// The slug; by default made from the name.
    slug: Option<Text>,
    /// Whether there is to be a team of the same name with the requester on it.
    default_team: Option<Flag>,
}

//! PUT `organizations/{organization}/` (behaviour.md 7).

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use muster_events::{id::OrganizationId, organization::Organization};
use serde_json::{Value, json};

use super::{
    answer::{self, ANSWER_WAIT, Wish},
    change::Change,
    update_body::{self, Parse},
};
use crate::{
    http::{
        access::Access,
        app::App,
        asking::Asking,
        body::{Flag, JsonObject, Text},
        described::{OfOrganization, Safety},
        names,
        params::InPath,
        problem::Problem,
        shapes::organization::OrganizationAnswer,
    },
    ledger::{Caller, Executed, Failure, Outcome, Repeated, operations::UpdatedOrganization},
};

pub(super) const NEEDS: &[&str] = &["org:write", "org:admin"];

/// Change an organization
///
/// Name, slug, settings and picture, all or nothing. A deletion that is scheduled is called off. `defaultRole` is heard
/// from those with `org:admin` only.
#[utoipa::path(
    put,
    path = "/api/0/organizations/{organization}/",
    tag = "organizations",
    params(OfOrganization, Safety),
    request_body(content = OrganizationBody, description = "Every field is optional, and so is every setting"),
    responses(
        (status = 200, description = "The organization afterwards", body = OrganizationAnswer,
            headers(("ETag" = String), ("Muster-Position" = String), ("Muster-Stale" = Option<String>),
                ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A field is not valid"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester may not change the organization"),
        (status = 404, description = "There is no such organization"),
        (status = 412, description = "The organization has changed since the ETag was given"),
        (status = 413, description = "The picture or the body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn update(
    State(app): State<App>,
    asking: Asking,
    InPath(organization): InPath<String>,
    body: JsonObject,
) -> Result<Response, Problem> {
    put(&app, &asking, &organization, &body, (update_body::parse, true)).await
}

/// Changes an organization as `parse` reads the body, and answers with the whole of it or with the summary.
pub(super) async fn put(
    app: &App,
    asking: &Asking,
    organization: &str,
    body: &JsonObject,
    (parse, in_full): (Parse, bool),
) -> Result<Response, Problem> {
    let (caller, if_match) = (asking.caller, asking.if_match()?);
    let turn = asking.begin(app, &body.raw, StatusCode::OK).await?;
    let wish = Wish::all(&asking.about.base_url);
    let organization = match answer::locate(app, &caller, organization, NEEDS).await {
        Ok(organization) => organization,
        Err(Failure::Refused(refusal)) => {
            let repeated = app.ledger.refuse(refusal, &turn).await?;
            return Ok(replayed(app, &caller, &repeated, (wish, in_full)).await);
        }
        Err(failure) => return Err(failure.into()),
    };
    let (update, photo) = parse(&body.fields);
    let change = Change { caller, organization, if_match, update, photo };
    match change.carry_out(app, &asking.about, turn).await? {
        Outcome::Done(executed) => Ok(done(app, organization, executed, (wish, in_full)).await),
        Outcome::Replayed(repeated) => Ok(replayed(app, &caller, &repeated, (wish, in_full)).await),
    }
}

/// What a PUT may say, settings apart.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "name": "Acme & Sons", "openMembership": false }))]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct OrganizationBody {
    /// The display name.
    name: Option<Text>,
    /// The slug; the one before stays reserved for the organization for 30 days.
    slug: Option<Text>,
    /// The role of new members.
    default_role: Option<Text>,
    /// Calls a deletion off, as every other change does.
    cancel_deletion: Option<Flag>,
    /// `letter_avatar` or `upload`.
    avatar_type: Option<String>,
    /// A square GIF, JPEG or PNG of 256 to 1024 pixels a side in base64.
    avatar: Option<String>,
    /// Every setting, by its name.
    #[serde(flatten)]
    settings: std::collections::BTreeMap<String, Value>,
}

/// The answer, also when the teams cannot be had.
async fn done(
    app: &App,
    id: OrganizationId,
    executed: Executed<UpdatedOrganization>,
    (wish, in_full): (Wish<'_>, bool),
) -> Response {
    let (position, after) = (executed.position, executed.state::<Organization>(id));
    let UpdatedOrganization { context, before, sequence } = executed.answer;
    let (state, sequence) = after.map_or((before, sequence), |after| (after.state, after.sequence));
    let mut headers = answer::headers(position, false, Some(sequence));
    let scopes = context.requester.scopes(id, &state, &context.roles);
    let access = Access {
        id,
        organization: state.clone(),
        roles: context.roles.clone(),
        requester: context.requester.clone(),
        scopes,
    };
    if !in_full {
        let summary = crate::http::shapes::organization::summary(id, &state, wish.look(&access));
        return (headers, Json(summary)).into_response();
    }
    // The teams are those of the view.
    if app.read_models.wait_for(position, ANSWER_WAIT).await.is_err()
        && let Ok(applied) = HeaderValue::from_str(&app.at(app.applied()).to_string())
    {
        headers.insert(names::STALE, applied);
    }
    let shape = answer::detailed_anyway(app, &access, (id, &state), wish).await;
    (headers, Json(shape)).into_response()
}

/// The organization as it is now, in the place of the answer that was given first.
pub(super) async fn replayed(
    app: &App,
    caller: &Caller,
    repeated: &Repeated,
    shown: (Wish<'_>, bool),
) -> Response {
    let status = StatusCode::from_u16(repeated.status).unwrap_or(StatusCode::OK);
    let headers = answer::headers(repeated.position, true, None);
    match repeated.resource.as_deref().and_then(|id| id.parse().ok()) {
        Some(id) => answer::now(app, caller, id, (status, headers), shown).await,
        None => (status, headers, Json(json!({}))).into_response(),
    }
}

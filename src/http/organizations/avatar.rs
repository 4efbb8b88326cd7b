//! GET and PUT `organizations/{organization}/avatar/` (behaviour.md 8).

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use muster_events::organization::Organization;

use super::{answer::Wish, update::put, update_body};
use crate::http::{
    access,
    app::App,
    asking::Asking,
    auth::Bearer,
    avatars::letters,
    body::JsonObject,
    described::{OfOrganization, Safety},
    idempotency::etag,
    names,
    params::InPath,
    problem::Problem,
    request::About,
    shapes::organization::{self as shape, Summary},
};

const SVG: &str = "image/svg+xml";

/// The picture of an organization
///
/// In the organization's summary. Whoever asks for `image/svg+xml` gets its initials as an image.
#[utoipa::path(
    get,
    path = "/api/0/organizations/{organization}/avatar/",
    tag = "organizations",
    params(OfOrganization),
    responses(
        (status = 200, description = "The organization, or its initials",
            content((Summary = "application/json"), (String = "image/svg+xml")),
            headers(("ETag" = String), ("Muster-Position" = String))),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester is not in the organization"),
        (status = 404, description = "There is no such organization"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn get(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath(organization): InPath<String>,
    about: About,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let access = access::enter(&app, &caller, &organization, super::get::NEEDS, false).await?;
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accepted.contains(SVG) {
        let image = letters(access.id.get(), &access.organization.name);
        // Made anew from the name each time; the summary is at the same address.
        let headers = [
            (header::CONTENT_TYPE, SVG),
            (header::CACHE_CONTROL, "private, no-cache"),
            (header::VARY, "Accept"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        return Ok((headers, image).into_response());
    }
    let position = *app.ledger.store().commits().borrow();
    let found = app.ledger.state::<Organization>(&access.id.into()).await?;
    let headers = [
        (names::POSITION, position.to_string()),
        (header::ETAG, etag(found.sequence)),
        (header::VARY, "Accept".to_owned()),
    ];
    let look = Wish::all(&about.base_url).look(&access);
    Ok((headers, Json(shape::summary(access.id, &found.state, look))).into_response())
}

/// What a PUT says.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "avatar_type": "letter_avatar" }))]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct AvatarBody {
    /// `letter_avatar` or `upload`.
    avatar_type: String,
    /// A square GIF, JPEG or PNG of 256 to 1024 pixels a side in base64.
    avatar_photo: Option<String>,
}

/// Change the picture of an organization
#[utoipa::path(
    put,
    path = "/api/0/organizations/{organization}/avatar/",
    tag = "organizations",
    params(OfOrganization, Safety),
    request_body = AvatarBody,
    responses(
        (status = 200, description = "The organization afterwards", body = Summary,
            headers(("ETag" = String), ("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
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
    put(&app, &asking, &organization, &body, (update_body::parse_avatar, false)).await
}

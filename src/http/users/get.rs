//! GET `users/{user}/`.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use muster_events::refusal::Refusal;
use muster_projections::{
    error::ViewError,
    users::{self, EmailRow, UserRow},
};

use super::answer::{self, MODELS};
use crate::{
    http::{
        app::App,
        auth::Bearer,
        consistency::{await_views, headers_at},
        described::{OfUser, Reading},
        idempotency::etag,
        params::{InPath, Params},
        problem::Problem,
        shapes::account::Account,
    },
    ledger::Caller,
};

/// An account
///
/// Everybody's own, and every one for superusers.
#[utoipa::path(
    get,
    path = "/api/0/users/{user}/",
    tag = "administration",
    params(OfUser, Reading),
    responses(
        (status = 200, description = "The account", body = Account,
            headers(("ETag" = String, description = "For If-Match"), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "It is not the requester's own account"),
        (status = 404, description = "There is no such account"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn get(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath(user): InPath<String>,
    params: Params,
) -> Result<Response, Problem> {
    let Found { headers, row, emails } = find(&app, &caller, &user, &params).await?;
    let body = answer::account(&app, &row, &emails).await?;
    Ok((headers, Json(body)).into_response())
}

/// An account as the views have it, with the headers of the read.
pub(super) struct Found {
    pub(super) headers: HeaderMap,
    pub(super) row: UserRow,
    pub(super) emails: Vec<EmailRow>,
}

/// The account that a path names, for somebody who may look at it.
pub(super) async fn find(app: &App, caller: &Caller, user: &str, params: &Params) -> Result<Found, Problem> {
    let id = answer::seen(app, caller, user).await?;
    await_views(app, params).await?;
    let standing = app.read_models.status();
    let stale = standing.stale_for_persons(None, MODELS, &[id.into()]);
    let mut headers = headers_at(app, &standing, stale);
    let unavailable = |error: ViewError| Problem::unavailable(&error.to_string());
    let row = users::query::find(app.views(), id).await.map_err(unavailable)?;
    let row = row.ok_or_else(|| Problem::from(Refusal::NotFound))?;
    let emails = users::query::emails(app.views(), id).await.map_err(unavailable)?;
    if let Ok(tag) = etag(row.sequence).parse() {
        headers.insert(header::ETAG, tag);
    }
    Ok(Found { headers, row, emails })
}

//! GET `users/`.

use axum::{
    Json,
    extract::{OriginalUri, State},
    response::{IntoResponse, Response},
};
use muster_projections::{error::ViewError, users};

use super::answer::MODELS;
use crate::{
    http::{
        app::App,
        auth::Bearer,
        consistency::{await_views, read_headers},
        described::{Paging, Reading},
        page,
        params::Params,
        problem::Problem,
        request::About,
        shapes::account::{self as shape, Account},
    },
    ledger::Failure,
};

/// All accounts
///
/// By id, in pages that `Link` leads through. For superusers.
#[utoipa::path(
    get,
    path = "/api/0/users/",
    tag = "administration",
    params(Paging, Reading),
    responses(
        (status = 200, description = "The accounts", body = Vec<Account>,
            headers(("Link" = String), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester is no superuser"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Bearer(caller): Bearer,
    OriginalUri(uri): OriginalUri,
    about: About,
    params: Params,
) -> Result<Response, Problem> {
    app.ledger.look().asker(&caller).await?.administer()?;
    let wanted = params.page()?;
    await_views(&app, &params).await?;
    let mut headers = read_headers(&app, None, MODELS);
    let unavailable = |error: ViewError| Problem::unavailable(&error.to_string());
    let listed = users::query::list(app.views(), wanted).await.map_err(unavailable)?;
    headers.extend(page::link(&uri, &about.base_url, wanted, &listed));
    let (Some(first), Some(last)) = (listed.rows.first(), listed.rows.last()) else {
        return Ok((headers, Json(Vec::<Account>::new())).into_response());
    };
    let emails = users::query::emails_between(app.views(), first.id, last.id).await.map_err(unavailable)?;
    let of = |row: &users::UserRow| emails.get(&row.id).map_or(&[][..], Vec::as_slice);
    let envelopes = listed.rows.iter().flat_map(|row| shape::envelopes(row, of(row)));
    let opener = app.ledger.keys().opener(envelopes).await.map_err(Failure::from)?;
    let body: Vec<Account> = listed.rows.iter().map(|row| shape::account(row, of(row), &opener)).collect();
    Ok((headers, Json(body)).into_response())
}

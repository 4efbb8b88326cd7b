//! GET `api-tokens/`.

use axum::{
    Json,
    extract::{OriginalUri, State},
    response::{IntoResponse, Response},
};
use muster_events::token::TokenOwner;
use muster_projections::tokens;

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
        shapes::token::Token,
    },
    ledger::CallerKind,
};

/// What the answer is read from.
const MODELS: &[&str] = &["tokens"];

/// Bearer tokens
///
/// The requester's own; all for superusers. Revoked ones are among them, secrets are not.
#[utoipa::path(
    get,
    path = "/api/0/api-tokens/",
    tag = "administration",
    params(Paging, Reading),
    responses(
        (status = 200, description = "The tokens", body = Vec<Token>,
            headers(("Link" = String), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, or one that cannot be used"),
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
    let requester = app.ledger.look().asker(&caller).await?;
    let wanted = params.page()?;
    await_views(&app, &params).await?;
    let mut headers = read_headers(&app, None, MODELS);
    let owner = match caller.kind {
        CallerKind::User(user) => TokenOwner::User(user),
        CallerKind::Integration(organization) => TokenOwner::Organization(organization),
    };
    let listed = if requester.administers() {
        tokens::query::list(app.views(), wanted).await
    } else {
        tokens::query::list_of(app.views(), owner, wanted).await
    };
    let listed = listed.map_err(|error| Problem::unavailable(&error.to_string()))?;
    headers.extend(page::link(&uri, &about.base_url, wanted, &listed));
    let body: Vec<Token> = listed.rows.iter().map(Token::from).collect();
    Ok((headers, Json(body)).into_response())
}

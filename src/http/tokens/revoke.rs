//! DELETE `api-tokens/{token}/`.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::{
    http::{
        app::App,
        asking::Asking,
        body::Raw,
        described::{OfToken, Safety},
        params::InPath,
        problem::Problem,
    },
    ledger::operations::RevokeTokenBy,
};

/// Revoke a token
///
/// It cannot be used any more, at once and everywhere.
#[utoipa::path(
    delete,
    path = "/api/0/api-tokens/{token}/",
    tag = "administration",
    params(OfToken, Safety),
    responses(
        (status = 204, description = "The token cannot be used any more",
            headers(("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "If-Match is malformed"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 404, description = "There is no such token, or it is not the requester's"),
        (status = 412, description = "The token has changed since the ETag was given"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn revoke(
    State(app): State<App>,
    asking: Asking,
    InPath(token): InPath<String>,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    let operation =
        RevokeTokenBy { caller: asking.caller, token: token.parse().ok(), if_match: asking.if_match()? };
    let ended = asking.carry_out(&app, &body, StatusCode::NO_CONTENT, &operation).await?;
    Ok((StatusCode::NO_CONTENT, ended.headers(None)).into_response())
}

//! `users/{user}/authenticators/` and `users/{user}/authenticators/{kind}/`: that they are enrolled, not what they are
//! made of.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use muster_events::{refusal::Refusal, user::Authenticator};

use super::{
    answer::{self, Part},
    body, get,
};
use crate::{
    http::{
        app::App,
        asking::Asking,
        auth::Bearer,
        body::{JsonObject, Raw, Text},
        described::{OfUser, OfUserAuthenticator, Reading, Safety},
        params::{InPath, Params},
        problem::Problem,
        shapes::account::AccountAuthenticator,
    },
    ledger::operations::{AccountChange, ChangeAccount},
};

/// The authenticators of an account
#[utoipa::path(
    get,
    path = "/api/0/users/{user}/authenticators/",
    tag = "administration",
    params(OfUser, Reading),
    responses(
        (status = 200, description = "The authenticators", body = Vec<AccountAuthenticator>,
            headers(("ETag" = String, description = "For If-Match"), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "It is not the requester's own account"),
        (status = 404, description = "There is no such account"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath(user): InPath<String>,
    params: Params,
) -> Result<Response, Problem> {
    let found = get::find(&app, &caller, &user, &params).await?;
    Ok((found.headers, Json(answer::authenticators(&found.row))).into_response())
}

/// Enrol an authenticator
///
/// Nothing happens when one of this kind is enrolled already.
#[utoipa::path(
    post,
    path = "/api/0/users/{user}/authenticators/",
    tag = "administration",
    params(OfUser, Safety),
    request_body(content = NewAuthenticator),
    responses(
        (status = 201, description = "The authenticator", body = AccountAuthenticator,
            headers(("ETag" = String), ("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "There is no such kind"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester may not change this account"),
        (status = 404, description = "There is no such account"),
        (status = 412, description = "The account has changed since the ETag was given"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn enrol(
    State(app): State<App>,
    asking: Asking,
    InPath(user): InPath<String>,
    body: JsonObject,
) -> Result<Response, Problem> {
    let kind = body::new_authenticator(&body.fields);
    let part = kind.as_ref().map_or(Part::Account, |kind| Part::Authenticator(*kind));
    let operation = ChangeAccount {
        by: Some(asking.caller),
        account: answer::named(&asking.caller, &user),
        if_match: asking.if_match()?,
        change: kind.map(AccountChange::EnrolAuthenticator),
    };
    let ended = asking.carry_out(&app, &body.raw, StatusCode::CREATED, &operation).await?;
    Ok(answer::done(&app, &asking, &ended, StatusCode::CREATED, part).await)
}

/// Remove an authenticator
///
/// Nothing happens when none of this kind is enrolled.
#[utoipa::path(
    delete,
    path = "/api/0/users/{user}/authenticators/{kind}/",
    tag = "administration",
    params(OfUserAuthenticator, Safety),
    responses(
        (status = 204, description = "The authenticator is gone",
            headers(("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "If-Match is malformed"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester may not change this account"),
        (status = 404, description = "There is no such account, or no such kind"),
        (status = 412, description = "The account has changed since the ETag was given"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn remove(
    State(app): State<App>,
    asking: Asking,
    InPath((user, kind)): InPath<(String, String)>,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    let kind = kind.parse::<Authenticator>().map_err(|_| Refusal::NotFound);
    let operation = ChangeAccount {
        by: Some(asking.caller),
        account: answer::named(&asking.caller, &user),
        if_match: asking.if_match()?,
        change: kind.map(AccountChange::RemoveAuthenticator),
    };
    let ended = asking.carry_out(&app, &body, StatusCode::NO_CONTENT, &operation).await?;
    Ok((StatusCode::NO_CONTENT, ended.headers(None)).into_response())
}

/// A new authenticator.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "kind": "totp" }))]
#[expect(dead_code, reason = "describes the body; it is read by hand")]
pub(in crate::http) struct NewAuthenticator {
    /// `totp`, `sms`, `u2f` or `recovery`.
    kind: Text,
}

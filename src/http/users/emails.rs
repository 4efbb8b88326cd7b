//! `users/{user}/emails/` and `users/{user}/emails/{hash}/`.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use muster_events::personal::{EmailAddress, KeyedHash};

use super::{
    answer::{self, Part},
    body, get,
};
use crate::{
    http::{
        app::App,
        asking::Asking,
        auth::Bearer,
        body::{Flag, JsonObject, Raw, Text},
        described::{OfUser, OfUserEmail, Reading, Safety},
        params::{InPath, Params},
        problem::Problem,
        shapes::account::AccountEmail,
    },
    ledger::operations::{AccountChange, ChangeAccount},
};

/// The addresses of an account
///
/// The primary one first. `hash` is what an address is called in paths.
#[utoipa::path(
    get,
    path = "/api/0/users/{user}/emails/",
    tag = "administration",
    params(OfUser, Reading),
    responses(
        (status = 200, description = "The addresses", body = Vec<AccountEmail>,
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
    let body = answer::addresses(&app, &found.emails).await?;
    Ok((found.headers, Json(body)).into_response())
}

/// Add an address
///
/// It is not verified yet. Nothing happens when the account has it already.
#[utoipa::path(
    post,
    path = "/api/0/users/{user}/emails/",
    tag = "administration",
    params(OfUser, Safety),
    request_body(content = NewEmail),
    responses(
        (status = 201, description = "The address", body = AccountEmail,
            headers(("ETag" = String), ("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "The address is not valid"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester may not change this account"),
        (status = 404, description = "There is no such account"),
        (status = 409, description = "Another account has this address, or somebody is invited by it where the person is a member"),
        (status = 412, description = "The account has changed since the ETag was given"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn add(
    State(app): State<App>,
    asking: Asking,
    InPath(user): InPath<String>,
    body: JsonObject,
) -> Result<Response, Problem> {
    let email = body::new_email(&body.fields);
    let hashed = email.clone().map(|email| app.ledger.keys().hashed(EmailAddress(email)));
    let hash = hashed.ok().and_then(|email| email.hash().map(ToString::to_string)).unwrap_or_default();
    let operation = ChangeAccount {
        by: Some(asking.caller),
        account: answer::named(&asking.caller, &user),
        if_match: asking.if_match()?,
        change: email.map(AccountChange::AddEmail),
    };
    let ended = asking.carry_out(&app, &body.raw, StatusCode::CREATED, &operation).await?;
    Ok(answer::done(&app, &asking, &ended, StatusCode::CREATED, Part::Email(hash)).await)
}

/// Change an address
///
/// State that it is the person's (`verified`), or make it the primary one (`primary`). Neither can be taken back: another
/// address is made the primary one, and an address is removed and added again.
#[utoipa::path(
    put,
    path = "/api/0/users/{user}/emails/{hash}/",
    tag = "administration",
    params(OfUserEmail, Safety),
    request_body(content = EmailBody, description = "Every field is optional"),
    responses(
        (status = 200, description = "The address afterwards", body = AccountEmail,
            headers(("ETag" = String), ("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A field is not valid"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester may not change this account"),
        (status = 404, description = "There is no such account or address"),
        (status = 412, description = "The account has changed since the ETag was given"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn update(
    State(app): State<App>,
    asking: Asking,
    InPath((user, hash)): InPath<(String, String)>,
    body: JsonObject,
) -> Result<Response, Problem> {
    let email = KeyedHash(hash.as_str().into());
    let change = body::of_email(&body.fields);
    let operation = ChangeAccount {
        by: Some(asking.caller),
        account: answer::named(&asking.caller, &user),
        if_match: asking.if_match()?,
        change: change.map(|(verified, primary)| AccountChange::Email { email, verified, primary }),
    };
    let ended = asking.carry_out(&app, &body.raw, StatusCode::OK, &operation).await?;
    Ok(answer::done(&app, &asking, &ended, StatusCode::OK, Part::Email(hash)).await)
}

/// Remove an address
///
/// It is free for others then. The primary one stays.
#[utoipa::path(
    delete,
    path = "/api/0/users/{user}/emails/{hash}/",
    tag = "administration",
    params(OfUserEmail, Safety),
    responses(
        (status = 204, description = "The address is gone",
            headers(("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "It is the primary address"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester may not change this account"),
        (status = 404, description = "There is no such account or address"),
        (status = 412, description = "The account has changed since the ETag was given"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn remove(
    State(app): State<App>,
    asking: Asking,
    InPath((user, hash)): InPath<(String, String)>,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    let operation = ChangeAccount {
        by: Some(asking.caller),
        account: answer::named(&asking.caller, &user),
        if_match: asking.if_match()?,
        change: Ok(AccountChange::RemoveEmail(KeyedHash(hash.into()))),
    };
    let ended = asking.carry_out(&app, &body, StatusCode::NO_CONTENT, &operation).await?;
    Ok((StatusCode::NO_CONTENT, ended.headers(None)).into_response())
}

/// A new address.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "email": "mia@home.example" }))]
#[expect(dead_code, reason = "describes the body; it is read by hand")]
pub(in crate::http) struct NewEmail {
    /// The address; unique.
    email: Text,
}

/// What is said of an address.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "verified": true }))]
#[expect(dead_code, reason = "describes the body; it is read by hand")]
pub(in crate::http) struct EmailBody {
    /// Whether it is known to be the person's.
    verified: Option<Flag>,
    /// Whether it is the primary one.
    primary: Option<Flag>,
}

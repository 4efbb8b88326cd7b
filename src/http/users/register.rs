//! POST `users/`.

use axum::{extract::State, http::StatusCode, response::Response};

use super::{
    answer::{self, Part},
    body,
};
use crate::{
    http::{
        app::App,
        asking::Asking,
        body::{Flag, JsonObject, Text},
        described::Keyed,
        problem::Problem,
        shapes::account::Account,
    },
    ledger::operations::AsSuperuser,
};

/// Register an account
///
/// With the keys of a user in an import file. The user name is the address, unless another is given. For superusers.
#[utoipa::path(
    post,
    path = "/api/0/users/",
    tag = "administration",
    params(Keyed),
    request_body(content = RegisterBody),
    responses(
        (status = 201, description = "The account", body = Account,
            headers(("ETag" = String), ("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A field is not valid"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester is no superuser"),
        (status = 409, description = "Another account has this address or this user name"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn register(
    State(app): State<App>,
    asking: Asking,
    body: JsonObject,
) -> Result<Response, Problem> {
    let operation = AsSuperuser { caller: asking.caller, operation: body::register(&body.fields) };
    let ended = asking.carry_out(&app, &body.raw, StatusCode::CREATED, &operation).await?;
    Ok(answer::done(&app, &asking, &ended, StatusCode::CREATED, Part::Account).await)
}

/// A new account.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "email": "pia@example.com", "name": "Pia", "verified": true }))]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct RegisterBody {
    /// The primary address; unique.
    email: Text,
    /// The user name; unique.
    username: Option<Text>,
    /// The display name.
    name: Option<Text>,
    /// Whether the primary address is known to be the person's.
    verified: Option<Flag>,
    /// Further addresses.
    emails: Option<Vec<RegisterEmail>>,
    /// `totp`, `sms`, `u2f`, `recovery`.
    authenticators: Option<Vec<Text>>,
    /// Whether the person may do everything everywhere.
    superuser: Option<Flag>,
    /// Whether the account can be used.
    active: Option<Flag>,
}

/// A further address of a new account.
#[derive(utoipa::ToSchema)]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct RegisterEmail {
    /// The address; unique.
    email: Text,
    /// Whether it is known to be the person's.
    verified: Option<Flag>,
}

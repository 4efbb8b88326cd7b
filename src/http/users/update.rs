//! PUT `users/{user}/`.

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
        described::{OfUser, Safety},
        params::InPath,
        problem::Problem,
        shapes::account::Account,
    },
    ledger::operations::ChangeAccount,
};

/// Change an account
///
/// What the body does not name stays as it is. `active` and `superuser` are changed by superusers only. An account whose
/// owner is the only owner of an organization cannot be deactivated.
#[utoipa::path(
    put,
    path = "/api/0/users/{user}/",
    tag = "administration",
    params(OfUser, Safety),
    request_body(content = ProfileBody, description = "Every field is optional"),
    responses(
        (status = 200, description = "The account afterwards", body = Account,
            headers(("ETag" = String), ("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A field is not valid"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester may not change this, or it is the account of the only owner of an organization"),
        (status = 404, description = "There is no such account"),
        (status = 409, description = "Another account has this user name"),
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
    InPath(user): InPath<String>,
    body: JsonObject,
) -> Result<Response, Problem> {
    let operation = ChangeAccount {
        by: Some(asking.caller),
        account: answer::named(&asking.caller, &user),
        if_match: asking.if_match()?,
        change: body::profile(&body.fields),
    };
    let ended = asking.carry_out(&app, &body.raw, StatusCode::OK, &operation).await?;
    Ok(answer::done(&app, &asking, &ended, StatusCode::OK, Part::Account).await)
}

/// What a PUT may say.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "name": "Mia Mason" }))]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct ProfileBody {
    /// The user name; unique.
    username: Option<Text>,
    /// The display name; null for none.
    name: Option<Text>,
    /// Whether the account can be used.
    active: Option<Flag>,
    /// Whether the person may do everything everywhere.
    superuser: Option<Flag>,
}

//! DELETE `invitees/`.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::body;
use crate::{
    http::{
        app::App,
        asking::Asking,
        body::{JsonObject, Text},
        described::KeyOnly,
        problem::Problem,
        shapes::receipt::Receipt,
    },
    ledger::operations::{AsSuperuser, EraseInvitee},
};

/// Erase a person without an account
///
/// Somebody who was invited, proposed, or asked to be let in, and never registered: in all organizations, also where that
/// ended long ago. Open invitations and requests end. There is a receipt for each of them; asked again, the answer is the
/// same. For superusers.
#[utoipa::path(
    delete,
    path = "/api/0/invitees/",
    tag = "administration",
    params(KeyOnly),
    request_body(content = InviteeBody),
    responses(
        (status = 200, description = "The person is erased", body = Erased,
            headers(("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "The address is not valid"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester is no superuser"),
        (status = 404, description = "Nobody was ever invited by this address, or asked to be let in"),
        (status = 409, description = "Whoever has this address has an account, and is erased with it"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry is safe, and completes what is not complete"),
    )
)]
pub(in crate::http) async fn erase(
    State(app): State<App>,
    asking: Asking,
    body: JsonObject,
) -> Result<Response, Problem> {
    let operation = body::new_email(&body.fields).map(EraseInvitee::new);
    let operation = AsSuperuser { caller: asking.caller, operation };
    let ended = asking.carry_out(&app, &body.raw, StatusCode::OK, &operation).await?;
    let mut receipts = vec![];
    for member in ended.resource.split(',').filter_map(|id| id.parse().ok()) {
        receipts.extend(app.ledger.complete_erasure_of_invitee(member).await?.map(Receipt::from));
    }
    Ok((ended.headers(None), Json(Erased { receipts })).into_response())
}

/// Who is to be erased.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "email": "ivan@example.com" }))]
#[expect(dead_code, reason = "describes the body; it is read by hand")]
pub(in crate::http) struct InviteeBody {
    /// The address.
    email: Text,
}

/// Who was erased.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::http) struct Erased {
    /// One for each invitation and request
    receipts: Vec<Receipt>,
}

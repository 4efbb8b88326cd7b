//! DELETE `users/{user}/`.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use muster_events::refusal::Refusal;

use super::answer;
use crate::{
    http::{
        app::App,
        asking::Asking,
        body::Raw,
        described::{OfUser, Safety},
        params::InPath,
        problem::Problem,
        shapes::receipt::Receipt,
    },
    ledger::operations::EraseAccount,
};

/// Erase a person
///
/// For ever: the keys that the person's data is sealed with are destroyed before this is answered, and what the history
/// holds of it cannot be read by anybody any more. The history itself stays what it was. All tokens of the person stop
/// working, open invitations to the addresses end, and the memberships are removed. The receipt says where the erasure is on
/// record. Asked again, by a superuser, the answer is the same receipt. Everybody may erase himself, and superusers everybody;
/// invitations to an address that the person has not verified end only where a superuser asks. The only owner of an
/// organization cannot be erased.
#[utoipa::path(
    delete,
    path = "/api/0/users/{user}/",
    tag = "administration",
    params(OfUser, Safety),
    responses(
        (status = 200, description = "The person is erased", body = Receipt,
            headers(("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "If-Match is malformed"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester may not erase this person, or it is the only owner of an organization"),
        (status = 404, description = "There is no such account"),
        (status = 412, description = "The account has changed since the ETag was given"),
        (status = 413, description = "The body is too large"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry is safe, and completes what is not complete"),
    )
)]
pub(in crate::http) async fn erase(
    State(app): State<App>,
    asking: Asking,
    InPath(user): InPath<String>,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    let account = answer::named(&asking.caller, &user);
    let operation = EraseAccount::new(Some(asking.caller), account, asking.if_match()?);
    let ended = asking.carry_out(&app, &body, StatusCode::OK, &operation).await?;
    let id = ended.resource.parse().map_err(|_| Problem::from(Refusal::NotFound))?;
    let receipt = app.ledger.complete_erasure_of_user(id).await?.ok_or(Problem::from(Refusal::NotFound))?;
    Ok((ended.headers(None), Json(Receipt::from(receipt))).into_response())
}

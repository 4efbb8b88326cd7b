//! DELETE `organizations/{organization}/` (behaviour.md 7.6).

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};

use super::{
    answer::{self, Wish},
    update::replayed,
};
use crate::{
    http::{
        app::App,
        auth::Bearer,
        body::Raw,
        described::{OfOrganization, Safety},
        idempotency::{if_match, request_key},
        params::InPath,
        problem::Problem,
        request::About,
        shapes::organization::OrganizationAnswer,
    },
    ledger::{Failure, Outcome, operations::ScheduleDeletion},
};

const NEEDS: &[&str] = &["org:admin"];

/// End an organization
///
/// A day later; until then every change of it calls that off.
#[utoipa::path(
    delete,
    path = "/api/0/organizations/{organization}/",
    tag = "organizations",
    params(OfOrganization, Safety),
    responses(
        (status = 202, description = "The organization, about to end", body = OrganizationAnswer,
            headers(("ETag" = String), ("Muster-Position" = String), ("Muster-Stale" = Option<String>),
                ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A header is malformed"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester may not end the organization"),
        (status = 404, description = "There is no such organization"),
        (status = 412, description = "The organization has changed since the ETag was given"),
        (status = 413, description = "The body is too large"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn remove(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath(organization): InPath<String>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    let (keys, status) = (app.ledger.keys(), StatusCode::ACCEPTED);
    let key = request_key(keys, &caller, (&Method::DELETE, &uri, &headers, &body), status)?;
    let if_match = if_match(&headers)?;
    let turn = app.ledger.begin(key).await;
    let wish = Wish::all(&about.base_url);
    let organization = match answer::locate(&app, &caller, &organization, NEEDS).await {
        Ok(organization) => organization,
        Err(Failure::Refused(refusal)) => {
            let repeated = app.ledger.refuse(refusal, &turn).await?;
            return Ok(replayed(&app, &caller, &repeated, (wish, true)).await);
        }
        Err(failure) => return Err(failure.into()),
    };
    let operation = ScheduleDeletion { caller, organization, if_match };
    match app.ledger.execute(&operation, &about.meta(caller), turn).await? {
        Outcome::Done(executed) => {
            let headers = answer::headers(executed.position, false, None);
            Ok(answer::now(&app, &caller, organization, (status, headers), (wish, true)).await)
        }
        Outcome::Replayed(repeated) => Ok(replayed(&app, &caller, &repeated, (wish, true)).await),
    }
}

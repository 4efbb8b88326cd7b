//! GET `organizations/{organization}/diff/`: what changed between two moments, and by whom.

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::{HeaderValue, Uri},
    response::{IntoResponse, Response},
};
use muster_events::stream::Position;
use muster_projections::read::Listed;

use crate::http::{
    access,
    app::App,
    auth::Bearer,
    described::{OfOrganization, Paging},
    moment, names, page,
    params::{InPath, Params},
    problem::Problem,
    request::About,
};

/// As for the history, which this sums up.
const NEEDS: &[&str] = &["org:write", "org:admin"];

/// What changed in an organization between two moments
///
/// Who joined, who left, who got which role, which teams and settings are others, each with what it was, what it is, and
/// the events that led there with who asked for them. What is in the end as it was in the beginning is left out. A page is
/// of so many teams and members with events in between, of which it leaves out those; the first one tells of the
/// organization, too.
#[utoipa::path(
    get,
    path = "/api/0/organizations/{organization}/diff/",
    tag = "history",
    params(
        OfOrganization,
        ("from" = Option<String>, Query, description = "After this moment: a time (RFC 3339) or a position; from the beginning when it is not given"),
        ("to" = Option<String>, Query, description = "Up to this moment; up to now when it is not given"),
        Paging,
    ),
    responses(
        (status = 200, description = "`{\"from\", \"to\", \"organization\": [...], \"teams\": [...], \"members\": [...]}`",
            body = serde_json::Value, headers(("Link" = String), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A moment is malformed, in the future, or they are the wrong way round"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester may not read this history"),
        (status = 404, description = "There is no such organization"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn diff(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath(organization): InPath<String>,
    OriginalUri(uri): OriginalUri,
    about: About,
    params: Params,
) -> Result<Response, Problem> {
    let wanted = params.page()?;
    let access = access::enter_past(&app, &caller, &organization, NEEDS, false).await?;
    let from = match params.get("from") {
        Some(from) => moment::position(&app, "from", from).await?.0,
        None => Position::ZERO,
    };
    let to = match params.get("to") {
        Some(to) => moment::position(&app, "to", to).await?.0,
        None => app.ledger.store().head().await.map_err(crate::ledger::ExecuteError::from)?.position,
    };
    if from > to {
        return Err(Problem::parameter("from", "It is later than \"to\"."));
    }
    let difference = app
        .history
        .difference(access.id, from, to, Some(wanted))
        .await
        .map_err(|error| moment::wrong("to", error))?;
    let uri = if params.get("to").is_some() { uri } else { up_to(&uri, to) };
    let listed = Listed { rows: Vec::<()>::new(), more: difference.more };
    let mut headers = page::link(&uri, &about.base_url, wanted, &listed);
    headers.insert(names::POSITION, HeaderValue::from(to.0));
    if let Some(stale) = difference.complete_to
        && let Ok(value) = HeaderValue::from_str(&stale.to_string())
    {
        headers.insert(names::STALE, value);
    }
    Ok((headers, Json(difference)).into_response())
}

/// The other pages are up to there, too, whatever happens meanwhile.
fn up_to(uri: &Uri, to: Position) -> Uri {
    let query = uri.query().map(|query| format!("{query}&")).unwrap_or_default();
    format!("{}?{query}to={}", uri.path(), to.0).parse().unwrap_or_else(|_| uri.clone())
}

//! Reads see every earlier write: a read waits until its view has reached the head of the log at its arrival.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use muster_events::{id::OrganizationId, stream::Position};

use super::{app::App, names, params::Params, problem::Problem};
use crate::{history::LogPosition, subscription::Status};

/// How long a read waits for its view.
const READ_WAIT: Duration = Duration::from_secs(6);

/// Waits as the request wants: until the head, until `at_least`, or not at all (`consistency=eventual`).
pub(super) async fn await_views(app: &App, params: &Params) -> Result<(), Problem> {
    if params.get("as_of").is_some() {
        let text = "The past of this is not kept for reading; leave the parameter out.";
        return Err(Problem::parameter("as_of", text));
    }
    let at_least = match params.get("at_least") {
        None => Position::ZERO,
        Some(text) => {
            LogPosition::parse(text, app.ledger.store().incarnation())
                .map_err(|error| Problem::parameter("at_least", error.to_string()))?
                .position
        }
    };
    let target = match params.get("consistency") {
        None | Some("strong") => {
            app.ledger.store().head().await.map_err(crate::ledger::ExecuteError::from)?.position
        }
        Some("eventual") => Position::ZERO,
        Some(_) => return Err(Problem::parameter("consistency", "\"strong\" or \"eventual\" is needed.")),
    };
    app.read_models
        .wait_for(target.max(at_least), READ_WAIT)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))
}

/// The headers of a read of these read models: where the views stood, and up to where they are complete, when parked
/// streams keep them from being so. Taken before the read, so that it never promises more than was read.
pub(super) fn read_headers(app: &App, organization: Option<OrganizationId>, models: &[&str]) -> HeaderMap {
    let standing = app.read_models.status();
    headers_at(app, &standing, standing.stale_for(organization, models))
}

/// The same where the views stood so, and are complete up to `stale`.
pub(super) fn headers_at(app: &App, standing: &Status, stale: Option<Position>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(names::POSITION, HeaderValue::from(standing.applied.unwrap_or_default().0));
    let stale = stale.and_then(|stale| HeaderValue::from_str(&app.at(stale).to_string()).ok());
    if let Some(stale) = stale {
        headers.insert(names::STALE, stale);
    }
    headers
}

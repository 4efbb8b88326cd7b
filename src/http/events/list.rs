//! GET `organizations/{organization}/events/` and `.../members/{member}/events/`: JSON pages, NDJSON, server-sent
//! events.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use muster_events::{
    refusal::Refusal,
    stream::{Sequence, StreamId},
};

use super::viewer::{Reader, Reading};
use crate::{
    history::{FilterText, Format, HistoryError, LogPosition, Sight, Viewer},
    http::{
        app::App,
        auth,
        described::{Filter, OfMember, OfOrganization, Resuming},
        names,
        params::{InPath, Params},
        problem::Problem,
    },
    ledger::ExecuteError,
    store::LogQuery,
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The history of an organization
///
/// Who changed what from what to what, when. Oldest first, in pages; as NDJSON (`Accept: application/x-ndjson`)
/// everything up to now, or as server-sent events (`Accept: text/event-stream`) from the past into what is yet to come.
#[utoipa::path(
    get,
    path = "/api/0/organizations/{organization}/events/",
    tag = "history",
    params(OfOrganization, Filter, Resuming),
    responses(
        (status = 200, description = "A page: `{\"events\": [...], \"next\": ...}`", body = serde_json::Value),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester may not read this history"),
        (status = 404, description = "There is no such organization"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn of_organization(
    State(app): State<App>,
    InPath(organization): InPath<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Problem> {
    let secret = auth::secret(&headers)?.to_owned();
    answer(Reader { app, secret, organization, member: None }, &headers, &params).await
}

/// The history of a member
///
/// As that of an organization; a member may read his own.
#[utoipa::path(
    get,
    path = "/api/0/organizations/{organization}/members/{member}/events/",
    tag = "history",
    params(OfMember, Filter, Resuming),
    responses(
        (status = 200, description = "A page: `{\"events\": [...], \"next\": ...}`", body = serde_json::Value),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester may not read this history"),
        (status = 404, description = "There is no such organization or member"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn of_member(
    State(app): State<App>,
    InPath((organization, member)): InPath<(String, String)>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Problem> {
    let secret = auth::secret(&headers)?.to_owned();
    answer(Reader { app, secret, organization, member: Some(member) }, &headers, &params).await
}

/// The form that the client asked for.
enum Form {
    Page,
    Lines,
    Feed,
}

fn form(headers: &HeaderMap) -> Form {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("text/event-stream") {
        Form::Feed
    } else if accept.contains("ndjson") {
        Form::Lines
    } else {
        Form::Page
    }
}

async fn answer(reader: Reader, headers: &HeaderMap, params: &Params) -> Result<Response, Problem> {
    let reading = reader.enter().await?;
    let (app, of, sight) = (reader.app.clone(), whose(&reader.app, &reading).await?, reading.sight);
    tell(&app, Told { of, sight, viewer: Arc::new(reader) }, headers, params).await
}

/// Which history is told, and to whom.
pub(super) struct Told {
    /// The events that belong to it; what else is asked for, the request says.
    pub(super) of: LogQuery,
    /// What may be seen of them now.
    pub(super) sight: Sight,
    /// Who is asked again before each page.
    pub(super) viewer: Arc<dyn Viewer>,
}

/// Tells a history in the form that the client asked for.
pub(super) async fn tell(
    app: &App,
    told: Told,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Response, Problem> {
    let Told { of, sight, viewer } = told;
    let log = app.ledger.store().incarnation();
    let mut query = query(app, of, headers, params)?;
    // What the request names is of the log that is read.
    let still = || app.history.still(log).map_err(problem);
    match form(headers) {
        Form::Page => {
            let head = app.ledger.store().head().await.map_err(ExecuteError::from)?.position;
            let page = app.history.page(query, sight).await.map_err(problem)?;
            still()?;
            Ok(([(names::POSITION, HeaderValue::from(head.0))], Json(page)).into_response())
        }
        Form::Lines => {
            if params.get("limit").is_none() {
                query.limit = usize::MAX;
            }
            let export = app.history.export(query, viewer).await.map_err(problem)?;
            still()?;
            let position = HeaderValue::from(export.up_to().0);
            let kind = HeaderValue::from_static(Format::Ndjson.media_type());
            let lines = Body::from_stream(export.into_text(Format::Ndjson));
            Ok(([(names::POSITION, position), (header::CONTENT_TYPE, kind)], lines).into_response())
        }
        Form::Feed => {
            let feed = app.history.feed(query, viewer, app.shutdown.clone()).await.map_err(problem)?;
            still()?;
            let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
            Ok((headers, Body::from_stream(feed.into_stream())).into_response())
        }
    }
}

/// What the request asks for, of the events that belong to the history.
fn query(app: &App, of: LogQuery, headers: &HeaderMap, params: &Params) -> Result<LogQuery, Problem> {
    let mut filter = FilterText::default();
    for (name, value) in params.pairs() {
        filter.set(name, value).map_err(|error| Problem::parameter(error.parameter(), error.to_string()))?;
    }
    let present = app.ledger.store().incarnation();
    let mut query =
        filter.query(present).map_err(|error| Problem::parameter(error.parameter(), error.to_string()))?;
    if let Some(id) = headers.get(LAST_EVENT_ID) {
        let id = id.to_str().unwrap_or_default();
        let position = LogPosition::parse(id, present)
            .map_err(|error| Problem::parameter("Last-Event-ID", error.to_string()))?;
        query.after = Some(position.position);
    }
    Ok(LogQuery { organization: of.organization, stream: of.stream, ..query })
}

/// The events of the organization, or of the member.
async fn whose(app: &App, reading: &Reading) -> Result<LogQuery, Problem> {
    let mut of = LogQuery { organization: Some(reading.access.id), ..LogQuery::default() };
    if let Some(member) = reading.member {
        let stream = StreamId::from(member);
        // Somebody who is gone has a history too, and so has one whose events this program cannot all read.
        let first = app.ledger.store().read_stream(&stream, Sequence::ZERO, 1).await;
        let first = first.map_err(ExecuteError::from)?;
        if first.first().and_then(|event| event.organization) != Some(reading.access.id) {
            return Err(Refusal::NotFound.into());
        }
        of.stream = Some(stream);
    }
    Ok(of)
}

fn problem(error: HistoryError) -> Problem {
    match error {
        HistoryError::Store(error) => ExecuteError::from(error).into(),
        HistoryError::Sealing(error) => ExecuteError::from(error).into(),
        HistoryError::PutBack => ExecuteError::Unavailable(error.to_string()).into(),
        HistoryError::Unwritable(error) => Problem::damaged(&error.to_string()),
        HistoryError::NoLongerAllowed => Refusal::NoPermission.into(),
        HistoryError::NewestFirst => Problem::parameter("order", error.to_string()),
        HistoryError::AheadOfLog { .. } => Problem::parameter("after", error.to_string()),
    }
}

//! GET `organizations/{organization}/audit-logs/` (behaviour.md 11).

use axum::{
    Json,
    extract::{OriginalUri, State},
    response::{IntoResponse, Response},
};

use super::{
    page::{self, Page},
    parts::Parts,
    surroundings,
};
use crate::{
    http::{
        access,
        app::App,
        auth::Bearer,
        consistency::{await_views, read_headers},
        described::{OfOrganization, Paging, Reading},
        page as links,
        params::{InPath, Params},
        problem::Problem,
        request::About,
        shapes::audit::{self as shape, AuditLog},
    },
    ledger::Failure,
};

const NEEDS: &[&str] = &["org:write", "org:admin"];

/// What the answer is read from, besides the log.
const MODELS: &[&str] = &["users"];

/// The audit log of an organization
///
/// Who changed what from what to what, newest first, in pages that `Link` leads through. Addresses that requests came
/// from are shown to those who have `org:admin`.
#[utoipa::path(
    get,
    path = "/api/0/organizations/{organization}/audit-logs/",
    tag = "history",
    params(
        OfOrganization,
        ("event" = Option<String>, Query, description = "One of `options`"),
        ("actor" = Option<String>, Query, description = "The id of a user, who acted or caused what a policy did"),
        ("start" = Option<String>, Query, description = "Recorded at this time or later (RFC 3339)"),
        ("end" = Option<String>, Query, description = "Recorded at this time or earlier (RFC 3339)"),
        ("statsPeriod" = Option<String>, Query, description = "Such as `24h` or `14d`; goes before `start` and `end`"),
        Paging,
        Reading,
    ),
    responses(
        (status = 200, description = "The entries, and the kinds that can be asked for", body = AuditLog,
            headers(("Link" = String), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester may not read the audit log"),
        (status = 404, description = "There is no such organization, or it has ended, except for superusers"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Bearer(caller): Bearer,
    InPath(organization): InPath<String>,
    OriginalUri(uri): OriginalUri,
    about: About,
    params: Params,
) -> Result<Response, Problem> {
    let access = access::enter_past(&app, &caller, &organization, NEEDS, false).await?;
    let parts = Parts::of(&params, app.ledger.clock().now())?;
    await_views(&app, &params).await?;
    let mut headers = read_headers(&app, Some(access.id), MODELS);
    let page = match parts {
        Some(parts) => page::read(&app, access.id, &parts).await?,
        None => Page::default(),
    };
    let around = surroundings::around(&app, &page.entries).await?;
    let with_origin = access.scopes.contains("org:admin");
    let envelopes = shape::envelopes(&around);
    let opener = app.ledger.keys().opener(envelopes).await.map_err(Failure::from)?;
    let organization = (access.id, &*access.organization);
    let body = shape::log(&around, &opener, organization, with_origin);
    let newest = page.entries.first().map(crate::audit::Entry::id).or(page.previous).unwrap_or_default();
    let previous = format!("{newest}:0:1");
    let oldest = page.next.or(page.entries.last().map(crate::audit::Entry::id)).unwrap_or_default();
    let next = format!("{oldest}:0:0");
    let (previous, next) = ((&*previous, page.previous.is_some()), (&*next, page.next.is_some()));
    headers.extend(links::around(&uri, &about.base_url, previous, next));
    Ok((headers, Json(body)).into_response())
}

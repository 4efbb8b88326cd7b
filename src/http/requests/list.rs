//! GET `organizations/{organization}/invite-requests/` (behaviour.md 4.6).

use std::cmp::Ordering;

use axum::{
    Json,
    extract::{OriginalUri, State},
    response::{IntoResponse, Response},
};
use muster_events::{
    id::{MemberId, OrganizationId},
    member::takes_join_requests,
    personal::Personal,
};
use muster_projections::{
    members::requests::{self, RequestKey},
    read::{Listed, Page},
};

use super::answer::SEEING;
use crate::{
    http::{
        access,
        app::App,
        auth::Bearer,
        consistency::{await_views, read_headers},
        described::{OfOrganization, Paging, Reading},
        members::answer::role_name,
        page,
        params::{InPath, Params},
        problem::Problem,
        request::About,
        shapes::member::{self as shape, MemberWithTeams},
    },
    ledger::Failure,
};

/// What the answer is read from.
const MODELS: &[&str] = &["members", "users", "teams"];

/// The most requests of one organization that are put in the order of their addresses. The addresses are sealed, so that
/// all of them have to be opened for it; where there are more, they come in the order in which they were made.
const MOST_ORDERED: u32 = 10_000;

/// The requests to invite and to join
///
/// By kind, then by address, in pages that `Link` leads through. Requests to join are hidden while the organization does
/// not take any.
#[utoipa::path(
    get,
    path = "/api/0/organizations/{organization}/invite-requests/",
    tag = "requests",
    params(OfOrganization, Paging, Reading),
    responses(
        (status = 200, description = "The requests", body = Vec<MemberWithTeams>,
            headers(("Link" = String), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester is not in the organization, or may not see members"),
        (status = 404, description = "There is no such organization"),
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
    let access = access::enter(&app, &caller, &organization, SEEING, false).await?;
    let wanted = params.page()?;
    await_views(&app, &params).await?;
    let mut headers = read_headers(&app, Some(access.id), MODELS);
    let with_joins = takes_join_requests(&access.organization);
    let listed = ids(&app, access.id, with_joins, wanted).await?;
    let found = requests::details(app.views(), access.id, &listed.rows)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let envelopes = found.iter().flat_map(|details| shape::envelopes(&details.member));
    let opener = app.ledger.keys().opener(envelopes).await.map_err(Failure::from)?;
    let now = app.ledger.clock().now();
    let shape = |details| {
        let details: &muster_projections::members::MemberDetails = details;
        shape::with_teams(details, &opener, role_name(&access.roles, &details.member.org_role), now)
    };
    let body: Vec<MemberWithTeams> = found.iter().map(shape).collect();
    headers.extend(page::link(&uri, &about.base_url, wanted, &listed));
    Ok((headers, Json(body)).into_response())
}

/// Which requests are on the page.
async fn ids(
    app: &App,
    organization: OrganizationId,
    with_joins: bool,
    wanted: Page,
) -> Result<Listed<MemberId>, Problem> {
    let keys = async |page| {
        let keys = requests::keys(app.views(), organization, with_joins, page).await;
        keys.map_err(|error| Problem::unavailable(&error.to_string()))
    };
    let all = keys(Page { offset: 0, limit: MOST_ORDERED }).await?;
    if all.more {
        let Listed { rows, more } = keys(wanted).await?;
        return Ok(Listed { rows: rows.into_iter().map(|key| key.id).collect(), more });
    }
    let envelope = |key: &RequestKey| key.email.as_ref().and_then(Personal::envelope).cloned();
    let envelopes: Vec<_> = all.rows.iter().filter_map(envelope).collect();
    let opener = app.ledger.keys().opener(&envelopes).await.map_err(Failure::from)?;
    let address = |key: &RequestKey| key.email.as_ref().map(|email| shape::address(&opener, email));
    let mut keys: Vec<_> = all.rows.iter().map(|key| (address(key), key)).collect();
    keys.sort_by(in_order);
    let page = keys.into_iter().map(|(_, key)| key.id).skip(wanted.offset as usize);
    let mut rows: Vec<_> = page.collect();
    let more = rows.len() > wanted.limit as usize;
    rows.truncate(wanted.limit as usize);
    Ok(Listed { rows, more })
}

/// By kind, by address without regard to case, and by id.
fn in_order(one: &(Option<String>, &RequestKey), other: &(Option<String>, &RequestKey)) -> Ordering {
    let place = |(address, key): &(Option<String>, &RequestKey)| {
        (key.status.name(), address.as_ref().map(|address| address.to_lowercase()), key.id)
    };
    place(one).cmp(&place(other))
}

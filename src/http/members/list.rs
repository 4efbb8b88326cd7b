//! GET `organizations/{organization}/members/` (behaviour.md 4.1).

use axum::{
    Json,
    extract::{OriginalUri, State},
    response::{IntoResponse, Response},
};
use muster_projections::members;

use super::{answer::role_name, search};
use crate::{
    http::{
        app::App,
        auth::Bearer,
        described::{OfOrganization, Paging, Past, Reading, Searching},
        moment, page,
        params::{InPath, Params},
        problem::Problem,
        request::About,
        shapes::member::{self as shape, Member},
    },
    ledger::Failure,
};

const NEEDS: &[&str] = &["member:read", "member:write", "member:admin"];

/// What the answer is read from.
const MODELS: &[&str] = &["members", "users"];

/// The members of an organization
///
/// Members and open invitations, by id, in pages that `Link` leads through. `query` takes words that are looked for in
/// names and addresses, and `key:value` with the keys `email`, `id`, `user.id`, `role`, `scope`, `isInvited`, `ssoLinked`,
/// `has2fa`, `hasExternalUsers`: values of one key are alternatives, all keys must be met, and another key finds nobody.
#[utoipa::path(
    get,
    path = "/api/0/organizations/{organization}/members/",
    tag = "members",
    params(OfOrganization, Searching, Paging, Past, Reading),
    responses(
        (status = 200, description = "The members", body = Vec<Member>,
            headers(("Link" = String), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, one that cannot be used, or a membership that is suspended"),
        (status = 403, description = "The requester is not in the organization, or may not see members"),
        (status = 404, description = "There is no such organization"),
        (status = 429, description = "More lists a second than one person, or an organization's token, may ask for",
            headers(("Retry-After" = u64))),
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
    app.member_lists.pass(&caller)?;
    let seen = moment::enter(&app, &caller, &organization, &params, (NEEDS, false), MODELS).await?;
    let access = &seen.access;
    let wanted = params.page()?;
    let filter = search::parse(params.get("query").unwrap_or_default(), &access.roles, app.ledger.keys())?;
    let listed = search::find(&app, &seen.views, access.id, &filter, wanted).await?;
    let envelopes = listed.rows.iter().flat_map(shape::envelopes);
    let opener = app.ledger.keys().opener(envelopes).await.map_err(Failure::from)?;
    let with_external_users = params.pairs().any(|pair| pair == ("expand", "externalUsers"));
    let shape = |row| {
        let row: &members::MemberRow = row;
        let member = shape::member(row, &opener, role_name(&access.roles, &row.org_role), seen.now, None);
        if with_external_users { member.with_external_users() } else { member }
    };
    let body: Vec<Member> = listed.rows.iter().map(shape).collect();
    let mut headers = seen.headers(None);
    headers.extend(page::link(&uri, &about.base_url, wanted, &listed));
    Ok((headers, Json(body)).into_response())
}

//! GET `organizations/` (behaviour.md 5.6).

use axum::{
    Json,
    extract::{OriginalUri, State},
    response::{IntoResponse, Response},
};
use muster_events::user::User;
use muster_projections::{
    organizations::{FoundOrganization, Of, search},
    read::Listed,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::search::filters;
use crate::{
    http::{
        app::App,
        auth::Bearer,
        body::boolean,
        consistency::{await_views, read_headers},
        described::{Paging, Reading},
        page,
        params::Params,
        problem::Problem,
        request::About,
        shapes::{
            any_of::any_of,
            organization::{self as shape, Look, Summary},
        },
    },
    ledger::{Caller, CallerKind},
};

/// What the answer is read from.
const MODELS: &[&str] = &["organizations", "members", "users"];

/// One of the organizations that the requester owns.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Owned {
    organization: Summary,
    /// Whether nobody else owns it.
    single_owner: bool,
}

any_of! {
    /// An organization of a list; with `owner=1`, one that the requester owns.
    OrganizationListed: Summary, Owned
}

/// The organizations of the requester
///
/// The newest first, in pages that `Link` leads through. With `owner=1` those that he owns, as
/// `{"organization", "singleOwner"}`.
#[utoipa::path(
    get,
    path = "/api/0/organizations/",
    tag = "organizations",
    params(
        ("query" = Option<String>, Query,
            description = "Words in name or slug, or `slug:`, `id:`, `status:`, `email:`, `member_id:`"),
        ("sortBy" = Option<String>, Query, description = "`members`: those with the most members first"),
        ("owner" = Option<String>, Query, description = "`1`: those that the requester owns"),
        ("show" = Option<String>, Query, description = "`all`: every organization, for superusers"),
        Paging,
        Reading,
    ),
    responses(
        (status = 200, description = "The organizations", body = Vec<OrganizationListed>,
            headers(("Link" = String), ("Muster-Position" = String), ("Muster-Stale" = Option<String>))),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Bearer(caller): Bearer,
    OriginalUri(uri): OriginalUri,
    about: About,
    params: Params,
) -> Result<Response, Problem> {
    let wanted = params.page()?;
    let owned = params.get("owner").is_some_and(|text| boolean("owner", &text.into()).unwrap_or(false));
    let of = of(&app, &caller, &params, owned).await?;
    await_views(&app, &params).await?;
    let mut headers = read_headers(&app, None, MODELS);
    let by_members = params.get("sortBy") == Some("members");
    let listed = match filters(params.get("query").unwrap_or_default(), app.ledger.keys()) {
        Some(filters) => search::search(app.views(), &of, &filters, by_members, wanted)
            .await
            .map_err(|error| Problem::unavailable(&error.to_string()))?,
        None => Listed { rows: vec![], more: false },
    };
    let summary = |found: &FoundOrganization| {
        let look = Look { access: None, with_features: false, base_url: about.base_url.clone() };
        shape::summary(found.organization.id, &found.organization.state, look)
    };
    headers.extend(page::link(&uri, &about.base_url, wanted, &listed));
    if owned {
        let owned = |found: &FoundOrganization| Owned {
            organization: summary(found),
            single_owner: found.holders == 1,
        };
        let body: Vec<Owned> = listed.rows.iter().map(owned).collect();
        return Ok((headers, Json(body)).into_response());
    }
    let body: Vec<Summary> = listed.rows.iter().map(summary).collect();
    Ok((headers, Json(body)).into_response())
}

/// Whose organizations are asked for.
async fn of(app: &App, caller: &Caller, params: &Params, owned: bool) -> Result<Of, Problem> {
    let user = match caller.kind {
        CallerKind::Integration(own) => return Ok(Of::Itself(own)),
        CallerKind::User(user) => user,
    };
    if owned {
        let roles = app.ledger.look().roles().await?;
        return Ok(Of::Holder(user, roles.top().clone()));
    }
    let is_superuser = app.ledger.state::<User>(&user.into()).await?.state.superuser;
    Ok(if is_superuser && params.get("show") == Some("all") { Of::Everybody } else { Of::Member(user) })
}

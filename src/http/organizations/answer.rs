//! An organization, as an answer: of a read, from the views; of a command, from what it has just folded.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use muster_events::{
    id::{MemberId, OrganizationId},
    organization::{Feature, Organization},
    stream::{Position, Sequence},
};
use muster_projections::{members::access_requests, read::Page, teams, views::Views};

use crate::{
    http::{
        access::{self, Access},
        app::App,
        idempotency::etag,
        names,
        params::Params,
        problem::Problem,
        shapes::{
            OnlyId,
            organization::{self as shape, Detailed, Details, Look},
            role,
            team::Team,
        },
        teams::list::viewer,
    },
    ledger::{Caller, Failure},
};

/// How many teams the details list at most, far above what an organization has; the list of teams itself is paged.
const TEAMS: Page = Page { offset: 0, limit: 10_000 };

/// How long the answer to a command waits for the views.
pub(super) const ANSWER_WAIT: std::time::Duration = std::time::Duration::from_secs(1);

/// Who wants to see what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    pub(super) with_features: bool,
    pub(super) with_teams: bool,
    pub(super) base_url: &'a str,
}

impl<'a> Wish<'a> {
    /// What a read is asked for. Whatever is not 0 is a yes, as clients of this wire format expect.
    pub(super) fn of(params: &Params, base_url: &'a str) -> Self {
        let on = |name: &str, default: &'static str| params.get(name).unwrap_or(default) != "0";
        Self { with_features: on("include_feature_flags", "0"), with_teams: on("detailed", "1"), base_url }
    }

    /// What a command answers.
    pub(super) fn all(base_url: &'a str) -> Self {
        Self { with_features: false, with_teams: true, base_url }
    }

    /// As the requester of `access` sees it.
    pub(super) fn look(self, access: &Access) -> Look {
        Look {
            access: Some(access.scopes.clone()),
            with_features: self.with_features,
            base_url: self.base_url.to_owned(),
        }
    }
}

/// The organization with all of its settings; its teams from these rows.
pub(super) async fn detailed(
    views: &Views,
    access: &Access,
    (id, state): (OrganizationId, &Organization),
    wish: Wish<'_>,
) -> Result<Detailed, Problem> {
    let teams = if wish.with_teams { Some(teams_of(views, access).await?) } else { None };
    let waiting = waiting(views, id).await?;
    Ok(shape::detailed(id, state, wish.look(access), details(access, teams, waiting)))
}

/// The same as the answer to a command, which is given also when the views that list the teams are not to be had: without
/// them and without a count of requests then.
pub(super) async fn detailed_anyway(
    app: &App,
    access: &Access,
    (id, state): (OrganizationId, &Organization),
    wish: Wish<'_>,
) -> Detailed {
    let teams = if wish.with_teams { teams_of(app.views(), access).await.ok() } else { None };
    let waiting = waiting(app.views(), id).await.unwrap_or_default();
    shape::detailed(id, state, wish.look(access), details(access, teams, waiting))
}

/// How many ask to be put on a team.
async fn waiting(views: &Views, organization: OrganizationId) -> Result<u64, Problem> {
    let counted = access_requests::count(views, organization).await;
    counted.map_err(|error| Problem::unavailable(&error.to_string()))
}

async fn teams_of(views: &Views, access: &Access) -> Result<Vec<Team>, Problem> {
    let listed = teams::query::list(views, access.id, own(access), TEAMS)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let viewer = viewer(access);
    Ok(listed.rows.iter().map(|team| viewer.see(team)).collect())
}

fn own(access: &Access) -> Option<MemberId> {
    access.requester.membership.as_ref().map(|(id, _)| *id)
}

fn details(access: &Access, teams: Option<Vec<Team>>, pending_access_requests: u64) -> Details {
    let feature = access.organization.has_feature(Feature::TeamRoles);
    let names = access.roles.org_roles().iter().map(|role| (role.id.to_string(), role.name.to_string()));
    Details {
        org_roles: role::org_roles(&access.roles, &access.allowed_org_roles(), feature),
        team_roles: role::team_roles(&access.roles, access.role(), access.requester.is_superuser()),
        role_names: names.collect(),
        role: access.role().cloned(),
        pending_access_requests,
        teams,
    }
}

/// The organization that a path names, for somebody who has any of the scopes `needs`.
pub(super) async fn locate(
    app: &App,
    caller: &Caller,
    organization: &str,
    needs: &[&str],
) -> Result<OrganizationId, Failure> {
    let mut unit = app.ledger.look();
    let (id, found) = unit.organization(organization).await?;
    let (roles, requester) = (unit.roles().await?, unit.requester(caller, id).await?);
    requester.gate(id, &found.state, &roles, needs, false)?;
    Ok(id)
}

/// The headers of the answer to a command.
pub(super) fn headers(position: Position, replayed: bool, sequence: Option<Sequence>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(names::POSITION, HeaderValue::from(position.0));
    if replayed {
        headers.insert(names::REPLAYED, HeaderValue::from_static("true"));
    }
    if let Some(tag) = sequence.and_then(|sequence| etag(sequence).parse().ok()) {
        headers.insert(header::ETAG, tag);
    }
    headers
}

/// The organization as it is now, with this status, also when it cannot be shown any more, or not to this requester:
/// what is committed is never answered with an error.
pub(super) async fn now(
    app: &App,
    caller: &Caller,
    id: OrganizationId,
    (status, mut headers): (StatusCode, HeaderMap),
    (wish, in_full): (Wish<'_>, bool),
) -> Response {
    let head = *app.ledger.store().commits().borrow();
    if app.read_models.wait_for(head, ANSWER_WAIT).await.is_err()
        && let Ok(applied) = HeaderValue::from_str(&app.at(app.applied()).to_string())
    {
        headers.insert(names::STALE, applied);
    }
    let shown = async {
        let access = access::enter(app, caller, &id.to_string(), super::get::NEEDS, false).await?;
        let sequence = app.ledger.state::<Organization>(&id.into()).await?.sequence;
        let state = access.organization.clone();
        let body = if in_full && access.scopes.contains("org:read") {
            Json(detailed_anyway(app, &access, (id, &state), wish).await).into_response()
        } else {
            Json(shape::summary(id, &state, wish.look(&access))).into_response()
        };
        Ok::<_, Problem>((sequence, body))
    };
    let (sequence, mut answer) = match shown.await {
        Ok((sequence, body)) => (Some(sequence), body),
        Err(_) => (None, Json(OnlyId::of(&id)).into_response()),
    };
    if let Some(tag) = sequence.and_then(|sequence| etag(sequence).parse().ok()) {
        headers.insert(header::ETAG, tag);
    }
    *answer.status_mut() = status;
    answer.headers_mut().extend(headers);
    answer
}

//! A team as the answer of a command: from what it has just folded, and what concerns others from the views.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use muster_events::{
    id::TeamId,
    member::Member,
    stream::{Position, Sequence},
    team::Team as TeamState,
};
use muster_projections::teams::{self, ListedTeam, OnTeam, TeamRow};

use super::{get, list::viewer};
use crate::{
    http::{
        access::Access,
        app::App,
        auth::Bearer,
        idempotency::etag,
        members::update::mark_replayed,
        names,
        params::{InPath, Params},
        request::About,
        shapes::{OnlyId, team::Team},
    },
    ledger::{Caller, Repeated},
};

/// How long an answer waits for the views.
const ANSWER_WAIT: Duration = Duration::from_secs(1);

/// A team after a command.
#[derive(Debug)]
pub(in crate::http) struct Folded<'a> {
    /// The team.
    pub(in crate::http) id: TeamId,
    /// Its state.
    pub(in crate::http) state: &'a TeamState,
    /// Its sequence.
    pub(in crate::http) sequence: Sequence,
    /// The requester's own membership, where he is a member.
    pub(in crate::http) membership: Option<&'a Member>,
}

/// The headers of an answer after a commit at `position`: also `Muster-Stale`, when the views are behind it for longer
/// than an answer waits for them.
pub(in crate::http) async fn settled(app: &App, position: Position) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(names::POSITION, HeaderValue::from(position.0));
    let late = app.read_models.wait_for(position, ANSWER_WAIT).await.is_err();
    if late && let Ok(applied) = HeaderValue::from_str(&app.at(app.applied()).to_string()) {
        headers.insert(names::STALE, applied);
    }
    headers
}

/// The team as the requester sees it. How many are on it is what the views say; where they cannot be read, nobody.
pub(in crate::http) async fn seen(app: &App, access: &Access, folded: &Folded<'_>) -> Team {
    let found = teams::query::find(app.views(), access.id, access.own(), folded.id).await;
    let on = folded.membership.and_then(|own| own.teams.get(&folded.id));
    let listed = ListedTeam {
        team: TeamRow {
            id: folded.id,
            organization: access.id,
            sequence: folded.sequence,
            slug: folded.state.slug.clone(),
            name: folded.state.name.clone(),
            active: folded.state.active,
            idp_provisioned: folded.state.idp_provisioned,
            created_at: folded.state.created_at,
        },
        members: found.ok().flatten().map_or(0, |found| found.members),
        viewer: on.map(|role| OnTeam { role: role.clone() }),
        pending: folded.membership.is_some_and(|own| own.access_requests.contains_key(&folded.id)),
    };
    viewer(access).see(&listed)
}

/// The team with its tag.
pub(super) async fn tagged(
    app: &App,
    access: &Access,
    folded: &Folded<'_>,
    (status, position): (StatusCode, Position),
) -> Response {
    let mut headers = settled(app, position).await;
    if let Ok(tag) = etag(folded.sequence).parse() {
        headers.insert(header::ETAG, tag);
    }
    (status, headers, Json(seen(app, access, folded).await)).into_response()
}

/// The team as it is now, in the place of the answer that was given first. The status is that of the first answer, also
/// when the team cannot be shown any more, or not to this requester.
pub(in crate::http) async fn replayed(
    app: &App,
    caller: Caller,
    (organization, team): (String, String),
    about: About,
    repeated: &Repeated,
) -> Response {
    let head = *app.ledger.store().commits().borrow();
    let settled = settled(app, head).await;
    let path = InPath((organization, team.clone()));
    let params = Params::eventual();
    let shown = get::show(app.clone(), Bearer(caller), path, about, params, false).await;
    let mut answer = shown.unwrap_or_else(|_| Json(OnlyId::of(&team)).into_response());
    *answer.status_mut() = StatusCode::from_u16(repeated.status).unwrap_or(StatusCode::OK);
    answer.headers_mut().extend(settled);
    mark_replayed(answer.headers_mut(), repeated.position);
    answer
}

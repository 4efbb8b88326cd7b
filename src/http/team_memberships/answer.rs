//! The answers of commands on one team membership.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use muster_events::{member::Member, stream::Position};

use crate::{
    http::{
        access::Access,
        app::App,
        idempotency::etag,
        members::update::mark_replayed,
        names,
        request::About,
        shapes::access_request::parse_request_id,
        teams::answer::{Folded, replayed as team_replayed, seen, settled},
    },
    ledger::{Caller, Repeated, operations::TeamMembershipChanged},
};

/// Nothing but the status.
pub(super) fn bare(answer: &TeamMembershipChanged, position: Position) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(names::POSITION, HeaderValue::from(position.0));
    tag(&mut headers, answer);
    (status(answer.ended.status()), headers).into_response()
}

/// The tag of the member, whose the membership is.
pub(super) fn tag(headers: &mut HeaderMap, answer: &TeamMembershipChanged) {
    if let Ok(tag) = etag(answer.member.sequence).parse() {
        headers.insert(header::ETAG, tag);
    }
}

/// The team, as the requester sees it afterwards.
pub(super) async fn team(app: &App, answer: &TeamMembershipChanged, position: Position) -> Response {
    let context = &answer.context;
    let (organization, state) = &context.organization;
    let access = Access::of((*organization, state), &context.roles, &context.requester);
    let (id, team) = &context.team;
    let folded = Folded { id: *id, state: team, sequence: answer.team_sequence, membership: own(answer) };
    let mut headers = settled(app, position).await;
    tag(&mut headers, answer);
    (status(answer.ended.status()), headers, Json(seen(app, &access, &folded).await)).into_response()
}

/// The membership of the requester, which may be the one that has just changed.
fn own(answer: &TeamMembershipChanged) -> Option<&Member> {
    if answer.context.is_own() {
        return Some(&answer.member.state);
    }
    answer.context.requester.membership.as_ref().map(|(_, member)| &**member)
}

fn status(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::OK)
}

/// The answer to a repetition: the team as it is now where the first answer was one, else the status alone.
pub(super) async fn replayed(
    app: &App,
    caller: Caller,
    organization: String,
    about: About,
    repeated: &Repeated,
) -> Response {
    if matches!(repeated.status, 202 | 204) {
        let mut headers = HeaderMap::new();
        mark_replayed(&mut headers, repeated.position);
        return (status(repeated.status), headers).into_response();
    }
    let named = repeated.resource.as_deref().and_then(parse_request_id);
    let team = named.map(|(_, team)| team.to_string()).unwrap_or_default();
    team_replayed(app, caller, (organization, team), about, repeated).await
}

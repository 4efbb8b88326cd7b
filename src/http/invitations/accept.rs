//! POST `accept-invite/...` (behaviour.md 4.5).

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use muster_events::{refusal::Refusal, stream::Position};

use super::link;
use crate::{
    http::{
        app::App,
        auth::AnyBearer,
        body::Raw,
        described::{KeyOnly, OfInvitation, OfInvitationWithin},
        idempotency::request_key,
        names,
        params::InPath,
        problem::Problem,
        request::About,
    },
    ledger::{
        Caller, CallerKind, Outcome,
        operations::{AcceptInvite, InvitationLink},
    },
};

/// What comes with the request besides the link.
struct Sent {
    caller: Option<Caller>,
    uri: Uri,
    about: About,
    headers: HeaderMap,
    body: Raw,
}

/// Accept an invitation
///
/// The person whose token is shown becomes a member, also when the invitation was sent to another address, unless the
/// organization restricts that. Where SSO is required and he is not linked, nothing is changed: he has to log in there.
#[utoipa::path(
    post,
    path = "/api/0/accept-invite/{member}/{token}/",
    tag = "invitations",
    security((), ("bearer" = [])),
    params(OfInvitation, KeyOnly),
    responses(
        (status = 204, description = "The person is a member",
            headers(("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "No person, a link that opens nothing, a member already, or something is still asked of him"),
        (status = 401, description = "A token that cannot be used"),
        (status = 413, description = "The body is too large"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn accept(
    State(app): State<App>,
    AnyBearer(caller): AnyBearer,
    InPath((member, token)): InPath<(String, String)>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    body: Raw,
) -> Result<Response, Problem> {
    taken(&app, Sent { caller, uri, about, headers, body }, link(None, &member, token)).await
}

/// Accept an invitation to an organization
///
/// As without the organization, which has to be the one that the invitation is to.
#[utoipa::path(
    post,
    path = "/api/0/accept-invite/{organization}/{member}/{token}/",
    tag = "invitations",
    security((), ("bearer" = [])),
    params(OfInvitationWithin, KeyOnly),
    responses(
        (status = 204, description = "The person is a member",
            headers(("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "No person, a link that opens nothing, a member already, or something is still asked of him"),
        (status = 401, description = "A token that cannot be used"),
        (status = 413, description = "The body is too large"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn accept_within(
    State(app): State<App>,
    AnyBearer(caller): AnyBearer,
    InPath((organization, member, token)): InPath<(String, String, String)>,
    OriginalUri(uri): OriginalUri,
    about: About,
    headers: HeaderMap,
    body: Raw,
) -> Result<Response, Problem> {
    taken(&app, Sent { caller, uri, about, headers, body }, link(Some(organization), &member, token)).await
}

async fn taken(app: &App, sent: Sent, link: InvitationLink) -> Result<Response, Problem> {
    let Sent { caller, uri, about, headers, body: Raw(body) } = sent;
    // An organization's own token is nobody who could become a member.
    let Some(caller) = caller.filter(|caller| matches!(caller.kind, CallerKind::User(_))) else {
        return Err(Refusal::InviteNotAcceptable.into());
    };
    let request = (&Method::POST, &uri, &headers, &*body);
    let key = request_key(app.ledger.keys(), &caller, request, StatusCode::NO_CONTENT)?;
    let turn = app.ledger.begin(key).await;
    match app.ledger.execute(&AcceptInvite { caller, link }, &about.meta(caller), turn).await? {
        Outcome::Done(executed) => {
            if executed.changed_anything() {
                metrics::counter!("muster_invitations_accepted_total").increment(1);
            }
            Ok(no_content(executed.position, false))
        }
        Outcome::Replayed(repeated) => Ok(no_content(repeated.position, true)),
    }
}

fn no_content(position: Position, replayed: bool) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(names::POSITION, HeaderValue::from(position.0));
    if replayed {
        headers.insert(names::REPLAYED, HeaderValue::from_static("true"));
    }
    (StatusCode::NO_CONTENT, headers).into_response()
}

//! GET `accept-invite/...` (behaviour.md 4.5).

use axum::{Json, extract::State};
use muster_events::member::look_at;

use super::link;
use crate::{
    http::{
        app::App,
        auth::AnyBearer,
        described::{OfInvitation, OfInvitationWithin},
        params::InPath,
        problem::Problem,
        shapes::invitation::Invitation,
    },
    ledger::{Caller, operations::InvitationLink},
};

/// Look at an invitation
///
/// The link is all that is needed; whoever shows a token as well is told what is still asked of him.
#[utoipa::path(
    get,
    path = "/api/0/accept-invite/{member}/{token}/",
    tag = "invitations",
    security((), ("bearer" = [])),
    params(OfInvitation),
    responses(
        (status = 200, description = "What is asked of whoever accepts", body = Invitation),
        (status = 400, description = "The link opens no invitation"),
        (status = 401, description = "A token that cannot be used"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn look(
    State(app): State<App>,
    AnyBearer(caller): AnyBearer,
    InPath((member, token)): InPath<(String, String)>,
) -> Result<Json<Invitation>, Problem> {
    shown(&app, caller, link(None, &member, token)).await
}

/// Look at an invitation to an organization
///
/// As without the organization, which has to be the one that the invitation is to.
#[utoipa::path(
    get,
    path = "/api/0/accept-invite/{organization}/{member}/{token}/",
    tag = "invitations",
    security((), ("bearer" = [])),
    params(OfInvitationWithin),
    responses(
        (status = 200, description = "What is asked of whoever accepts", body = Invitation),
        (status = 400, description = "The link opens no invitation"),
        (status = 401, description = "A token that cannot be used"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn look_within(
    State(app): State<App>,
    AnyBearer(caller): AnyBearer,
    InPath((organization, member, token)): InPath<(String, String, String)>,
) -> Result<Json<Invitation>, Problem> {
    shown(&app, caller, link(Some(organization), &member, token)).await
}

async fn shown(app: &App, caller: Option<Caller>, link: InvitationLink) -> Result<Json<Invitation>, Problem> {
    // Whoever shows a token has confirmed the head of the log already; nobody else has.
    app.ledger.confirm().await?;
    let opened = link.open(&mut app.ledger.look(), caller.as_ref()).await?;
    let details = look_at(&opened.member, &opened.context)?;
    Ok(Json(details.into()))
}

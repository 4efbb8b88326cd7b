//! A request that a member may join a team (behaviour.md 5.5).

use muster_events::id::{MemberId, TeamId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{member::Member, team::Team, user::User};

/// A request that a member may join a team.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct AccessRequest {
    id: String,
    member: Member,
    team: Team,
    /// Who asked; null when the member asked himself.
    #[schema(required)]
    requester: Option<User>,
}

impl AccessRequest {
    /// The request of `id`, with everything as the requester of this answer sees it.
    pub(in crate::http) fn of(
        id: (MemberId, TeamId),
        member: Member,
        team: Team,
        requester: Option<User>,
    ) -> Self {
        Self { id: request_id(id), member, team, requester }
    }
}

/// A member asks for a team once at a time: the two ids are the request's.
pub(in crate::http) fn request_id((member, team): (MemberId, TeamId)) -> String {
    format!("{member}-{team}")
}

/// The member and the team of a request's id.
pub(in crate::http) fn parse_request_id(text: &str) -> Option<(MemberId, TeamId)> {
    let (member, team) = text.split_once('-')?;
    Some((member.parse().ok()?, team.parse().ok()?))
}

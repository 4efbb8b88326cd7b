//! One member on one team (behaviour.md 5.1, 5.6).

use muster_events::roles::RoleId;
use serde::Serialize;
use utoipa::ToSchema;

use super::member::Member;

/// A team membership.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct TeamMembership {
    is_active: bool,
    /// The explicit role; null in the normal case (behaviour.md D22).
    #[schema(required)]
    team_role: Option<String>,
}

impl TeamMembership {
    /// With this explicit role.
    pub(in crate::http) fn with(role: Option<&RoleId>) -> Self {
        Self { is_active: true, team_role: role.map(ToString::to_string) }
    }
}

/// A member in the list of a team.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct TeamMemberShape {
    #[serde(flatten)]
    member: Member,
    /// The explicit role on the team.
    #[schema(required)]
    team_role: Option<String>,
    team_slug: String,
}

impl TeamMemberShape {
    /// `member` on the team with this slug.
    pub(in crate::http) fn of(member: Member, role: Option<&RoleId>, slug: &str) -> Self {
        Self { member, team_role: role.map(ToString::to_string), team_slug: slug.to_owned() }
    }

    /// The address that the member is shown with.
    pub(in crate::http) fn email(&self) -> &str {
        self.member.email()
    }
}

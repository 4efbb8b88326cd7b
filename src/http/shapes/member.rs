//! A member, in its forms: in a list, and with teams and roles.

use std::collections::BTreeMap;

use muster_events::{
    member::{MemberFlag, has_expired},
    personal::{EmailAddress, Envelope, Personal},
    time::Timestamp,
};
use muster_projections::members::{MemberDetails, MemberRow, MemberTeam};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    role::{OrgRoleShape, TeamRoleShape},
    role_lists::Written,
    text,
    user::{self, User},
};
use crate::sealing::Opener;

/// A member, an invitation or a request, as lists show it (behaviour.md 9.1).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Member {
    id: String,
    email: String,
    name: String,
    #[schema(required)]
    user: Option<User>,
    org_role: String,
    role: String,
    role_name: String,
    pending: bool,
    expired: bool,
    flags: BTreeMap<&'static str, bool>,
    #[schema(value_type = String, format = DateTime)]
    date_created: Timestamp,
    invite_status: &'static str,
    #[schema(required)]
    inviter_name: Option<String>,
    /// Accounts of other services, when they are asked for; none are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_users: Option<Vec<Value>>,
}

impl Member {
    /// With his accounts of other services, of which there are none.
    pub(in crate::http) fn with_external_users(self) -> Self {
        Self { external_users: Some(vec![]), ..self }
    }
}

impl Member {
    /// The address that the member is shown with.
    pub(in crate::http) fn email(&self) -> &str {
        &self.email
    }
}

/// One team of a member.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct MemberTeamShape {
    team_slug: String,
    #[schema(required)]
    role: Option<String>,
}

/// A request with teams (behaviour.md 9.2).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct MemberWithTeams {
    #[serde(flatten)]
    member: Member,
    teams: Vec<String>,
    team_roles: Vec<MemberTeamShape>,
}

/// A member with teams and roles (behaviour.md 9.3).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct MemberWithRoles {
    #[serde(flatten)]
    member: Member,
    teams: Vec<String>,
    team_roles: Vec<MemberTeamShape>,
    /// Never given (behaviour.md D22).
    #[serde(rename = "invite_link")]
    #[schema(required)]
    invite_link: Option<String>,
    is_only_owner: bool,
    #[schema(value_type = Vec<OrgRoleShape>)]
    org_role_list: Written,
    #[schema(value_type = Vec<OrgRoleShape>)]
    roles: Written,
    #[schema(value_type = Vec<TeamRoleShape>)]
    team_role_list: Written,
}

/// What the details of a member show that is not in his row.
#[derive(Debug)]
pub(in crate::http) struct Surroundings {
    /// Whether he is an owner and nobody else is.
    pub(in crate::http) is_only_owner: bool,
    /// The roles as the requester sees them.
    pub(in crate::http) org_roles: Written,
    /// The team roles as the requester sees them.
    pub(in crate::http) team_roles: Written,
    /// In how many organizations the user is, when the requester manages members.
    pub(in crate::http) in_organizations: Option<usize>,
}

/// The envelopes that [`member`] opens.
pub(in crate::http) fn envelopes(row: &MemberRow) -> impl Iterator<Item = &Envelope> {
    let inviter = row.inviter.as_ref().into_iter().flat_map(|inviter| {
        let name = inviter.name.as_ref().and_then(Personal::envelope);
        inviter.username.envelope().into_iter().chain(inviter.email.envelope()).chain(name)
    });
    let account = row.account.as_ref().into_iter().flat_map(user::envelopes);
    row.email.as_ref().and_then(Personal::envelope).into_iter().chain(account).chain(inviter)
}

/// The member as lists show it. `role_name` is the display name of his role.
pub(in crate::http) fn member(
    row: &MemberRow,
    opener: &Opener,
    role_name: &str,
    now: Timestamp,
    in_organizations: Option<usize>,
) -> Member {
    let user = row.account.as_ref().map(|account| user::user(account, opener, in_organizations));
    let (name, email) = if let Some(user) = &user {
        (user.name.clone(), user.email.clone())
    } else {
        let invited = row.email.as_ref().map(|email| text(opener, email)).unwrap_or_default();
        (invited.clone(), invited)
    };
    Member {
        id: row.id.to_string(),
        name,
        email,
        user,
        org_role: row.org_role.to_string(),
        role: row.org_role.to_string(),
        role_name: role_name.to_owned(),
        pending: row.user.is_none(),
        expired: has_expired(row.expires_at, now),
        flags: MemberFlag::ALL.map(|flag| (flag.name(), row.flags.contains(&flag))).into_iter().collect(),
        date_created: row.created_at,
        invite_status: row.invite_status.name(),
        inviter_name: row.inviter.as_ref().map(|inviter| {
            user::display_name(opener, inviter.name.as_ref(), &inviter.email, &inviter.username)
        }),
        external_users: None,
    }
}

/// The member with teams. Only teams that are not being deleted are shown.
pub(in crate::http) fn with_teams(
    details: &MemberDetails,
    opener: &Opener,
    role_name: &str,
    now: Timestamp,
) -> MemberWithTeams {
    let (teams, team_roles) = teams(details);
    MemberWithTeams { member: member(&details.member, opener, role_name, now, None), teams, team_roles }
}

/// The text of an address.
pub(in crate::http) fn address(opener: &Opener, email: &Personal<EmailAddress>) -> String {
    text(opener, email)
}

fn teams(details: &MemberDetails) -> (Vec<String>, Vec<MemberTeamShape>) {
    let active = details.teams.iter().filter(|team| team.active);
    let shape = |team: &MemberTeam| MemberTeamShape {
        team_slug: team.slug.clone(),
        role: team.role.as_ref().map(ToString::to_string),
    };
    (active.clone().map(|team| team.slug.clone()).collect(), active.map(shape).collect())
}

/// The member with teams and roles. Only teams that are not being deleted are shown.
pub(in crate::http) fn with_roles(
    details: &MemberDetails,
    opener: &Opener,
    role_name: &str,
    now: Timestamp,
    around: Surroundings,
) -> MemberWithRoles {
    let (teams, team_roles) = teams(details);
    MemberWithRoles {
        member: member(&details.member, opener, role_name, now, around.in_organizations),
        teams,
        team_roles,
        invite_link: None,
        is_only_owner: around.is_only_owner,
        roles: around.org_roles.clone(),
        org_role_list: around.org_roles,
        team_role_list: around.team_roles,
    }
}

//! A member with roles, as an answer: of a read, from the views; of a command, from what it has just folded.

use std::{collections::BTreeMap, sync::Arc};

use muster_events::{
    id::{MemberId, OrganizationId, UserId},
    member::Member,
    organization::{Feature, Organization},
    roles::{RoleId, Roles},
    stream::Sequence,
    team::Team,
    time::Timestamp,
    user::User,
};
use muster_projections::{
    members::{self, Inviter, MemberDetails, MemberRow, MemberTeam},
    users::UserRow,
    views::Views,
};

use crate::{
    http::{
        app::App,
        problem::Problem,
        shapes::member::{self as shape, MemberWithRoles, Surroundings},
    },
    ledger::Failure,
};

/// Who looks at the member, as far as it matters for the answer.
#[derive(Debug)]
pub(super) struct Onlooker<'a> {
    pub(super) organization: (OrganizationId, &'a Organization),
    pub(super) roles: &'a Arc<Roles>,
    pub(super) allowed: &'a [RoleId],
    pub(super) own_role: Option<&'a RoleId>,
    pub(super) superuser: bool,
}

/// The answer. What concerns other streams comes from the claims; of a `past` moment from its rows, as far as they know.
pub(super) async fn with_roles(
    app: &App,
    details: &MemberDetails,
    look: &Onlooker<'_>,
    past: Option<(&Views, Timestamp)>,
) -> Result<MemberWithRoles, Problem> {
    let row = &details.member;
    let organization = look.organization.0;
    let owners = match past {
        None => app.ledger.owners(organization).await?,
        Some((views, _)) => members::query::owners(views, organization, look.roles.top())
            .await
            .map_err(|error| Problem::unavailable(&error.to_string()))?
            .iter()
            .map(|owner| owner.to_string().into())
            .collect(),
    };
    let id = row.id.to_string();
    let in_organizations = match row.user.filter(|_| !look.allowed.is_empty() && past.is_none()) {
        None => None,
        Some(user) => Some(app.ledger.organizations_of(user).await?),
    };
    let feature = look.organization.1.has_feature(Feature::TeamRoles);
    let around = Surroundings {
        is_only_owner: owners.len() == 1 && owners.iter().all(|owner| *owner == id),
        org_roles: app.role_lists.org_roles(look.roles, look.allowed, feature),
        team_roles: app.role_lists.team_roles(look.roles, look.own_role, look.superuser),
        in_organizations,
    };
    let opener = app.ledger.keys().opener(shape::envelopes(row)).await.map_err(Failure::from)?;
    let name = role_name(look.roles, &row.org_role);
    let now = past.map_or_else(|| app.ledger.clock().now(), |(_, then)| then);
    Ok(shape::with_roles(details, &opener, name, now, around))
}

/// The display name of a role; of one that is not defined any more, its id.
pub(in crate::http) fn role_name<'a>(roles: &'a Roles, role: &'a RoleId) -> &'a str {
    roles.org_role(role.as_str()).map_or(role.as_str(), |role| role.name.as_str())
}

/// The details of a member from the states of the aggregates, in the same form as the views give them.
pub(in crate::http) async fn from_states(
    app: &App,
    organization: OrganizationId,
    id: MemberId,
    (member, sequence): (&Member, Sequence),
    teams: &BTreeMap<muster_events::id::TeamId, Arc<Team>>,
) -> Result<MemberDetails, Problem> {
    let account = account_of(app, member.user).await?;
    let inviter = account_of(app, member.inviter).await?;
    let not_found = || Problem::from(muster_events::refusal::Refusal::NotFound);
    let row = MemberRow {
        id,
        organization,
        sequence,
        user: member.user,
        account,
        email: member.email.clone(),
        org_role: member.org_role.clone().ok_or_else(not_found)?,
        invite_status: member.invite_status,
        inviter: inviter.map(|user| Inviter {
            user: user.id,
            name: user.name,
            username: user.username,
            email: user.email,
        }),
        expires_at: member.invitation.map(|invitation| invitation.expires_at),
        flags: member.flags.clone(),
        created_at: member.created_at,
    };
    let named = member.teams.iter().filter_map(|(id, role)| teams.get(id).map(|team| (id, role, team)));
    let mut teams: Vec<_> = named
        .map(|(id, role, team)| MemberTeam {
            id: *id,
            slug: team.slug.clone(),
            active: team.active,
            role: role.clone(),
        })
        .collect();
    teams.sort_by(|one, other| (&one.slug, one.id).cmp(&(&other.slug, other.id)));
    Ok(MemberDetails { member: row, teams })
}

async fn account_of(app: &App, id: Option<UserId>) -> Result<Option<UserRow>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let found = app.ledger.state::<User>(&id.into()).await?;
    let user = &found.state;
    let (Some(username), Some(primary)) = (&user.username, user.addresses.first()) else { return Ok(None) };
    Ok(Some(UserRow {
        id,
        sequence: found.sequence,
        username: username.clone(),
        name: user.name.clone(),
        email: primary.email.clone(),
        email_verified: primary.verified,
        emails: u64::try_from(user.addresses.len()).unwrap_or(u64::MAX),
        active: user.active,
        superuser: user.superuser,
        authenticators: user.authenticators.clone(),
        created_at: user.created_at,
    }))
}

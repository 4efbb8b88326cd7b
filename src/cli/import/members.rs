//! Checks of the member rows of one organization of an import file.

use std::collections::BTreeMap;

use muster_events::{
    member::InviteStatus,
    roles::{RoleId, Roles},
};

use super::{
    file::{AssignmentRow, MemberRow},
    organizations::{org_role, team_role},
    plan::{Once, PlannedMember, PlannedPerson},
    users::{Users, check_email},
};
use crate::ledger::operations::TeamFact;

/// Checks the rows against each other, the users and the teams.
pub(super) fn check(
    rows: Vec<MemberRow>,
    at: &str,
    users: &Users,
    teams: &[TeamFact],
    roles: &Roles,
) -> Result<Vec<PlannedMember>, String> {
    let user_of: BTreeMap<_, _> = rows.iter().map(|row| (row.key.clone(), row.user.clone())).collect();
    let (mut keys, mut people, mut addresses) = (Once::default(), Once::default(), Once::default());
    let mut planned = vec![];
    for (index, row) in rows.into_iter().enumerate() {
        let at = format!("{at}[{index}]");
        keys.add(&row.key, format!("{at}.key"))?;
        let role = org_role(&row.role, &format!("{at}.role"), roles)?;
        let teams = check_teams(&row.teams, &at, teams, roles)?;
        let (key, flags) = (row.key.clone(), row.flags.clone());
        let person = person(row, &at, users, &user_of)?;
        match &person {
            PlannedPerson::User(key) => {
                people.add(key, format!("{at}.user"))?;
                for (email, _) in users.get(key).into_iter().flat_map(|account| &account.emails) {
                    addresses.add(email.to_lowercase(), format!("{at}.user"))?;
                }
            }
            PlannedPerson::Pending { email, .. } => {
                addresses.add(email.to_lowercase(), format!("{at}.email"))?;
            }
        }
        planned.push(PlannedMember { key, person, role, teams, flags });
    }
    Ok(planned)
}

/// The first member who can be the owner that an organization is created with.
pub(super) fn first_owner(members: &[PlannedMember], users: &Users, roles: &Roles) -> Option<usize> {
    members.iter().position(|member| match &member.person {
        PlannedPerson::User(key) => {
            member.role == *roles.top() && users.get(key).is_some_and(|user| user.active)
        }
        PlannedPerson::Pending { .. } => false,
    })
}

fn person(
    row: MemberRow,
    at: &str,
    users: &Users,
    user_of: &BTreeMap<String, Option<String>>,
) -> Result<PlannedPerson, String> {
    match (row.user, row.email) {
        (Some(key), None) => {
            let pending = [
                ("inviter", row.inviter.is_some()),
                ("inviteStatus", row.invite_status.unwrap_or_default() != InviteStatus::default()),
                ("expiresAt", row.expires_at.is_some()),
            ];
            if let Some((name, _)) = pending.iter().find(|(_, is_given)| *is_given) {
                return Err(format!("{at}.{name}: only a row with `email` is an invitation or a request"));
            }
            if users.get(&key).is_none() {
                return Err(format!("{at}.user: no user in this file has the key \"{key}\""));
            }
            Ok(PlannedPerson::User(key))
        }
        (None, Some(email)) => {
            check_email(&email, &format!("{at}.email"))?;
            let inviter = row.inviter.map(|key| inviter(&key, at, user_of)).transpose()?;
            let (status, expires_at) = (row.invite_status.unwrap_or_default(), row.expires_at);
            Ok(PlannedPerson::Pending { email, status, inviter, expires_at })
        }
        (Some(_), Some(_)) => {
            Err(format!("{at}: `user` and `email` exclude each other: a user has his own addresses"))
        }
        (None, None) => {
            Err(format!("{at}: `user` (a member) or `email` (an invitation or a request) is needed"))
        }
    }
}

/// The user behind the member row that invited.
fn inviter(key: &str, at: &str, user_of: &BTreeMap<String, Option<String>>) -> Result<String, String> {
    let at = format!("{at}.inviter");
    let row = user_of
        .get(key)
        .ok_or_else(|| format!("{at}: no member of this organization in this file has the key \"{key}\""))?;
    row.clone().ok_or_else(|| format!("{at}: the member \"{key}\" is an invitation or a request himself"))
}

fn check_teams(
    rows: &[AssignmentRow],
    at: &str,
    teams: &[TeamFact],
    roles: &Roles,
) -> Result<Vec<(String, Option<RoleId>)>, String> {
    let mut once = Once::default();
    let mut checked = vec![];
    for (index, row) in rows.iter().enumerate() {
        let at = format!("{at}.teams[{index}]");
        once.add(&row.team, format!("{at}.team"))?;
        if !teams.iter().any(|team| team.slug == row.team) {
            return Err(format!("{at}.team: this organization has no team \"{}\" in this file", row.team));
        }
        let role = row.role.as_ref().map(|role| team_role(role, &format!("{at}.role"), roles)).transpose()?;
        checked.push((row.team.clone(), role));
    }
    Ok(checked)
}

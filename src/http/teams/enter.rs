//! Who may look at one team (behaviour.md 5.6).

use std::sync::Arc;

use muster_events::{
    id::TeamId,
    refusal::Refusal,
    team::{Standing, Team, Through},
};

use crate::{
    http::{
        access::{self, Access},
        app::App,
        problem::Problem,
    },
    ledger::Caller,
};

/// Lets the caller look at the team that the path names when he has one of the scopes on it. Who is not in the
/// organization is told so, and not whether there is such a team.
pub(super) async fn enter(
    app: &App,
    caller: &Caller,
    (organization, team): (&str, &str),
    needs: &[&'static str],
) -> Result<(Access, TeamId, Arc<Team>), Problem> {
    let access = access::admit(app, caller, organization).await?;
    let found = app.ledger.look().team(access.id, team).await?.filter(|(_, team)| team.state.active);
    let (id, team) = found.ok_or_else(|| Problem::from(Refusal::NotFound))?;
    let standing = Standing::new(&access.requester, (access.id, &access.organization), &access.roles, id);
    let passes = standing.has_any(needs).ok_or_else(|| Problem::from(Refusal::NoPermission))?;
    count(passes);
    Ok((access, id, team.state))
}

/// Counts those whom only their role on the team lets pass (behaviour.md 12).
pub(super) fn count((scope, through): (&'static str, Through)) {
    if let Through::Team(role) = through {
        let role = role.to_string();
        metrics::counter!("muster_team_roles_pass_by_team_scope_total", "team_role" => role, "scope" => scope)
            .increment(1);
    }
}

//! Who may look at one team (behaviour.md 5.6).

use std::sync::Arc;

use muster_events::{
    id::TeamId,
    refusal::Refusal,
    team::{Standing, Team, Through},
};
use muster_projections::teams;

use crate::{
    http::{
        access::{self, Access},
        app::App,
        moment::Seen,
        params::Params,
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

/// The same for a read: of the team as it is, or as it was at the moment that the request asks for. `models` is what the
/// answer is read from. Gives the id of the team, and the slug that it has there.
pub(super) async fn enter_to_read(
    app: &App,
    caller: &Caller,
    (organization, team): (&str, &str),
    params: &Params,
    needs: &[&'static str],
    models: &[&str],
) -> Result<(Seen, TeamId, String), Problem> {
    if params.get("as_of").is_none() {
        let (access, id, team) = enter(app, caller, (organization, team), needs).await?;
        return Ok((Seen::of(app, access, params, models).await?, id, team.slug.clone()));
    }
    let access = access::admit_past(app, caller, organization).await?;
    let (present, roles) = (Arc::clone(&access.organization), Arc::clone(&access.roles));
    let seen = Seen::of(app, access, params, models).await?;
    let access = &seen.access;
    let found = teams::query::find_named(&seen.views, access.id, access.own(), team).await;
    let found = found.map_err(|error| Problem::unavailable(&error.to_string()))?;
    let team = found.ok_or_else(|| Problem::from(Refusal::NotFound))?.team;
    // What the requester may do there he may do now.
    let standing = Standing::new(&access.requester, (access.id, &present), &roles, team.id);
    standing.has_any(needs).ok_or_else(|| Problem::from(Refusal::NoPermission))?;
    Ok((seen, team.id, team.slug))
}

/// Counts those whom only their role on the team lets pass (behaviour.md 12).
pub(super) fn count((scope, through): (&'static str, Through)) {
    if let Through::Team(role) = through {
        let role = role.to_string();
        metrics::counter!("muster_team_roles_pass_by_team_scope_total", "team_role" => role, "scope" => scope)
            .increment(1);
    }
}

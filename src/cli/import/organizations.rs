//! Checks of the organizations and teams of an import file, by the rules that will decide about them.

use muster_events::{
    aggregate::Aggregate,
    id::OrganizationId,
    organization::{NewOrganization, Organization, OrganizationCommand, SsoProvider},
    refusal::Refusal,
    roles::{RoleId, Roles},
    team::{Team, TeamCommand},
    time::Timestamp,
};
use std::sync::Arc;

use super::{
    file::{OrganizationRow, TeamRow},
    members,
    plan::{Once, PlannedOrganization, listed},
    users::Users,
};
use crate::{cli::words, ledger::operations::TeamFact};

/// Checks the organizations against each other and against the users.
pub(super) fn check(
    rows: Vec<OrganizationRow>,
    users: &Users,
    roles: &Arc<Roles>,
) -> Result<Vec<PlannedOrganization>, String> {
    let mut slugs = Once::default();
    let mut planned = vec![];
    for (index, row) in rows.into_iter().enumerate() {
        let at = format!("organizations[{index}]");
        slugs.add(&row.slug, format!("{at}.slug"))?;
        planned.push(check_one(row, &at, users, roles)?);
    }
    Ok(planned)
}

fn check_one(
    row: OrganizationRow,
    at: &str,
    users: &Users,
    roles: &Arc<Roles>,
) -> Result<PlannedOrganization, String> {
    let teams = check_teams(row.teams, at)?;
    let members = members::check(row.members, &format!("{at}.members"), users, &teams, roles)?;
    let owner = members::first_owner(&members, users, roles).ok_or_else(|| {
        let (slug, top) = (&row.slug, roles.top().as_str());
        format!(
            "{at}: the organization \"{slug}\" has no owner: a member with the role `{top}` is needed whose user is \
             active"
        )
    })?;
    let sso = row.sso.map(|sso| SsoProvider {
        name: sso.name.unwrap_or_else(|| sso.provider.clone()),
        provider: sso.provider,
        allow_unlinked: sso.allow_unlinked,
    });
    let default_role =
        row.default_role.map(|role| org_role(&role, &format!("{at}.defaultRole"), roles)).transpose()?;
    let planned = PlannedOrganization {
        slug: row.slug,
        name: row.name,
        default_role,
        settings: row.settings.0,
        features: row.features.0.into_iter().map(|(feature, on)| (feature.0, on)).collect(),
        sso,
        teams,
        members,
        owner,
    };
    try_out(&planned, roles).map_err(|refusal| format!("{at}: {}", words::refusal(&refusal)))?;
    Ok(planned)
}

/// Lets an organization that is only imagined decide what the real one will be asked.
fn try_out(planned: &PlannedOrganization, roles: &Arc<Roles>) -> Result<(), Refusal> {
    let default_role = planned.default_role.clone().unwrap_or_else(|| roles.default_org_role().clone());
    let (slug, name) = (planned.slug.clone(), planned.name.clone());
    let create = NewOrganization { slug, name, default_role, roles: Arc::clone(roles) };
    let features = planned.features.iter();
    let features =
        features.map(|(feature, on)| OrganizationCommand::SetFeature { feature: *feature, on: *on });
    let changes = planned.settings.clone();
    let settings = OrganizationCommand::ChangeSettings { changes, by_staff: true, roles: Arc::clone(roles) };
    let mut imagined = Organization::default();
    for command in [OrganizationCommand::Create(create)].into_iter().chain(features).chain([settings]) {
        for event in imagined.decide(command)? {
            imagined.evolve(&event, Timestamp::default());
        }
    }
    Ok(())
}

fn check_teams(rows: Vec<TeamRow>, at: &str) -> Result<Vec<TeamFact>, String> {
    let mut slugs = Once::default();
    let mut teams = vec![];
    for (index, row) in rows.into_iter().enumerate() {
        let at = format!("{at}.teams[{index}]");
        slugs.add(&row.slug, format!("{at}.slug"))?;
        let fact = TeamFact {
            name: row.name.unwrap_or_else(|| row.slug.clone()),
            slug: row.slug,
            idp_provisioned: row.idp_provisioned,
            active: row.active,
        };
        // Which organization it is in makes no difference to what is checked here.
        if let Ok(organization) = OrganizationId::new(1) {
            let (slug, name) = (fact.slug.clone(), fact.name.clone());
            let create = TeamCommand::Create { organization, slug, name };
            Team::default()
                .decide(create)
                .map_err(|refusal| format!("{at}: {}", words::refusal(&refusal)))?;
        }
        teams.push(fact);
    }
    Ok(teams)
}

/// An organization role by its id.
pub(super) fn org_role(id: &str, at: &str, roles: &Roles) -> Result<RoleId, String> {
    roles.org_role(id).map(|role| role.id.clone()).ok_or_else(|| {
        let known = listed(roles.org_roles().iter().map(|role| &role.id));
        format!("{at}: there is no organization role \"{id}\"; there are {known}")
    })
}

/// A team role by its id.
pub(super) fn team_role(id: &str, at: &str, roles: &Roles) -> Result<RoleId, String> {
    roles.team_role(id).map(|role| role.id.clone()).ok_or_else(|| {
        let known = listed(roles.team_roles().iter().map(|role| &role.id));
        format!("{at}: there is no team role \"{id}\"; there are {known}")
    })
}

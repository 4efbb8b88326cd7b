//! What was imported: each organization with its roles and its teams.

use std::collections::BTreeMap;

use anyhow::Result;
use muster_projections::{
    members,
    organizations::{self, ListedOrganization},
    read::Page,
    teams,
};

use crate::{
    cli::{
        import, open,
        screen::{Rows, Screen, count},
    },
    deployment::Deployment,
};

/// Rows that are read at once.
const PAGE: u32 = 100;
/// Organizations that are shown: a ledger that is kept may have any number of others.
const SHOWN: u32 = 5;

/// Prints the organizations of the ledger.
pub(super) async fn print(deployment: &Deployment, screen: &mut Screen) -> Result<()> {
    let head = open::catch_up(deployment).await?;
    screen.line(format!("The example is imported; the log has {head} events."))?;
    let views = &deployment.views;
    let listed = organizations::query::list(views, Page { offset: 0, limit: SHOWN }).await?;
    for organization in &listed.rows {
        print_one(deployment, organization, screen).await?;
    }
    Ok(())
}

async fn print_one(deployment: &Deployment, listed: &ListedOrganization, screen: &mut Screen) -> Result<()> {
    let (id, state) = (listed.organization.id, &listed.organization.state);
    let members = count(usize::try_from(listed.members).unwrap_or(usize::MAX), "member");
    let invited = count(usize::try_from(listed.pending).unwrap_or(usize::MAX), "open invitation");
    screen.heading(format!("{} ({}): {members}, {invited}", state.name, state.slug))?;
    let roles = import::roles_in_force(&deployment.ledger).await?;
    let held = roles_held(deployment, listed).await?;
    let counts = roles.org_roles().iter().rev().filter_map(|role| {
        let number = held.get(role.id.as_str()).copied()?;
        Some(format!("{number} {}", role.id))
    });
    screen.line(format!("Roles, invitations included: {}", counts.collect::<Vec<_>>().join(", ")))?;
    let views = &deployment.views;
    let teams = teams::query::list(views, id, None, Page { offset: 0, limit: PAGE }).await?;
    let mut rows = Rows::under(["team", "name", "members"]).numbers(["members"]);
    for listed in &teams.rows {
        rows.add([listed.team.slug.clone(), listed.team.name.clone(), listed.members.to_string()]);
    }
    screen.table(&rows)?;
    Ok(())
}

/// How many members, invitations included, have each role.
async fn roles_held(deployment: &Deployment, listed: &ListedOrganization) -> Result<BTreeMap<String, usize>> {
    let (views, mut held) = (&deployment.views, BTreeMap::new());
    let mut page = Page { offset: 0, limit: PAGE };
    loop {
        let members = members::query::list(views, listed.organization.id, page).await?;
        for member in &members.rows {
            *held.entry(member.org_role.to_string()).or_default() += 1;
        }
        if !members.more {
            return Ok(held);
        }
        page.offset += PAGE;
    }
}

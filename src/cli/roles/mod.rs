//! `muster roles`: the roles of a deployment, which are data in its log.

mod apply;
mod check;
mod show;

use std::{fs, path::Path};

use anyhow::{Context, Result, anyhow};
use muster_events::roles::{RoleId, RolesDefinition};

use super::{config::Settings, screen::Screen};

/// `muster roles`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Roles {
    /// Show the roles in force
    Show(show::Show),
    /// Check a roles file, without a ledger
    Check(check::Check),
    /// Define the roles of this deployment by a file; a running server follows
    Apply(apply::Apply),
}

impl Roles {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        match self {
            Self::Show(show) => show.run(settings, screen).await,
            Self::Check(check) => check.run(screen),
            Self::Apply(apply) => apply.run(settings, screen).await,
        }
    }
}

/// Reads a roles file; an error names the entry that makes no sense.
fn read(file: &Path) -> Result<RolesDefinition> {
    let shown = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("{shown} cannot be read"))?;
    RolesDefinition::from_toml(&text).map_err(|error| anyhow!("{shown}: {error}"))
}

/// The roles of a definition in two lines, each list from the lowest to the highest.
fn summary(roles: &RolesDefinition) -> String {
    let chain = |ids: Vec<&RoleId>| ids.into_iter().map(RoleId::as_str).collect::<Vec<_>>().join(" < ");
    let in_organizations = chain(roles.org_roles().iter().map(|role| &role.id).collect());
    let on_teams = chain(roles.team_roles().iter().map(|role| &role.id).collect());
    format!("  in organizations: {in_organizations}\n  on teams:         {on_teams}")
}

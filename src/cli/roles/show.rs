//! `muster roles show`.

use anyhow::Result;
use muster_events::roles::{RolesDefinition, ScopeSet};

use crate::cli::{
    config::Settings,
    import, open,
    screen::{Rows, Screen, Shape},
};

/// `muster roles show`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Show {
    /// Print the roles as a file for `muster roles apply`
    #[arg(long, conflicts_with = "json")]
    toml: bool,
    /// Show the roles of a new ledger instead
    #[arg(long)]
    bundled: bool,
    #[command(flatten)]
    shape: Shape,
}

impl Show {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let roles = if self.bundled {
            RolesDefinition::bundled()
        } else {
            let deployment = open::existing(settings).await?;
            import::roles_in_force(&deployment.ledger).await?.definition().clone()
        };
        if self.toml {
            screen.line(toml::to_string_pretty(&roles)?.trim_end())?;
        } else if self.shape.json {
            screen.json(&roles)?;
        } else {
            tables(&roles, screen)?;
        }
        Ok(())
    }
}

fn tables(roles: &RolesDefinition, screen: &mut Screen) -> Result<()> {
    screen.line("Roles in an organization, lowest first; each may do what its scopes say.")?;
    let mut rows = Rows::under(["role", "name", "scopes", "notes"]);
    for role in roles.org_roles() {
        let notes = [
            (role.id == *roles.default_org_role(), "default"),
            (role.global, "access to every team"),
            (role.retired, "retired: no longer given"),
            (!role.team_roles_allowed, "no teams"),
        ];
        rows.add([role.id.to_string(), role.name.to_string(), scopes(&role.scopes), noted(&notes)]);
    }
    screen.table(&rows)?;
    screen.line("\nRoles on a team, lowest first.")?;
    let mut rows = Rows::under(["role", "name", "scopes", "notes"]);
    for role in roles.team_roles() {
        let minimum = role.minimum_role_for.as_ref();
        let notes = minimum.map(|role| format!("everywhere from {role} up")).unwrap_or_default();
        rows.add([role.id.to_string(), role.name.to_string(), scopes(&role.scopes), notes]);
    }
    screen.table(&rows)?;
    Ok(())
}

fn noted(notes: &[(bool, &str)]) -> String {
    notes.iter().filter(|(holds, _)| *holds).map(|(_, note)| *note).collect::<Vec<_>>().join(", ")
}

/// `org:read,write team:read`: scopes of one thing together.
fn scopes(scopes: &ScopeSet) -> String {
    let mut text = String::new();
    let mut last = "";
    for scope in scopes {
        let (thing, verb) = scope.as_str().split_once(':').unwrap_or((scope.as_str(), ""));
        if thing == last {
            text.push(',');
            text.push_str(verb);
        } else {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(scope.as_str());
            last = thing;
        }
    }
    text
}

//! `muster import`: states an organization as it is, from a file.
//!
//! The file is read ([`file`]), checked as a whole against itself, the roles in force and the ledger ([`check`]), and
//! only then written down ([`write`]), through the same ledger as every other command. What is there already stays as
//! it is: accounts, members, teams, and the name, settings, features and provider of an organization. What is missing
//! is added. So a second run changes nothing, and a run that was cut off is completed by the next.

mod check;
mod file;
mod invitations;
mod members;
mod organizations;
mod plan;
mod users;
mod write;

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::{Context, Result, anyhow};
use muster_events::roles::Roles;

use super::{config::Settings, open, screen::Screen};
use crate::deployment::Deployment;

pub(super) use plan::roles_in_force;
pub(super) use users::{check_email, check_name};
pub(super) use write::Imported;

/// `muster import`.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// The file: JSON with `users`, `organizations` and `tokens`; `-` reads it from stdin
    file: PathBuf,
    /// Have letters sent to those whom the file states as invited; without it, an import sends nothing
    #[arg(long)]
    send_invites: bool,
}

impl Import {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let shown = self.file.display();
        let text = if self.file.as_os_str() == "-" {
            let mut text = vec![];
            std::io::Read::read_to_end(&mut std::io::stdin(), &mut text).map(|_| text)
        } else {
            fs::read(&self.file)
        };
        let text = text.with_context(|| format!("{shown} cannot be read"))?;
        let file = read(&text).map_err(|error| anyhow!("{shown}, {error}"))?;
        if !settings.deployment(false)?.has_ledger().await? {
            // A file that makes no sense makes no ledger either. A new one will have the bundled roles.
            let again = read(&text).map_err(|error| anyhow!("{shown}, {error}"))?;
            check::check(again.0, &Arc::new(Roles::bundled()))
                .map_err(|error| anyhow!("{shown}: {error}"))?;
        }
        let deployment = open::existing_or_new(settings).await?;
        let mut imported = file.write(&deployment, &self.file.display().to_string()).await?;
        if self.send_invites {
            imported.letters = Some(invitations::send(&deployment.ledger, &imported).await?);
        }
        screen.json(&imported)?;
        Ok(())
    }
}

/// A file that was read, and not yet checked.
#[derive(Debug)]
pub(super) struct Read(file::File);

/// Reads the text of a file.
pub(super) fn read(text: &[u8]) -> Result<Read, String> {
    file::File::parse(text).map(Read)
}

impl Read {
    /// Checks everything, then writes it down.
    pub(super) async fn write(self, deployment: &Deployment, name: &str) -> Result<Imported> {
        let roles = plan::roles_in_force(&deployment.ledger).await?;
        let plan = check::check(self.0, &roles).map_err(|error| anyhow!("{name}: {error}"))?;
        plan.check_against(&deployment.ledger).await.with_context(|| name.to_owned())?;
        plan.write(&deployment.ledger).await
    }
}

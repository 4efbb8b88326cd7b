//! `muster org`: organizations.

mod create;
mod list;

use anyhow::{Result, bail};
use muster_events::{id::OrganizationId, refusal::Refusal};

use super::{config::Settings, screen::Screen, words};
use crate::ledger::{Failure, Ledger};

/// `muster org`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Org {
    /// Create an organization with its first owner
    Create(create::Create),
    /// List organizations
    List(list::List),
}

impl Org {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        match self {
            Self::Create(create) => create.run(settings, screen).await,
            Self::List(list) => list.run(settings, screen).await,
        }
    }
}

/// The organization that `named` means: a slug or an id. `flag` is where it was given.
pub(super) async fn find(ledger: &Ledger, named: &str, flag: &str) -> Result<OrganizationId> {
    match ledger.look().organization(named).await {
        Ok((id, _)) => Ok(id),
        Err(Failure::Refused(Refusal::NotFound)) => bail!("{flag}: there is no organization {named}"),
        Err(error) => Err(words::failure(error)),
    }
}

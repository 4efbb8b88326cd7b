//! `muster org`: organizations.

mod administer;
mod create;
mod feature;
mod list;
mod member_flag;
mod sso;
mod team_flag;

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
    /// Switch a feature of an organization
    Feature(feature::Feature),
    /// Let the members of an organization log in through a provider, or no longer
    Sso(sso::Sso),
    /// Set or clear a flag of a member
    MemberFlag(member_flag::MemberFlag),
    /// Set or clear a mark on a team
    TeamFlag(team_flag::TeamFlag),
}

impl Org {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        match self {
            Self::Create(create) => create.run(settings, screen).await,
            Self::List(list) => list.run(settings, screen).await,
            Self::Feature(feature) => feature.run(settings, screen).await,
            Self::Sso(sso) => sso.run(settings, screen).await,
            Self::MemberFlag(flag) => flag.run(settings, screen).await,
            Self::TeamFlag(flag) => flag.run(settings, screen).await,
        }
    }
}

/// The same, also of one that has ended.
pub(super) async fn find_past(ledger: &Ledger, named: &str, flag: &str) -> Result<OrganizationId> {
    match ledger.look().organization_or_past(named).await {
        Ok((id, _)) => Ok(id),
        Err(Failure::Refused(Refusal::NotFound)) => bail!("{flag}: there was no organization {named}"),
        Err(error) => Err(words::failure(error)),
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

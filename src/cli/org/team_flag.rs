//! `muster org team-flag`.

use anyhow::{Result, bail};
use muster_events::{
    id::{OrganizationId, TeamId},
    team::Team,
};
use serde_json::json;

use super::administer::{Said, Target};
use crate::{
    cli::{config::Settings, open, screen::Screen, switch::Switch, words},
    ledger::{
        Ledger,
        operations::{AdministerOrganization, TeamMarks},
    },
};

/// `muster org team-flag`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct TeamFlag {
    /// The team: slug or id
    team: String,
    /// The mark
    #[arg(value_enum)]
    flag: Mark,
    /// Whether it is set
    #[arg(value_enum)]
    to: Switch,
    #[command(flatten)]
    target: Target,
}

/// A mark on a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Mark {
    /// Managed through the identity provider
    #[value(name = "idp:provisioned")]
    IdpProvisioned,
    /// Nobody is added any more
    #[value(name = "being-deleted")]
    BeingDeleted,
}

impl TeamFlag {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::existing(settings).await?;
        let ledger = &deployment.ledger;
        let organization = self.target.find(ledger).await?;
        let id = find(ledger, organization, &self.team).await?;
        let to = self.to.is_on();
        let (name, idp_provisioned, being_deleted) = match self.flag {
            Mark::IdpProvisioned => ("idp:provisioned", Some(to), None),
            Mark::BeingDeleted => ("being-deleted", None, Some(to)),
        };
        let said = Said {
            sentence: format!("the mark {name} on the team {} is {}", self.team, self.to),
            fields: json!({ "team": id, "flag": name, "on": to }),
        };
        let marks = TeamMarks { team: id.to_string(), idp_provisioned, being_deleted };
        let asked = AdministerOrganization { teams: vec![marks], ..AdministerOrganization::default() };
        self.target.administer(ledger, asked, said, screen).await
    }
}

/// The team that `named` means.
async fn find(ledger: &Ledger, organization: OrganizationId, named: &str) -> Result<TeamId> {
    let id = match named.parse::<TeamId>() {
        Ok(id) => Some(id),
        Err(_) => ledger.find_team(organization, named).await.map_err(words::failure)?,
    };
    if let Some(id) = id {
        let team = ledger.state::<Team>(&id.into()).await.map_err(words::failure)?.state;
        if team.organization == Some(organization) {
            return Ok(id);
        }
    }
    bail!("TEAM: there is no team {named} in the organization")
}

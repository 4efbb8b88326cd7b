//! `muster org member-flag`.

use anyhow::{Result, bail};
use muster_events::{
    id::{MemberId, OrganizationId},
    member::{self, Member},
};
use serde_json::json;

use super::administer::{Said, Target};
use crate::{
    cli::{config::Settings, exit::Usage, open, screen::Screen, switch::Switch, user, words},
    ledger::{
        Ledger,
        operations::{AdministerOrganization, FlagsChange},
    },
};

/// `muster org member-flag`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct MemberFlag {
    /// The member: id, or user name or address of the account
    member: String,
    /// The flag, such as idp:provisioned
    flag: String,
    /// Whether it is set
    #[arg(value_enum)]
    to: Switch,
    #[command(flatten)]
    target: Target,
}

impl MemberFlag {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let flag =
            self.flag.parse::<member::MemberFlag>().map_err(|unknown| Usage(format!("FLAG: {unknown}")))?;
        let deployment = open::existing(settings).await?;
        let ledger = &deployment.ledger;
        let organization = self.target.find(ledger).await?;
        let id = find(ledger, organization, &self.member).await?;
        let said = Said {
            sentence: format!("the flag {flag} of the member {id} is {}", self.to),
            fields: json!({ "member": id, "flag": flag.name(), "on": self.to.is_on() }),
        };
        let change = FlagsChange::Each(vec![(flag, self.to.is_on())]);
        let asked = AdministerOrganization {
            members: vec![(id.to_string(), change)],
            ..AdministerOrganization::default()
        };
        self.target.administer(ledger, asked, said, screen).await
    }
}

/// The member that `named` means.
async fn find(ledger: &Ledger, organization: OrganizationId, named: &str) -> Result<MemberId> {
    let id = if let Ok(id) = named.parse::<MemberId>() {
        Some(id)
    } else {
        let account = user::find(ledger, named, "MEMBER").await?;
        ledger.find_membership(organization, account).await.map_err(words::failure)?
    };
    if let Some(id) = id {
        let member = ledger.state::<Member>(&id.into()).await.map_err(words::failure)?.state;
        if member.exists() && member.organization == Some(organization) {
            return Ok(id);
        }
    }
    bail!("MEMBER: there is no member {named} in the organization")
}

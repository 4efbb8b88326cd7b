//! What the verbs that administer an organization share: they do what the endpoint for superusers does.

use anyhow::Result;
use muster_events::id::OrganizationId;
use serde_json::{Value, json};

use super::find;
use crate::{
    cli::{
        config::Settings,
        open,
        screen::{Screen, Shape},
        words,
    },
    ledger::{CommandMeta, Ledger, Turn, operations::AdministerOrganization},
};

/// Which organization, and how it is answered.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// The organization: slug or id
    #[arg(long, short, value_name = "ORGANIZATION")]
    pub(super) organization: String,
    #[command(flatten)]
    pub(super) shape: Shape,
}

/// What was done, for a person and for a program.
#[derive(Debug)]
pub(super) struct Said {
    /// What holds now, as the end of a sentence: `is on`, say.
    pub(super) sentence: String,
    /// The same for a program.
    pub(super) fields: Value,
}

impl Target {
    /// The organization.
    pub(super) async fn find(&self, ledger: &Ledger) -> Result<OrganizationId> {
        find(ledger, &self.organization, "--organization").await
    }

    /// Does it in a ledger that is open already, and says so.
    pub(super) async fn administer(
        &self,
        ledger: &Ledger,
        asked: AdministerOrganization,
        said: Said,
        screen: &mut Screen,
    ) -> Result<()> {
        let id = self.find(ledger).await?;
        let asked = AdministerOrganization { organization: id.to_string(), ..asked };
        let outcome = ledger.execute(&asked, &CommandMeta::system(), Turn::unkeyed()).await;
        let changed = words::was_changed(outcome)?;
        let Said { sentence, mut fields } = said;
        if self.shape.json {
            fields["organization"] = json!(id);
            fields["changed"] = json!(changed);
            screen.json(&fields)?;
        } else if changed {
            screen.text(format!("{}: {sentence}.", self.organization))?;
        } else {
            screen.text(format!("{}: {sentence}, as before.", self.organization))?;
        }
        Ok(())
    }

    /// Opens the ledger, does it, and says so.
    pub(super) async fn run(
        &self,
        settings: &Settings,
        asked: AdministerOrganization,
        said: Said,
        screen: &mut Screen,
    ) -> Result<()> {
        let deployment = open::existing(settings).await?;
        self.administer(&deployment.ledger, asked, said, screen).await
    }
}

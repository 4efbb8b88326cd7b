//! `muster keys check`.

use anyhow::{Result, bail};
use serde_json::json;

use crate::cli::{
    config::Settings,
    open,
    screen::{Screen, Shape, count},
};

/// `muster keys check`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Check {
    #[command(flatten)]
    shape: Shape,
}

impl Check {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::existing(settings).await?;
        let found = deployment.ledger.keys().check().await?;
        if self.shape.json {
            screen
                .json(&json!({ "living": found.living, "erased": found.erased, "faults": found.faults }))?;
        } else {
            found.faults.iter().try_for_each(|fault| screen.text(fault))?;
            screen.line(format!(
                "{} of persons opened with the master key; {} erased.",
                count(usize::try_from(found.living).unwrap_or(usize::MAX), "key"),
                found.erased,
            ))?;
        }
        if !found.faults.is_empty() {
            bail!(
                "{} cannot be opened: put the keys back from their backup",
                count(found.faults.len(), "key")
            );
        }
        Ok(())
    }
}

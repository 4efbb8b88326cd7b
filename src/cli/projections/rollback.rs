//! `muster projections rollback`.

use anyhow::{Result, bail};
use tokio_util::sync::CancellationToken;

use super::rebuild;
use crate::{
    cli::{config::Settings, open, screen::Screen, signals},
    subscription::Ended,
};

/// `muster projections rollback`.
///
/// The rows that were read before the last rebuild are brought up to date and read again; those that are read now are
/// kept, so that a second rollback undoes the first.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Rollback {
    /// The name of a read model
    #[arg(value_name = "NAME")]
    name: String,
}

impl Rollback {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let projection = super::named(&self.name)?;
        let deployment = open::existing(settings).await?;
        let stop = CancellationToken::new();
        signals::cancel_on_signal(&stop)?;
        let rebuilt = deployment.rebuild().roll_back(projection, &stop).await?;
        screen.line(rebuild::in_words(&rebuilt))?;
        if rebuilt.ended == Ended::Paused {
            bail!("the rollback is paused: the same command resumes it where it was");
        }
        Ok(())
    }
}

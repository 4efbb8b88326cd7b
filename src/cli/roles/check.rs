//! `muster roles check`.

use std::path::PathBuf;

use anyhow::Result;

use crate::cli::screen::Screen;

/// `muster roles check`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Check {
    /// The roles file, TOML
    file: PathBuf,
}

impl Check {
    pub(super) fn run(self, screen: &mut Screen) -> Result<()> {
        let roles = super::read(&self.file)?;
        screen.line(format!("{} makes sense. It defines", self.file.display()))?;
        screen.line(super::summary(&roles))?;
        Ok(())
    }
}

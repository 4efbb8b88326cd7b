//! `muster keys new`.

use std::path::PathBuf;

use anyhow::Result;

use crate::{cli::screen::Screen, sealing::MasterKey};

/// `muster keys new`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct New {
    /// The file to write; never overwritten
    file: PathBuf,
}

impl New {
    pub(super) fn run(self, screen: &mut Screen) -> Result<()> {
        let key = MasterKey::create_new(&self.file)?;
        let shown = self.file.display();
        screen.line(format!("The master key {} is in {shown}, readable by you only.", key.id()))?;
        screen.line(
            "Keep a copy apart from the data: without it, nobody's name or address can be read again.",
        )?;
        screen.line(format!("Start with it: muster serve --master-key-file {shown}"))?;
        Ok(())
    }
}

//! `muster org`: organizations.

mod create;
mod list;

use anyhow::Result;

use super::{config::Settings, screen::Screen};

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

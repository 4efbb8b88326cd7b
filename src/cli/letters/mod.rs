//! `muster letters`: what was sent, what waits, what could not be sent.

mod list;
mod preview;
mod retry;
mod show;

use anyhow::Result;

use super::{config::Settings, screen::Screen};

/// `muster letters`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Letters {
    /// List letters, the newest first
    List(list::List),
    /// List the letters that could not be sent
    Parked(list::Parked),
    /// Show a letter and everything that happened to it
    Show(show::Show),
    /// Have parked letters sent again
    Retry(retry::Retry),
    /// Write what letters of a kind look like to a file
    Preview(preview::Preview),
}

impl Letters {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        match self {
            Self::List(list) => list.run(settings, screen).await,
            Self::Parked(parked) => parked.run(settings, screen).await,
            Self::Show(show) => show.run(settings, screen).await,
            Self::Retry(retry) => retry.run(settings, screen).await,
            Self::Preview(preview) => preview.run(screen),
        }
    }
}

//! `muster keys`: the master key, and all that it wraps.

mod check;
mod new;
mod rotate;

use anyhow::Result;

use super::{config::Settings, screen::Screen};

/// `muster keys`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Keys {
    /// Make a master key for a new ledger
    New(new::New),
    /// Open every key once with the master key
    Check(check::Check),
    /// Put a new master key in the place of the present one
    Rotate(rotate::Rotate),
}

impl Keys {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        match self {
            Self::New(new) => new.run(screen),
            Self::Check(check) => check.run(settings, screen).await,
            Self::Rotate(rotate) => rotate.run(settings, screen).await,
        }
    }
}

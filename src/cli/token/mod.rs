//! `muster token`: bearer tokens of people and organizations.

mod issue;
mod list;
mod revoke;

use anyhow::Result;

use super::{config::Settings, screen::Screen};

/// `muster token`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Token {
    /// Issue a token; its secret is shown once
    Issue(issue::Issue),
    /// List tokens, without their secrets
    List(list::List),
    /// Make a token unusable, at once and everywhere
    Revoke(revoke::Revoke),
}

impl Token {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        match self {
            Self::Issue(issue) => issue.run(settings, screen).await,
            Self::List(list) => list.run(settings, screen).await,
            Self::Revoke(revoke) => revoke.run(settings, screen).await,
        }
    }
}

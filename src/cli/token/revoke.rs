//! `muster token revoke`.

use anyhow::{Result, bail};
use muster_events::{id::TokenId, token::ApiToken};

use crate::{
    cli::{config::Settings, open, screen::Screen, words},
    ledger::{CommandMeta, Turn, operations::RevokeToken},
};

/// `muster token revoke`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Revoke {
    /// The id of the token, as `muster token list` shows it
    id: TokenId,
}

impl Revoke {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::existing(settings).await?;
        let (ledger, token) = (&deployment.ledger, self.id);
        let found = ledger.state::<ApiToken>(&token.into()).await.map_err(words::failure)?;
        if found.state.owner.is_none() {
            bail!("ID: there is no token {token}; `muster token list` shows which there are");
        }
        let outcome = ledger.execute(&RevokeToken { token }, &CommandMeta::system(), Turn::unkeyed()).await;
        let changed = words::was_changed(outcome)?;
        screen.line(if changed {
            format!("Token {token} is revoked.")
        } else {
            format!("Token {token} was revoked already.")
        })?;
        Ok(())
    }
}

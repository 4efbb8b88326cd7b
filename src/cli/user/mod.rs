//! `muster user`: people's accounts.

mod add;
mod concerned;
mod erase;
mod export;
mod list;
mod superuser;

use anyhow::{Result, bail};
use muster_events::{
    claims::Claim,
    id::UserId,
    personal::{EmailAddress, UserName},
    user,
};

use super::{config::Settings, screen::Screen, words};
use crate::ledger::Ledger;

/// `muster user`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum User {
    /// Add an account
    Add(add::Add),
    /// List accounts
    List(list::List),
    /// Print everything that is stored of a person, readable, as JSON
    Export(export::Export),
    /// Forget a person for ever: destroys the keys that his data is sealed with; gives a receipt
    Erase(erase::Erase),
    /// Let a person do everything everywhere, or no longer
    Superuser(superuser::Superuser),
}

impl User {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        match self {
            Self::Add(add) => add.run(settings, screen).await,
            Self::List(list) => list.run(settings, screen).await,
            Self::Export(export) => export.run(settings, screen).await,
            Self::Erase(erase) => erase.run(settings, screen).await,
            Self::Superuser(superuser) => superuser.run(settings, screen).await,
        }
    }
}

/// The account that `named` means: an id, an address or a user name. `flag` is where it was given.
pub(super) async fn find(ledger: &Ledger, named: &str, flag: &str) -> Result<UserId> {
    let found = if let Ok(id) = named.parse::<UserId>() {
        let account = ledger.state::<user::User>(&id.into()).await.map_err(words::failure)?;
        account.state.exists().then_some(id)
    } else {
        let (address, name) = (EmailAddress(named.into()), UserName(named.into()));
        let (address, name) = (ledger.keys().hashed(address), ledger.keys().hashed(name));
        let claims = [address.hash().map(Claim::user_address), name.hash().map(Claim::user_name)];
        let mut found = None;
        for claim in claims.into_iter().flatten() {
            let holder = ledger.holder(&claim).await.map_err(words::failure)?;
            found = found.or(holder.and_then(|holder| holder.parse().ok()));
        }
        found
    };
    match found {
        Some(id) => Ok(id),
        None => bail!("{flag}: there is no account with the id, address or user name \"{named}\""),
    }
}

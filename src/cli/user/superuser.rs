//! `muster user superuser`.

use anyhow::Result;

use super::find;
use crate::{
    cli::{
        config::Settings,
        open,
        screen::{Screen, Shape},
        switch::Switch,
        words,
    },
    ledger::{
        CommandMeta, Turn,
        operations::{AccountChange, ChangeAccount, Profile},
    },
};

/// `muster user superuser`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Superuser {
    /// The account: id, user name or address
    user: String,
    /// on: may do everything everywhere; off: what the roles of the person allow
    #[arg(value_enum)]
    to: Switch,
    #[command(flatten)]
    shape: Shape,
}

impl Superuser {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::existing(settings).await?;
        let ledger = &deployment.ledger;
        let account = find(ledger, &self.user, "USER").await?;
        let profile = Profile { superuser: Some(self.to.is_on()), ..Profile::default() };
        let change = ChangeAccount {
            by: None,
            account: Some(account),
            if_match: None,
            change: Ok(AccountChange::Profile(profile)),
        };
        let outcome = ledger.execute(&change, &CommandMeta::system(), Turn::unkeyed()).await;
        let changed = words::was_changed(outcome)?;
        if self.shape.json {
            let superuser = self.to.is_on();
            screen.json(&serde_json::json!({ "id": account, "superuser": superuser, "changed": changed }))?;
            return Ok(());
        }
        screen.line(match (self.to, changed) {
            (Switch::On, true) => format!("The account {account} may do everything everywhere now."),
            (Switch::On, false) => format!("The account {account} may do everything everywhere already."),
            (Switch::Off, true) => format!("The account {account} is no superuser any more."),
            (Switch::Off, false) => format!("The account {account} was no superuser."),
        })?;
        Ok(())
    }
}

//! `muster user add`.

use anyhow::{Result, bail};
use muster_events::{claims::Claim, personal::EmailAddress, refusal::Refusal};

use crate::{
    cli::{
        config::Settings,
        exit::Usage,
        import, open,
        screen::{Screen, Shape},
        words,
    },
    ledger::{CommandMeta, ExecuteError, Ledger, Turn, operations::RegisterUser},
};

/// `muster user add`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Add {
    /// The primary address; unique among all accounts
    email: String,
    /// The display name
    #[arg(long)]
    name: Option<String>,
    /// The user name; unique among all accounts [default: the address]
    #[arg(long)]
    username: Option<String>,
    /// The address is known to be the person's
    #[arg(long)]
    verified: bool,
    /// The person may do everything everywhere
    #[arg(long)]
    superuser: bool,
    #[command(flatten)]
    shape: Shape,
}

impl Add {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        import::check_email(&self.email, "EMAIL").map_err(Usage)?;
        for (flag, name) in [("--name", &self.name), ("--username", &self.username)] {
            name.as_ref().map_or(Ok(()), |name| import::check_name(name, flag)).map_err(Usage)?;
        }
        let deployment = open::existing_or_new(settings).await?;
        let account = RegisterUser {
            username: self.username.unwrap_or_else(|| self.email.clone()),
            name: self.name,
            emails: vec![(self.email, self.verified)],
            authenticators: vec![],
            superuser: self.superuser,
            active: true,
            or_existing: false,
        };
        let ledger = &deployment.ledger;
        let outcome = ledger.execute(&account, &CommandMeta::system(), Turn::unkeyed()).await;
        if let Err(ExecuteError::Refused { refusal, .. }) = &outcome {
            say_what_is_taken(ledger, refusal, &account).await?;
        }
        let id = words::carried_out(outcome)?;
        if self.shape.json {
            screen.json(&serde_json::json!({ "id": id }))?;
        } else {
            screen.line(format!(
                "The account {id} is added. `muster token issue --user {id}` issues a token for it."
            ))?;
        }
        Ok(())
    }
}

/// Fails with the argument that another account has, when that is why the account was refused. Where both are taken,
/// the address counts: the user name may be the address by default.
async fn say_what_is_taken(ledger: &Ledger, refusal: &Refusal, account: &RegisterUser) -> Result<()> {
    if !matches!(refusal, Refusal::AddressTaken | Refusal::UserNameTaken) {
        return Ok(());
    }
    for (email, _) in &account.emails {
        if let Some(hash) = ledger.keys().hashed(EmailAddress(email.clone())).hash()
            && let Some(holder) = ledger.holder(&Claim::user_address(hash)).await.map_err(words::failure)?
        {
            bail!("EMAIL: {email} is an address of the account {holder} already");
        }
    }
    bail!("--username: {} is the user name of another account, name another one", account.username)
}

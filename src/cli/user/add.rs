//! `muster user add`.

use anyhow::Result;

use crate::{
    cli::{
        config::Settings,
        exit::Usage,
        import, open,
        screen::{Screen, Shape},
        words,
    },
    ledger::{CommandMeta, Turn, operations::RegisterUser},
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
        let outcome = deployment.ledger.execute(&account, &CommandMeta::system(), Turn::unkeyed()).await;
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

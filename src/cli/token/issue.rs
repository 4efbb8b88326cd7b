//! `muster token issue`.

use anyhow::Result;
use muster_events::{roles::ScopeSet, token::TokenOwner};

use crate::{
    cli::{
        config::Settings,
        exit::Usage,
        open, org,
        screen::{Screen, Shape},
        user, words,
    },
    ledger::{
        CommandMeta, Turn,
        operations::{IssueToken, Secret},
    },
};

/// `muster token issue`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Issue {
    #[command(flatten)]
    owner: Owner,
    /// What the token is limited to, such as member:read,org:read; without it, all that its owner may do
    #[arg(long, value_name = "SCOPES", value_delimiter = ',')]
    scopes: Option<Vec<String>>,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Owner {
    /// The person it is for: id, user name or address
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// The organization it is for, without a person: slug or id
    #[arg(long, value_name = "ORGANIZATION")]
    organization: Option<String>,
}

impl Issue {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let scopes = self
            .scopes
            .as_ref()
            .map(|scopes| ScopeSet::of_token(scopes.iter().map(String::as_str)))
            .transpose();
        let scopes = scopes.map_err(|unknown| Usage(format!("--scopes: {unknown}")))?;
        let deployment = open::existing(settings).await?;
        let ledger = &deployment.ledger;
        let owner = match (&self.owner.user, &self.owner.organization) {
            (Some(named), _) => TokenOwner::User(user::find(ledger, named, "--user").await?),
            (None, Some(named)) => {
                TokenOwner::Organization(org::find(ledger, named, "--organization").await?)
            }
            (None, None) => return Err(Usage("--user or --organization is needed".into()).into()),
        };
        let (token, secret) = (ledger.new_token_id(), Secret::random());
        let issue = IssueToken { token, owner, scopes, secret: secret.clone() };
        let Secret(secret) = secret;
        words::carried_out(ledger.execute(&issue, &CommandMeta::system(), Turn::unkeyed()).await)?;
        if self.shape.json {
            screen.json(&serde_json::json!({ "id": token, "token": secret }))?;
        } else {
            screen
                .line(format!("Token {token} is issued. Its secret is shown this once:\n\n  {secret}\n"))?;
            screen.line(format!("Use it as `Authorization: Bearer {secret}`."))?;
        }
        Ok(())
    }
}

//! `muster token list`.

use anyhow::Result;
use muster_events::{roles::Scope, token::TokenOwner};
use muster_projections::tokens;
use serde_json::json;

use crate::cli::{
    config::Settings,
    names::Names,
    open,
    screen::{Part, Rows, Screen, Shape, seconds},
};

/// `muster token list`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    part: Part,
    #[command(flatten)]
    shape: Shape,
}

impl List {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::for_reading(settings).await?;
        let listed = tokens::query::list(&deployment.views, self.part.page()).await?;
        if self.shape.json {
            let tokens: Vec<_> = listed
                .rows
                .iter()
                .map(|token| {
                    let (kind, owner) = match token.owner {
                        TokenOwner::User(user) => ("user", user.to_string()),
                        TokenOwner::Organization(organization) => ("organization", organization.to_string()),
                    };
                    json!({
                        "id": token.id, kind: owner, "scopes": token.scopes, "revoked": token.revoked,
                        "dateCreated": token.created_at,
                    })
                })
                .collect();
            screen.json(&tokens)?;
            return Ok(());
        }
        let mut names = Names::of(&deployment.ledger);
        let mut rows = Rows::under(["id", "owner", "scopes", "issued", "state"]).numbers(["id"]);
        for token in &listed.rows {
            let scopes = token.scopes.as_ref().map_or_else(
                || "all of its owner".into(),
                |scopes| scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" "),
            );
            let state = if token.revoked { "revoked" } else { "in use" };
            let owner = match token.owner {
                TokenOwner::User(user) => names.user(user).await,
                TokenOwner::Organization(organization) => {
                    format!("organization {}", names.organization(organization).await)
                }
            };
            rows.add([token.id.to_string(), owner, scopes, seconds(token.created_at), state.into()]);
        }
        let none = "There are no tokens yet: `muster token issue` makes one.";
        self.part.print(&rows, listed.more, none, screen)?;
        Ok(())
    }
}

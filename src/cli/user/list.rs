//! `muster user list`.

use anyhow::Result;
use muster_projections::users::{self, UserRow};
use serde_json::json;

use crate::{
    cli::{
        config::Settings,
        names::unsealed,
        open,
        screen::{Part, Rows, Screen, Shape},
    },
    sealing::KeyRing,
};

/// `muster user list`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    part: Part,
    #[command(flatten)]
    shape: Shape,
}

/// What is a person's of an account, readable.
struct Readable {
    username: String,
    name: Option<String>,
    email: String,
}

impl List {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::for_reading(settings).await?;
        let listed = users::query::list(&deployment.views, self.part.page()).await?;
        let keys = deployment.ledger.keys();
        let (mut rows, mut json) = (rows(), vec![]);
        for user in &listed.rows {
            let readable = readable(user, keys).await;
            if self.shape.json {
                json.push(as_json(user, &readable));
            } else {
                rows.add(as_row(user, readable));
            }
        }
        if self.shape.json {
            screen.json(&json)?;
        } else {
            let none = "There are no accounts yet: `muster user add` or `muster import` makes them.";
            self.part.print(&rows, listed.more, none, screen)?;
        }
        Ok(())
    }
}

async fn readable(user: &UserRow, keys: &KeyRing) -> Readable {
    let name = match &user.name {
        Some(name) => Some(unsealed(keys, name).await),
        None => None,
    };
    Readable {
        username: unsealed(keys, &user.username).await,
        name,
        email: unsealed(keys, &user.email).await,
    }
}

fn rows() -> Rows {
    Rows::under(["id", "user name", "name", "address", "second factor", "notes"]).numbers(["id"])
}

fn as_row(user: &UserRow, readable: Readable) -> Vec<String> {
    let notes = [
        (user.superuser, "superuser"),
        (!user.active, "deactivated"),
        (!user.email_verified, "address not verified"),
    ];
    let notes: Vec<_> = notes.iter().filter(|(holds, _)| *holds).map(|(_, note)| *note).collect();
    let factor = if user.has_second_factor() { "yes" } else { "no" };
    let Readable { username, name, email } = readable;
    vec![user.id.to_string(), username, name.unwrap_or_default(), email, factor.into(), notes.join(", ")]
}

fn as_json(user: &UserRow, readable: &Readable) -> serde_json::Value {
    let authenticators: Vec<_> = user.authenticators.keys().map(|kind| kind.name()).collect();
    json!({
        "id": user.id, "username": readable.username, "name": readable.name, "email": readable.email,
        "verified": user.email_verified, "authenticators": authenticators, "superuser": user.superuser,
        "active": user.active, "dateCreated": user.created_at,
    })
}

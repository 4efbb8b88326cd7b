//! `muster user erase`.

use anyhow::{Result, bail};
use muster_events::{id::UserId, user};
use serde_json::{Value, json};

use super::find;
use crate::{
    cli::{
        config::Settings,
        exit::Usage,
        import, open,
        screen::{Rows, Screen, Shape},
        words,
    },
    ledger::{
        CommandMeta, Ledger, Receipt, Turn,
        operations::{EraseAccount, EraseInvitee},
    },
};

/// `muster user erase`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("who").required(true))]
pub(in crate::cli) struct Erase {
    /// The account: id, user name or address
    #[arg(group = "who")]
    user: Option<String>,
    /// Somebody without an account: whoever was invited by this address, or asked with it to be let in
    #[arg(long, value_name = "ADDRESS", group = "who")]
    email: Option<String>,
    #[command(flatten)]
    shape: Shape,
}

impl Erase {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        if let Some(email) = &self.email {
            import::check_email(email, "--email").map_err(Usage)?;
        }
        let deployment = open::existing(settings).await?;
        let ledger = &*deployment.ledger;
        let receipts = match (&self.user, &self.email) {
            (Some(named), _) => vec![account(ledger, named).await?],
            (None, Some(email)) => invitee(ledger, email).await?,
            (None, None) => vec![],
        };
        if self.shape.json {
            let receipts: Vec<_> = receipts.iter().map(as_json).collect();
            match (&self.user, receipts.as_slice()) {
                (Some(_), [receipt]) => screen.json(receipt)?,
                _ => screen.json(&json!({ "receipts": receipts }))?,
            }
            return Ok(());
        }
        let mut rows = Rows::under(["subject", "position", "event", "leaf"]).numbers(["position"]);
        for Receipt { id, position, leaf, subject, .. } in &receipts {
            rows.add([subject.to_string(), position.to_string(), id.to_string(), hex::encode(leaf)]);
        }
        screen.table(&rows)?;
        screen.line("Erased for ever. The receipt says where that is on record. Keep it (--json), apart from the ledger: `muster restore \
             --receipts` puts it in force again.")?;
        Ok(())
    }
}

async fn account(ledger: &Ledger, named: &str) -> Result<Receipt> {
    let id = match erased_before(ledger, named).await? {
        Some(id) => id,
        None => find(ledger, named, "USER").await?,
    };
    let erase = EraseAccount::new(None, Some(id), None);
    words::carried_out(ledger.execute(&erase, &CommandMeta::system(), Turn::unkeyed()).await)?;
    match ledger.complete_erasure_of_user(id).await.map_err(words::failure)? {
        Some(receipt) => Ok(receipt),
        None => bail!("the erasure of {id} is not in the log: run `muster doctor`"),
    }
}

/// The account with this id, when it was erased already: there is nothing else that it could be found by.
async fn erased_before(ledger: &Ledger, named: &str) -> Result<Option<UserId>> {
    let Ok(id) = named.parse::<UserId>() else { return Ok(None) };
    let account = ledger.state::<user::User>(&id.into()).await.map_err(words::failure)?;
    Ok(account.state.erased.then_some(id))
}

async fn invitee(ledger: &Ledger, email: &str) -> Result<Vec<Receipt>> {
    let erase = EraseInvitee::new(email.to_owned());
    let rows = words::carried_out(ledger.execute(&erase, &CommandMeta::system(), Turn::unkeyed()).await)?;
    let mut receipts = vec![];
    for member in rows {
        receipts.extend(ledger.complete_erasure_of_invitee(member).await.map_err(words::failure)?);
    }
    Ok(receipts)
}

fn as_json(Receipt { id, position, leaf, subject, invitees }: &Receipt) -> Value {
    let leaf = hex::encode(leaf);
    json!({ "id": id, "position": position, "leaf": leaf, "subject": subject, "invitees": invitees })
}

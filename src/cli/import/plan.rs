//! What an import is going to write, checked against itself: keys in place of the ids that are not drawn yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::{Result, bail};
use compact_str::CompactString;
use muster_events::{
    claims::Claim,
    definitions::RoleDefinitions,
    member::{InviteStatus, MemberFlag},
    organization::{Feature, SsoProvider},
    personal::{EmailAddress, UserName},
    roles::{RoleId, Roles, ScopeSet},
    stream::StreamId,
    time::Timestamp,
    token::ApiToken,
};
use serde_json::Value;

use crate::{
    cli::words,
    ledger::{
        Ledger,
        operations::{RegisterUser, Secret, TeamFact},
    },
};

/// Everything that an import is going to write.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) users: Vec<PlannedUser>,
    pub(super) organizations: Vec<PlannedOrganization>,
    pub(super) tokens: Vec<PlannedToken>,
}

/// An account.
#[derive(Debug)]
pub(super) struct PlannedUser {
    pub(super) key: String,
    pub(super) account: RegisterUser,
}

/// An organization.
#[derive(Debug)]
pub(super) struct PlannedOrganization {
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) default_role: Option<RoleId>,
    pub(super) settings: Vec<(String, Value)>,
    pub(super) features: Vec<(Feature, bool)>,
    pub(super) sso: Option<SsoProvider>,
    pub(super) teams: Vec<TeamFact>,
    /// Never empty.
    pub(super) members: Vec<PlannedMember>,
    /// Which of the members comes to be together with the organization.
    pub(super) owner: usize,
}

/// A member, an invitation or a request.
#[derive(Debug)]
pub(super) struct PlannedMember {
    pub(super) key: String,
    pub(super) person: PlannedPerson,
    pub(super) role: RoleId,
    pub(super) teams: Vec<(String, Option<RoleId>)>,
    pub(super) flags: Vec<MemberFlag>,
}

/// Who a member row is about.
#[derive(Debug)]
pub(super) enum PlannedPerson {
    /// The key of a user.
    User(String),
    /// An address that is no user's.
    Pending {
        email: String,
        status: InviteStatus,
        /// The key of a user.
        inviter: Option<String>,
        expires_at: Option<Timestamp>,
    },
}

/// A token.
#[derive(Debug)]
pub(super) struct PlannedToken {
    /// Where it stands in the file; a secret is not repeated in an error.
    pub(super) at: String,
    pub(super) secret: Secret,
    pub(super) owner: PlannedOwner,
    pub(super) scopes: Option<ScopeSet>,
}

/// Whose token it is.
#[derive(Debug, Clone)]
pub(super) enum PlannedOwner {
    /// The key of a user.
    User(String),
    /// The slug of an organization.
    Organization(String),
}

/// The roles that the ledger has now.
pub(in crate::cli) async fn roles_in_force(ledger: &Ledger) -> Result<Arc<Roles>> {
    let found = ledger.state::<RoleDefinitions>(&StreamId::roles()).await.map_err(words::failure)?;
    Ok(found.state.in_force.clone().unwrap_or_else(|| Arc::new(Roles::bundled())))
}

impl Plan {
    /// Refuses what the ledger would refuse half-way: accounts that others hold an address or the name of.
    pub(super) async fn check_against(&self, ledger: &Ledger) -> Result<()> {
        let mut accounts = BTreeMap::new();
        for (index, user) in self.users.iter().enumerate() {
            let existing = check_account(ledger, index, &user.account).await?;
            accounts.insert(user.key.as_str(), existing);
        }
        self.check_tokens(ledger, &accounts).await
    }

    async fn check_tokens(
        &self,
        ledger: &Ledger,
        accounts: &BTreeMap<&str, Option<CompactString>>,
    ) -> Result<()> {
        for PlannedToken { at, secret, owner, .. } in &self.tokens {
            let (digest, _) = ledger.keys().token_digest(&secret.0);
            let Some(token) = held_by(ledger, &Claim::token(&digest)).await? else { continue };
            let issued = ledger.state::<ApiToken>(&StreamId::new(muster_events::token::TYPE, &token)).await;
            let issued = issued.map_err(words::failure)?.state.owner;
            let expected = match owner {
                PlannedOwner::User(key) => accounts.get(key.as_str()).cloned().flatten(),
                PlannedOwner::Organization(slug) => held_by(ledger, &Claim::organization_slug(slug)).await?,
            };
            let same = issued
                .zip(expected)
                .is_some_and(|(issued, expected)| words::owner_id(issued) == expected.as_str());
            if !same {
                bail!("{at}.token: this secret is another owner's token already; take another one");
            }
        }
        Ok(())
    }
}

/// The account that is there already, by its primary address.
async fn check_account(
    ledger: &Ledger,
    index: usize,
    account: &RegisterUser,
) -> Result<Option<CompactString>> {
    let keys = ledger.keys();
    let mut holders = vec![];
    for (email, _) in &account.emails {
        let Some(hash) = keys.hashed(EmailAddress(email.clone())).hash().cloned() else { continue };
        holders.push((email, held_by(ledger, &Claim::user_address(&hash)).await?));
    }
    if let Some((_, Some(existing))) = holders.first() {
        return Ok(Some(existing.clone()));
    }
    if let Some((email, Some(other))) = holders.iter().find(|(_, holder)| holder.is_some()) {
        bail!("users[{index}].emails: {email} is an address of the user {other} already");
    }
    let username = keys.hashed(UserName(account.username.clone()));
    if let Some(hash) = username.hash()
        && let Some(other) = held_by(ledger, &Claim::user_name(hash)).await?
    {
        let name = &account.username;
        bail!(
            "users[{index}].username: {name} is the name of the user {other}, who has another primary address"
        );
    }
    Ok(None)
}

async fn held_by(ledger: &Ledger, claim: &Claim) -> Result<Option<CompactString>> {
    ledger.holder(claim).await.map_err(words::failure)
}

/// What stands in the file once only, with where it stands.
#[derive(Debug, Default)]
pub(super) struct Once(BTreeMap<String, String>);

impl Once {
    /// Notes that `text` stands at `at`; an error when it stood somewhere else.
    pub(super) fn add(&mut self, text: impl Into<String>, at: impl Into<String>) -> Result<(), String> {
        let (text, at) = (text.into(), at.into());
        if let Some(before) = self.0.get(&text) {
            return Err(format!("{at}: \"{text}\" stands at {before} already"));
        }
        self.0.insert(text, at);
        Ok(())
    }

    /// Where `text` stands.
    pub(super) fn at(&self, text: &str) -> Option<&String> {
        self.0.get(text)
    }
}

/// The ids of roles, for errors.
pub(super) fn listed<'a>(ids: impl IntoIterator<Item = &'a RoleId>) -> String {
    ids.into_iter().map(RoleId::as_str).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}

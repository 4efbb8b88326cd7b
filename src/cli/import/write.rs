//! Writing down what was planned: users, organizations with their first owner, members, tokens.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use futures_util::{StreamExt, TryStreamExt, stream};
use muster_events::{
    claims::Claim,
    id::{MemberId, OrganizationId, TeamId, UserId},
    token::TokenOwner,
};
use serde::Serialize;

use super::plan::{Plan, PlannedMember, PlannedOrganization, PlannedOwner, PlannedPerson, PlannedToken};
use crate::{
    cli::{progress, words},
    ledger::{
        CommandMeta, Ledger, Operation, Turn,
        operations::{
            ImportMember, ImportOrganization, ImportedOrganization, IssueToken, MemberFact, Person,
        },
    },
};

/// Rows that are written at once: the log commits them together, which is what makes an import fast.
pub(super) const AT_ONCE: usize = 32;

/// The ids of what an import file named, whether it was there before or not.
#[derive(Debug, Default, Serialize)]
pub(in crate::cli) struct Imported {
    /// By key.
    pub(in crate::cli) users: BTreeMap<String, UserId>,
    /// By slug.
    pub(in crate::cli) organizations: BTreeMap<String, ImportedIds>,
    /// How many letters were queued, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) letters: Option<usize>,
}

/// The ids of one organization.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct ImportedIds {
    /// Its own.
    pub(in crate::cli) id: OrganizationId,
    /// By slug.
    pub(in crate::cli) teams: BTreeMap<String, TeamId>,
    /// By key.
    pub(in crate::cli) members: BTreeMap<String, MemberId>,
}

impl Plan {
    /// Writes everything; what is there already stays as it is.
    pub(super) async fn write(self, ledger: &Ledger) -> Result<Imported> {
        let mut imported = Imported::default();
        let bar = progress::bar(self.users.len(), "users");
        let users = stream::iter(self.users).map(|user| {
            let bar = &bar;
            async move {
                let id = execute(ledger, &user.account).await;
                bar.inc(1);
                anyhow::Ok((user.key.clone(), id.with_context(|| format!("user \"{}\"", user.key))?))
            }
        });
        imported.users = users.buffered(AT_ONCE).try_collect().await?;
        bar.finish_and_clear();
        for organization in self.organizations {
            let slug = organization.slug.clone();
            let ids = write_organization(ledger, organization, &imported.users)
                .await
                .with_context(|| format!("organization \"{slug}\""))?;
            imported.organizations.insert(slug, ids);
        }
        for token in self.tokens {
            write_token(ledger, token, &imported).await?;
        }
        Ok(imported)
    }
}

async fn write_organization(
    ledger: &Ledger,
    planned: PlannedOrganization,
    users: &BTreeMap<String, UserId>,
) -> Result<ImportedIds> {
    let organization = ImportOrganization {
        slug: planned.slug,
        name: planned.name,
        default_role: planned.default_role,
        settings: planned.settings,
        features: planned.features,
        sso: planned.sso,
        teams: planned.teams,
        owner: fact(&planned.members[planned.owner], users)?,
    };
    let imported: ImportedOrganization = execute(ledger, &organization).await?;
    let bar = progress::bar(planned.members.len(), "members");
    let members = stream::iter(planned.members).map(|member| {
        let organization = imported.clone();
        let bar = &bar;
        async move {
            let write = ImportMember { organization, fact: fact(&member, users)? };
            let id = execute(ledger, &write).await.with_context(|| format!("member \"{}\"", member.key))?;
            bar.inc(1);
            anyhow::Ok((member.key, id))
        }
    });
    let members = members.buffered(AT_ONCE).try_collect().await?;
    bar.finish_and_clear();
    Ok(ImportedIds { id: imported.id, teams: imported.teams, members })
}

fn fact(member: &PlannedMember, users: &BTreeMap<String, UserId>) -> Result<MemberFact> {
    let person = match &member.person {
        PlannedPerson::User(key) => Person::User(user(users, key)?),
        PlannedPerson::Pending { email, status, inviter, expires_at } => Person::Pending {
            email: email.clone(),
            status: *status,
            inviter: inviter.as_ref().map(|key| user(users, key)).transpose()?,
            expires_at: *expires_at,
        },
    };
    Ok(MemberFact {
        person,
        role: member.role.clone(),
        teams: member.teams.clone(),
        flags: member.flags.clone(),
    })
}

fn user(users: &BTreeMap<String, UserId>, key: &str) -> Result<UserId> {
    users.get(key).copied().ok_or_else(|| anyhow!("no user has the key \"{key}\""))
}

/// A token that is there already was checked to be the same owner's.
async fn write_token(ledger: &Ledger, planned: PlannedToken, imported: &Imported) -> Result<()> {
    let PlannedToken { at, secret, owner, scopes } = planned;
    let (digest, _) = ledger.keys().token_digest(&secret.0);
    if ledger.holder(&Claim::token(&digest)).await.map_err(words::failure)?.is_some() {
        return Ok(());
    }
    let owner = match owner {
        PlannedOwner::User(key) => TokenOwner::User(user(&imported.users, &key)?),
        PlannedOwner::Organization(slug) => {
            let ids = imported.organizations.get(&slug);
            TokenOwner::Organization(ids.with_context(|| format!("{at}.organization"))?.id)
        }
    };
    execute(ledger, &IssueToken { token: ledger.new_token_id(), owner, scopes, secret }).await.context(at)?;
    Ok(())
}

async fn execute<O: Operation>(ledger: &Ledger, operation: &O) -> Result<O::Answer> {
    words::carried_out(ledger.execute(operation, &CommandMeta::import(), Turn::unkeyed()).await)
}

//! Changing a person's account: gathers what the claims of the events need to know.

use std::sync::Arc;

use async_trait::async_trait;
use muster_events::{
    access::Requester,
    claims::{ClaimKind, Place},
    id::{MemberId, OrganizationId, UserId},
    member::Member,
    personal::{EmailAddress, KeyedHash, Personal, PersonalText, UserName},
    refusal::Refusal,
    stream::Sequence,
    user::{Authenticator, Naming, User, UserCommand},
};

use crate::ledger::{Caller, Failure, Operation, Unit};

/// What is to become of an account as a whole; nothing for what stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The user name; unique.
    pub username: Option<String>,
    /// The display name.
    pub name: Naming<String>,
    /// Whether it can be used.
    pub active: Option<bool>,
    /// Whether the person may do everything everywhere.
    pub superuser: Option<bool>,
}

/// A change of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountChange {
    /// Of the account as a whole.
    Profile(Profile),
    /// One more address.
    AddEmail(String),
    /// What is known of one address.
    Email {
        /// Which.
        email: KeyedHash,
        /// Whether it is known to be the person's.
        verified: Option<bool>,
        /// Whether it is the primary one.
        primary: Option<bool>,
    },
    /// An address less.
    RemoveEmail(KeyedHash),
    /// One more authenticator.
    EnrolAuthenticator(Authenticator),
    /// An authenticator less.
    RemoveAuthenticator(Authenticator),
}

/// Change an account.
#[derive(Debug)]
pub struct ChangeAccount {
    /// Who asks; none for the operator at the command line.
    pub by: Option<Caller>,
    /// The account; none when what was named is none.
    pub account: Option<UserId>,
    /// The sequence that the requester last saw, when he wants nothing else to be changed.
    pub if_match: Option<Sequence>,
    /// The change, or what is wrong with the request.
    pub change: Result<AccountChange, Refusal>,
}

/// Who asks for something of an account, and the account, when he may; none asks where it is the operator at the command
/// line.
pub(super) async fn asked(
    unit: &mut Unit<'_>,
    by: Option<&Caller>,
    account: Option<UserId>,
) -> Result<(Option<Requester>, UserId), Failure> {
    let Some(caller) = by else { return Ok((None, account.ok_or(Refusal::NotFound)?)) };
    let requester = unit.asker(caller).await?;
    let id = requester.change_account(account)?;
    Ok((Some(requester), id))
}

#[async_trait]
impl Operation for ChangeAccount {
    type Answer = UserId;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<UserId, Failure> {
        let (requester, id) = asked(unit, self.by.as_ref(), self.account).await?;
        let found = unit.read::<User>(id).await?;
        if !found.state.exists() {
            return Err(Refusal::NotFound.into());
        }
        let change = self.change.clone()?;
        let administers = requester.is_none_or(|requester| requester.administers());
        if !administers && change.is_for_superusers(&found.state) {
            return Err(Refusal::NoPermission.into());
        }
        let commands = commands(unit, id, &found.state, change).await?;
        unit.decide::<User>(id, None, commands).await?;
        // After everything else: who may not change an account is not told that it has changed.
        if self.if_match.is_some_and(|seen| seen != found.sequence) {
            return Err(Refusal::Stale.into());
        }
        Ok(id)
    }

    fn resource(&self, answer: &UserId) -> Option<String> {
        Some(answer.to_string())
    }
}

impl AccountChange {
    /// Whether it changes what only superusers change; a client may send back what it was given.
    fn is_for_superusers(&self, user: &User) -> bool {
        let Self::Profile(profile) = self else { return false };
        profile.active.is_some_and(|to| to != user.active)
            || profile.superuser.is_some_and(|to| to != user.superuser)
    }
}

async fn commands(
    unit: &mut Unit<'_>,
    id: UserId,
    user: &User,
    change: AccountChange,
) -> Result<Vec<UserCommand>, Failure> {
    let one = |command| Ok(vec![command]);
    match change {
        AccountChange::Profile(profile) => of_profile(unit, id, user, profile).await,
        AccountChange::AddEmail(email) => {
            let email = unit.ledger().keys().hashed(EmailAddress(email));
            if email.hash().is_some_and(|hash| user.address(hash).is_some()) {
                return Ok(vec![]);
            }
            one(UserCommand::AddEmail { email, memberships: memberships(unit, id).await? })
        }
        AccountChange::Email { email, verified, primary } => {
            Ok(UserCommand::of_email(user, &email, verified, primary)?)
        }
        AccountChange::RemoveEmail(email) => {
            let memberships = memberships(unit, id).await?;
            one(UserCommand::RemoveEmail { email, memberships })
        }
        AccountChange::EnrolAuthenticator(kind) => one(UserCommand::EnrolAuthenticator { kind }),
        AccountChange::RemoveAuthenticator(kind) => one(UserCommand::RemoveAuthenticator { kind }),
    }
}

async fn of_profile(
    unit: &mut Unit<'_>,
    id: UserId,
    user: &User,
    profile: Profile,
) -> Result<Vec<UserCommand>, Failure> {
    let mut commands = vec![rename(unit, user, profile.username, profile.name).await?];
    match profile.active {
        Some(true) if !user.active => {
            commands.push(UserCommand::Reactivate { owns: ownerships(unit, id).await? });
        }
        Some(false) if user.active => {
            commands.push(UserCommand::Deactivate { owns: ownerships(unit, id).await? });
        }
        Some(_) | None => {}
    }
    commands.extend(
        profile.superuser.map(|superuser| {
            if superuser { UserCommand::GrantSuperuser } else { UserCommand::RevokeSuperuser }
        }),
    );
    Ok(commands)
}

/// Names only what differs: a sealed value is opened here, because a decision cannot.
async fn rename(
    unit: &Unit<'_>,
    user: &User,
    username: Option<String>,
    name: Naming<String>,
) -> Result<UserCommand, Failure> {
    let keys = unit.ledger().keys();
    let username = match username {
        Some(to) if text(unit, user.username.as_ref()).await?.as_ref() != Some(&to) => {
            Some(keys.hashed(UserName(to)))
        }
        Some(_) | None => None,
    };
    let name = match name {
        Naming::Named(to) if text(unit, user.name.as_ref()).await?.as_ref() != Some(&to) => {
            Naming::Named(keys.hashed(to))
        }
        Naming::Cleared => Naming::Cleared,
        Naming::Named(_) | Naming::Stays => Naming::Stays,
    };
    Ok(UserCommand::Rename { username, name })
}

async fn text<T: PersonalText>(
    unit: &Unit<'_>,
    value: Option<&Personal<T>>,
) -> Result<Option<String>, Failure> {
    match value {
        None => Ok(None),
        Some(Personal::Open { value, .. }) => Ok(Some(value.as_text().to_owned())),
        Some(Personal::Sealed(envelope)) => {
            Ok(Some(unit.ledger().keys().unseal(envelope).await?.into_text()))
        }
    }
}

/// Where the person is a member.
async fn memberships(unit: &mut Unit<'_>, user: UserId) -> Result<Vec<Place>, Failure> {
    Ok(rows(unit, user).await?.into_iter().map(|(place, _)| place).collect())
}

/// Where the person has the role of an owner.
pub(super) async fn ownerships(unit: &mut Unit<'_>, user: UserId) -> Result<Vec<Place>, Failure> {
    let roles = unit.roles().await?;
    let rows = rows(unit, user).await?.into_iter();
    let owns = rows.filter(|(_, member)| member.org_role.as_ref() == Some(roles.top()));
    Ok(owns.map(|(place, _)| place).collect())
}

/// The person's memberships. Rests on the whole log: a row that comes to be in the same instant is no stream that could
/// be named among the reads, and must not be missed.
async fn rows(unit: &mut Unit<'_>, user: UserId) -> Result<Vec<(Place, Arc<Member>)>, Failure> {
    unit.read_whole_log().await?;
    let store = unit.ledger().store();
    let held = store.claims_with_key(ClaimKind::Membership, &user.to_string(), usize::MAX).await?;
    let mut rows = vec![];
    for held in held {
        let place = held.claim.scope.parse::<OrganizationId>().ok().zip(held.holder.parse::<MemberId>().ok());
        let Some((organization, member)) = place else { continue };
        let state = unit.read::<Member>(member).await?.state;
        rows.push((Place { organization, member }, state));
    }
    Ok(rows)
}

//! What each command on an account does.

use super::{Naming, Renamed, User, UserCommand, UserEvent};
use crate::{
    claims::Place,
    personal::{KeyedHash, Personal, UserName},
    refusal::{FieldError, Refusal},
};

pub(super) fn decide(user: &User, command: UserCommand) -> Result<Vec<UserEvent>, Refusal> {
    let is_erasure = matches!(command, UserCommand::Erase { .. });
    let registers = matches!(command, UserCommand::Register { .. });
    if registers && (user.exists() || user.erased) {
        return Err(Refusal::AlreadyExists);
    }
    if !registers && !user.exists() {
        return if user.erased && is_erasure { Ok(vec![]) } else { Err(Refusal::NotFound) };
    }
    let event = match command {
        UserCommand::Register { username, name, email } => {
            Some(UserEvent::UserRegistered { username, name, email })
        }
        UserCommand::Rename { username, name } => rename(user, username, name),
        UserCommand::AddEmail { email, memberships } => {
            let known = email.hash().is_some_and(|hash| user.address(hash).is_some());
            (!known).then_some(UserEvent::EmailAdded { email, memberships })
        }
        UserCommand::VerifyEmail { email } => {
            let address = user.address(&email).ok_or(Refusal::NotFound)?;
            (!address.verified).then_some(UserEvent::EmailVerified { email })
        }
        UserCommand::RemoveEmail { email, memberships } => Some(remove_email(user, email, memberships)?),
        UserCommand::ChoosePrimaryEmail { email } => choose_primary(user, email)?,
        UserCommand::EnrolAuthenticator { kind } => {
            (!user.authenticators.contains_key(&kind)).then_some(UserEvent::AuthenticatorEnrolled { kind })
        }
        UserCommand::RemoveAuthenticator { kind } => {
            user.authenticators.contains_key(&kind).then_some(UserEvent::AuthenticatorRemoved { kind })
        }
        UserCommand::Deactivate { owns } => user.active.then_some(UserEvent::UserDeactivated { owns }),
        UserCommand::Reactivate { owns } => (!user.active).then_some(UserEvent::UserReactivated { owns }),
        UserCommand::GrantSuperuser => (!user.superuser).then_some(UserEvent::SuperuserGranted {}),
        UserCommand::RevokeSuperuser => user.superuser.then_some(UserEvent::SuperuserRevoked {}),
        UserCommand::Erase { owns, invitees } => Some(UserEvent::UserErased {
            owns,
            username: user.username.as_ref().and_then(Personal::hash).cloned(),
            addresses: user.address_hashes().cloned().collect(),
            invitees,
        }),
    };
    Ok(event.into_iter().collect())
}

/// A change of nothing but the case is a change too: names are shown as they were given.
fn rename(
    user: &User,
    username: Option<Personal<UserName>>,
    name: Naming<Personal<String>>,
) -> Option<UserEvent> {
    let username = username.map(|to| Renamed { from: user.username.clone(), to: Some(to) });
    let name = match name {
        Naming::Stays => None,
        Naming::Cleared => Some(None),
        Naming::Named(to) => Some(Some(to)),
    };
    let name = name.map(|to| Renamed { from: user.name.clone(), to });
    let username = username.filter(|change| change.from != change.to).map(Box::new);
    let name = name.filter(|change| change.from != change.to).map(Box::new);
    (username.is_some() || name.is_some()).then_some(UserEvent::UserRenamed { username, name })
}

fn remove_email(user: &User, email: KeyedHash, memberships: Vec<Place>) -> Result<UserEvent, Refusal> {
    user.address(&email).ok_or(Refusal::NotFound)?;
    if user.primary() == Some(&email) {
        return Err(Refusal::PrimaryAddress);
    }
    Ok(UserEvent::EmailRemoved { email, memberships })
}

fn choose_primary(user: &User, email: KeyedHash) -> Result<Option<UserEvent>, Refusal> {
    user.address(&email).ok_or(Refusal::NotFound)?;
    let from = user.primary().cloned().filter(|from| *from != email);
    Ok(from.map(|from| UserEvent::PrimaryEmailChanged { from, to: email }))
}

const STAYS_VERIFIED: &str = "An address that is verified stays so: remove it, and add it again.";
const STAYS_PRIMARY: &str = "An account keeps a primary address: make another address the primary one.";

impl UserCommand {
    /// What a change of one address asks for; refused where it would take back what cannot be taken back.
    pub fn of_email(
        user: &User,
        email: &KeyedHash,
        verified: Option<bool>,
        primary: Option<bool>,
    ) -> Result<Vec<Self>, Refusal> {
        let address = user.address(email).ok_or(Refusal::NotFound)?;
        let is_primary = user.primary() == Some(email);
        let stays_verified = (address.verified && verified == Some(false))
            .then(|| FieldError::new("verified", STAYS_VERIFIED));
        let stays_primary =
            (is_primary && primary == Some(false)).then(|| FieldError::new("primary", STAYS_PRIMARY));
        let errors: Vec<_> = stays_verified.into_iter().chain(stays_primary).collect();
        if !errors.is_empty() {
            return Err(Refusal::InvalidFields { errors });
        }
        let verify = (verified == Some(true)).then(|| Self::VerifyEmail { email: email.clone() });
        let choose = (primary == Some(true)).then(|| Self::ChoosePrimaryEmail { email: email.clone() });
        Ok(verify.into_iter().chain(choose).collect())
    }
}

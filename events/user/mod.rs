//! User: a person's account.

mod command;
mod decide;
mod event;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use command::{Naming, UserCommand};
pub use event::{Authenticator, Renamed, UserEvent};

use crate::{
    aggregate::Aggregate,
    event::Event,
    personal::{EmailAddress, KeyedHash, Personal, UserName},
    refusal::Refusal,
    time::Timestamp,
};

/// The stored name of this kind of aggregate.
pub const TYPE: &str = "user";

/// One of a person's addresses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Address {
    /// The address.
    pub email: Personal<EmailAddress>,
    /// Whether the person has shown that it is his.
    pub verified: bool,
}

/// A person's account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The user name; none before the first event.
    pub username: Option<Personal<UserName>>,
    /// The display name.
    pub name: Option<Personal<String>>,
    /// The addresses, the primary one first.
    pub addresses: Vec<Address>,
    /// The enrolled authenticators, each with the time of its enrolment.
    pub authenticators: BTreeMap<Authenticator, Timestamp>,
    /// Whether he may do everything everywhere.
    pub superuser: bool,
    /// Whether the account can be used.
    pub active: bool,
    /// When it came to be.
    pub created_at: Timestamp,
    /// Whether the person was erased. What is sealed here cannot be opened then; the hashes of his addresses are kept,
    /// because they are free in an organization once he is out of it.
    #[serde(default)]
    pub erased: bool,
}

impl User {
    /// Whether there is such an account.
    pub fn exists(&self) -> bool {
        self.username.is_some() && !self.erased
    }

    /// Whether a second factor is enrolled; recovery codes alone are none.
    pub fn has_second_factor(&self) -> bool {
        self.authenticators.keys().any(|kind| kind.is_second_factor())
    }

    /// Keyed hashes of all addresses.
    pub fn address_hashes(&self) -> impl Iterator<Item = &KeyedHash> {
        self.addresses.iter().filter_map(|address| address.email.hash())
    }

    /// The keyed hash of the primary address.
    pub fn primary(&self) -> Option<&KeyedHash> {
        self.addresses.first().and_then(|address| address.email.hash())
    }

    /// One of the addresses.
    pub fn address(&self, email: &KeyedHash) -> Option<&Address> {
        self.addresses.iter().find(|address| address.email.hash() == Some(email))
    }
}

impl Aggregate for User {
    const TYPE: &'static str = TYPE;
    type Command = UserCommand;
    type Event = UserEvent;

    fn decide(&self, command: UserCommand) -> Result<Vec<UserEvent>, Refusal> {
        decide::decide(self, command)
    }

    fn evolve(&mut self, event: &UserEvent, at: Timestamp) {
        match event {
            UserEvent::UserRegistered { username, name, email } => {
                self.username = Some(username.clone());
                self.name.clone_from(name);
                self.addresses = vec![Address { email: email.clone(), verified: false }];
                self.active = true;
                self.created_at = at;
            }
            UserEvent::EmailAdded { email, .. } => {
                self.addresses.push(Address { email: email.clone(), verified: false });
            }
            UserEvent::UserRenamed { username, name } => {
                if let Some(to) = username.as_ref().and_then(|username| username.to.clone()) {
                    self.username = Some(to);
                }
                if let Some(name) = name {
                    self.name.clone_from(&name.to);
                }
            }
            UserEvent::EmailRemoved { email, .. } => {
                self.addresses.retain(|address| address.email.hash() != Some(email));
            }
            UserEvent::PrimaryEmailChanged { to, .. } => {
                // The others stay in the order in which they were added.
                self.addresses.sort_by_key(|address| address.email.hash() != Some(to));
            }
            UserEvent::EmailVerified { email } => {
                for address in self.addresses.iter_mut().filter(|address| address.email.hash() == Some(email))
                {
                    address.verified = true;
                }
            }
            UserEvent::AuthenticatorEnrolled { kind } => {
                self.authenticators.insert(*kind, at);
            }
            UserEvent::AuthenticatorRemoved { kind } => {
                self.authenticators.remove(kind);
            }
            UserEvent::UserDeactivated { .. } => self.active = false,
            UserEvent::UserReactivated { .. } => self.active = true,
            UserEvent::SuperuserGranted {} => self.superuser = true,
            UserEvent::SuperuserRevoked {} => self.superuser = false,
            UserEvent::UserErased { .. } => {
                self.erased = true;
                self.active = false;
                self.superuser = false;
                self.authenticators.clear();
            }
        }
    }

    fn event_of(event: &Event) -> Option<&UserEvent> {
        match event {
            Event::User(event) => Some(event),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;

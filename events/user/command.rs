//! What can be asked of an account.

use super::Authenticator;
use crate::{
    claims::Place,
    id::MemberId,
    personal::{EmailAddress, KeyedHash, Personal, UserName},
};

/// What becomes of a display name, which need not be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Naming<T> {
    /// It stays, or stays away.
    #[default]
    Stays,
    /// There is none any more.
    Cleared,
    /// It is this one.
    Named(T),
}

/// A command on an account.
#[derive(Debug, Clone)]
pub enum UserCommand {
    /// Register it.
    Register {
        /// The user name; unique.
        username: Personal<UserName>,
        /// The display name.
        name: Option<Personal<String>>,
        /// The primary address; unique.
        email: Personal<EmailAddress>,
    },
    /// Add an address.
    AddEmail {
        /// The address; unique.
        email: Personal<EmailAddress>,
        /// Where the person is a member: nobody else is invited there by this address.
        memberships: Vec<Place>,
    },
    /// Change what the person is called. What the command does not name stays as it is; the ledger names only what
    /// differs, because a sealed value cannot be compared here.
    Rename {
        /// The user name after it; unique.
        username: Option<Personal<UserName>>,
        /// The display name after it.
        name: Naming<Personal<String>>,
    },
    /// Remove an address, verified or not; the primary one stays.
    RemoveEmail {
        /// The address.
        email: KeyedHash,
        /// Where the person is a member: the address is free there too.
        memberships: Vec<Place>,
    },
    /// Make an address the primary one.
    ChoosePrimaryEmail {
        /// The address.
        email: KeyedHash,
    },
    /// State that an address is the person's.
    VerifyEmail {
        /// The address.
        email: KeyedHash,
    },
    /// State that an authenticator is enrolled.
    EnrolAuthenticator {
        /// Which kind.
        kind: Authenticator,
    },
    /// State that an authenticator is no longer enrolled.
    RemoveAuthenticator {
        /// Which kind.
        kind: Authenticator,
    },
    /// Stop the account from being used.
    Deactivate {
        /// Where the person is an owner.
        owns: Vec<Place>,
    },
    /// Let the account be used again.
    Reactivate {
        /// Where the person has the role of an owner.
        owns: Vec<Place>,
    },
    /// Let the person do everything everywhere.
    GrantSuperuser,
    /// Let the person do only what his roles allow.
    RevokeSuperuser,
    /// Forget the person for ever.
    Erase {
        /// Where he has the role of an owner.
        owns: Vec<Place>,
        /// The rows that he was invited by, or that he asked with.
        invitees: Vec<MemberId>,
    },
}

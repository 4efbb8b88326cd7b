//! What can be asked of an account and what can have happened to it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    claims::Place,
    event::{Event, stored},
    personal::{EmailAddress, KeyedHash, Personal, PersonalVisitor, UserName},
};

/// A way to prove who one is; what it is made of is no business of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authenticator {
    /// An authenticator app.
    Totp,
    /// Text messages.
    Sms,
    /// A security key.
    U2f,
    /// Recovery codes; a backup, not a second factor of its own.
    Recovery,
}

impl Authenticator {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Totp, Self::Sms, Self::U2f, Self::Recovery];

    /// Whether it is a second factor of its own.
    pub fn is_second_factor(self) -> bool {
        self != Self::Recovery
    }

    /// The name in the wire format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Sms => "sms",
            Self::U2f => "u2f",
            Self::Recovery => "recovery",
        }
    }
}

impl FromStr for Authenticator {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| format!("\"{text}\" is no authenticator; there are totp, sms, u2f and recovery"))
    }
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
    /// Stop the account from being used.
    Deactivate {
        /// Where the person is an owner.
        owns: Vec<Place>,
    },
    /// Let the person do everything everywhere.
    GrantSuperuser,
}

/// A fact about an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum UserEvent {
    /// It came to be.
    UserRegistered {
        /// The user name.
        username: Personal<UserName>,
        /// The display name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Personal<String>>,
        /// The primary address, not verified yet.
        email: Personal<EmailAddress>,
    },
    /// An address was added, not verified yet.
    EmailAdded {
        /// The address.
        email: Personal<EmailAddress>,
        /// Where the person is a member.
        memberships: Vec<Place>,
    },
    /// An address was shown to be the person's.
    EmailVerified {
        /// Which.
        email: KeyedHash,
    },
    /// An authenticator was enrolled.
    AuthenticatorEnrolled {
        /// Which kind.
        kind: Authenticator,
    },
    /// The account cannot be used any more.
    UserDeactivated {
        /// Where the person was an owner.
        owns: Vec<Place>,
    },
    /// The person may do everything everywhere.
    SuperuserGranted {},
}

stored!(UserEvent {
    UserRegistered = 1,
    EmailAdded = 1,
    EmailVerified = 1,
    AuthenticatorEnrolled = 1,
    UserDeactivated = 1,
    SuperuserGranted = 1,
});

impl UserEvent {
    /// Visits the personal values.
    pub fn visit_personal<V: PersonalVisitor>(&mut self, visitor: &mut V) -> Result<(), V::Error> {
        match self {
            Self::UserRegistered { username, name, email } => {
                visitor.visit("username", username)?;
                if let Some(name) = name {
                    visitor.visit("name", name)?;
                }
                visitor.visit("email", email)
            }
            Self::EmailAdded { email, .. } => visitor.visit("email", email),
            Self::EmailVerified { .. }
            | Self::AuthenticatorEnrolled { .. }
            | Self::UserDeactivated { .. }
            | Self::SuperuserGranted {} => Ok(()),
        }
    }
}

impl From<UserEvent> for Event {
    fn from(event: UserEvent) -> Self {
        Self::User(event)
    }
}

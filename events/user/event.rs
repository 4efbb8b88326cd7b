//! What can have happened to an account.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    claims::Place,
    event::{Event, stored},
    id::MemberId,
    personal::{EmailAddress, KeyedHash, Personal, PersonalText, PersonalVisitor, UserName},
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

/// A personal value before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(serialize = "", deserialize = "T: PersonalText"))]
pub struct Renamed<T> {
    /// Before; none where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Personal<T>>,
    /// After; none where there is none any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Personal<T>>,
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
    /// It is called otherwise. What did not change is left out.
    UserRenamed {
        /// The user name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        username: Option<Box<Renamed<UserName>>>,
        /// The display name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Box<Renamed<String>>>,
    },
    /// An address was removed.
    EmailRemoved {
        /// Which.
        email: KeyedHash,
        /// Where the person is a member.
        memberships: Vec<Place>,
    },
    /// Another address is the primary one.
    PrimaryEmailChanged {
        /// Before.
        from: KeyedHash,
        /// After.
        to: KeyedHash,
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
    /// An authenticator is no longer enrolled.
    AuthenticatorRemoved {
        /// Which kind.
        kind: Authenticator,
    },
    /// The account cannot be used any more.
    UserDeactivated {
        /// Where the person was an owner.
        owns: Vec<Place>,
    },
    /// The account can be used again.
    UserReactivated {
        /// Where the person is an owner again.
        owns: Vec<Place>,
    },
    /// The person may do everything everywhere.
    SuperuserGranted {},
    /// The person may do only what his roles allow.
    SuperuserRevoked {},
    /// The person is forgotten for ever: his keys are destroyed because of this, and what they sealed stays in the log
    /// unreadable. The account cannot be used any more.
    UserErased {
        /// Where he was an owner.
        owns: Vec<Place>,
        /// The user name that is free again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        username: Option<KeyedHash>,
        /// The addresses that are free again.
        addresses: Vec<KeyedHash>,
        /// The rows that he was invited by, or that he asked with, in whatever organization: what is sealed there is his,
        /// too.
        invitees: Vec<MemberId>,
    },
}

stored!(UserEvent {
    UserRegistered = 1,
    UserRenamed = 1,
    EmailAdded = 1,
    EmailVerified = 1,
    EmailRemoved = 1,
    PrimaryEmailChanged = 1,
    AuthenticatorEnrolled = 1,
    AuthenticatorRemoved = 1,
    UserDeactivated = 1,
    UserReactivated = 1,
    SuperuserGranted = 1,
    SuperuserRevoked = 1,
    UserErased = 1,
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
            Self::UserRenamed { username, name } => {
                if let Some(username) = username {
                    username.visit_personal("username", visitor)?;
                }
                name.as_mut().map_or(Ok(()), |name| name.visit_personal("name", visitor))
            }
            Self::EmailAdded { email, .. } => visitor.visit("email", email),
            Self::EmailVerified { .. }
            | Self::EmailRemoved { .. }
            | Self::PrimaryEmailChanged { .. }
            | Self::AuthenticatorEnrolled { .. }
            | Self::AuthenticatorRemoved { .. }
            | Self::UserDeactivated { .. }
            | Self::UserReactivated { .. }
            | Self::SuperuserGranted {}
            | Self::SuperuserRevoked {}
            | Self::UserErased { .. } => Ok(()),
        }
    }
}

impl<T: PersonalText> Renamed<T> {
    /// What was sealed before stays as it was sealed.
    fn visit_personal<V: PersonalVisitor>(&mut self, field: &str, visitor: &mut V) -> Result<(), V::Error> {
        [&mut self.from, &mut self.to].into_iter().flatten().try_for_each(|value| visitor.visit(field, value))
    }
}

impl From<UserEvent> for Event {
    fn from(event: UserEvent) -> Self {
        Self::User(event)
    }
}

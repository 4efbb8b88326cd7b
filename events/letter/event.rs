use serde::{Deserialize, Serialize};

use super::{About, DropReason, LetterKind, Recipient};
use crate::{
    event::{Event, stored},
    id::OrganizationId,
    personal::{EmailAddress, Personal, PersonalVisitor},
    time::Timestamp,
};

/// A fact about a letter. Which event it answers is its `causation_id`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum LetterEvent {
    /// It is to be sent.
    LetterQueued {
        /// What kind it is.
        kind: LetterKind,
        /// The organization that it is about.
        organization: OrganizationId,
        /// Whom it is for.
        to: Recipient,
        /// His address, as it was sealed where it comes from.
        email: Personal<EmailAddress>,
        /// What it is about.
        about: About,
    },
    /// The mail server took it.
    LetterSent {
        /// The how many-th attempt that was, from 1.
        attempt: u32,
    },
    /// An attempt failed.
    LetterAttemptFailed {
        /// The how many-th attempt that was, from 1.
        attempt: u32,
        /// The reply code of the mail server (RFC 5321), where it replied.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u16>,
        /// What the server said, or what happened to the connection.
        text: Personal<String>,
        /// When it is tried again; none when it is of no use.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_attempt_at: Option<Timestamp>,
    },
    /// It made no sense any more when its turn came.
    LetterDropped {
        /// Why.
        why: DropReason,
    },
    /// It is not tried any more until an operator releases it.
    LetterParked {},
    /// An operator wants it to be tried again.
    LetterReleased {},
}

stored!(LetterEvent {
    LetterQueued = 1,
    LetterSent = 1,
    LetterAttemptFailed = 1,
    LetterDropped = 1,
    LetterParked = 1,
    LetterReleased = 1,
});

impl LetterEvent {
    /// Visits the personal values.
    pub fn visit_personal<V: PersonalVisitor>(&mut self, visitor: &mut V) -> Result<(), V::Error> {
        match self {
            Self::LetterQueued { email, .. } => visitor.visit("email", email),
            Self::LetterAttemptFailed { text, .. } => visitor.visit("text", text),
            Self::LetterSent { .. }
            | Self::LetterDropped { .. }
            | Self::LetterParked {}
            | Self::LetterReleased {} => Ok(()),
        }
    }
}

impl From<LetterEvent> for Event {
    fn from(event: LetterEvent) -> Self {
        Self::Letter(event)
    }
}

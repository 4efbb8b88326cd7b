//! Letter: one e-mail to one recipient, from the event that it answers to what became of it.

mod audience;
mod command;
mod decide;
mod event;
mod kind;
mod policy;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use audience::{Audience, Standing};
pub use command::{Failure, LetterCommand};
pub use event::LetterEvent;
pub use kind::{DropReason, LetterKind};
pub use policy::{Notice, letters, notices};

use crate::{
    aggregate::Aggregate,
    event::Event,
    id::{MemberId, OrganizationId, TeamId, UserId},
    personal::{EmailAddress, Personal},
    refusal::Refusal,
    time::Timestamp,
};

/// The stored name of this kind of aggregate.
pub const TYPE: &str = "letter";

/// Which letter: derived from the event that it answers, its kind and its recipient, so that the same letter is never
/// queued twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterId(Uuid);

impl LetterId {
    /// The letter of this kind to this recipient because of the event `cause`: a name-based UUID (RFC 9562, version 5).
    pub fn derive(cause: Uuid, kind: LetterKind, to: Recipient) -> Self {
        Self(Uuid::new_v5(&cause, format!("{kind} {to}").as_bytes()))
    }
}

impl fmt::Display for LetterId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl FromStr for LetterId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// Whom a letter is for: a person with an account, or whoever an invitation or a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// A person with an account.
    User(UserId),
    /// The person behind an invitation.
    Invitee(MemberId),
}

impl fmt::Display for Recipient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(out, "user:{id}"),
            Self::Invitee(id) => write!(out, "invitee:{id}"),
        }
    }
}

/// What a letter is about. What it says of these is looked up when it is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The member, invitation or request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// The team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// Which token of the invitation its link holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// The person who did what the letter tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<UserId>,
    /// The single sign-on provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Where the invitation came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
}

/// A letter that is to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewLetter {
    /// What kind it is.
    pub kind: LetterKind,
    /// The organization that it is about.
    pub organization: OrganizationId,
    /// Whom it is for.
    pub to: Recipient,
    /// His address.
    pub email: Personal<EmailAddress>,
    /// What it is about.
    pub about: About,
}

/// How a letter stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterStatus {
    /// There is no such letter.
    #[default]
    Absent,
    /// It waits for its first or next attempt.
    Queued,
    /// The mail server took it.
    Sent,
    /// It made no sense any more when its turn came.
    Dropped,
    /// It could not be sent; an operator has to look.
    Parked,
}

impl LetterStatus {
    /// The name in views and filters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Dropped => "dropped",
            Self::Parked => "parked",
        }
    }

    /// The status with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Queued, Self::Sent, Self::Dropped, Self::Parked]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// A letter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Letter {
    /// What it is; none before the first event.
    pub letter: Option<NewLetter>,
    /// How it stands.
    pub status: LetterStatus,
    /// Failed attempts since it was queued or released.
    pub attempts: u32,
    /// When the next attempt is due, while it waits.
    pub next_attempt_at: Timestamp,
}

impl Aggregate for Letter {
    const TYPE: &'static str = TYPE;
    type Command = LetterCommand;
    type Event = LetterEvent;

    fn decide(&self, command: LetterCommand) -> Result<Vec<LetterEvent>, Refusal> {
        decide::decide(self, command)
    }

    fn evolve(&mut self, event: &LetterEvent, at: Timestamp) {
        match event {
            LetterEvent::LetterQueued { kind, organization, to, email, about } => {
                self.letter = Some(NewLetter {
                    kind: *kind,
                    organization: *organization,
                    to: *to,
                    email: email.clone(),
                    about: about.clone(),
                });
                self.status = LetterStatus::Queued;
                self.next_attempt_at = at;
            }
            LetterEvent::LetterSent { .. } => self.status = LetterStatus::Sent,
            LetterEvent::LetterAttemptFailed { next_attempt_at, .. } => {
                self.attempts += 1;
                self.next_attempt_at = next_attempt_at.unwrap_or(self.next_attempt_at);
            }
            LetterEvent::LetterDropped { .. } => self.status = LetterStatus::Dropped,
            LetterEvent::LetterParked {} => self.status = LetterStatus::Parked,
            LetterEvent::LetterReleased {} => {
                self.status = LetterStatus::Queued;
                self.attempts = 0;
                self.next_attempt_at = at;
            }
        }
    }

    fn event_of(event: &Event) -> Option<&LetterEvent> {
        match event {
            Event::Letter(event) => Some(event),
            _ => None,
        }
    }
}

#[cfg(test)]
mod policy_tests;
#[cfg(test)]
mod tests;

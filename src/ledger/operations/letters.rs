//! What policies, the sender and operators ask of letters.

use async_trait::async_trait;
use muster_events::{
    id::OrganizationId,
    letter::{DropReason, Failure as Failed, Letter, LetterCommand, LetterId, NewLetter},
    personal::{Personal, PersonalVisitor as _},
    time::Timestamp,
};

use crate::ledger::{Failure, Operation, Unit};

/// Have a letter sent; nothing happens when it was queued already, whatever became of it.
#[derive(Debug)]
pub struct QueueLetter {
    /// Which.
    pub id: LetterId,
    /// What it is.
    pub letter: NewLetter,
}

#[async_trait]
impl Operation for QueueLetter {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let command = LetterCommand::Queue(Box::new(self.letter.clone()));
        unit.decide::<Letter>(self.id, Some(self.letter.organization), vec![command]).await
    }
}

/// What became of an attempt to send a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempted {
    /// The mail server took it.
    Sent,
    /// It did not.
    Failed {
        /// The reply code, where it replied.
        code: Option<u16>,
        /// What it said, or what happened.
        text: String,
        /// When to try again; none when it is of no use.
        next_attempt_at: Option<Timestamp>,
    },
    /// It made no sense any more.
    Dropped(DropReason),
}

/// Record what became of an attempt; nothing happens when the letter does not wait any more.
#[derive(Debug)]
pub struct RecordAttempt {
    /// Which letter.
    pub id: LetterId,
    /// The organization that it is about.
    pub organization: OrganizationId,
    /// What became of it.
    pub attempted: Attempted,
}

#[async_trait]
impl Operation for RecordAttempt {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let command = match &self.attempted {
            Attempted::Sent => LetterCommand::RecordSent,
            Attempted::Dropped(why) => LetterCommand::Drop(*why),
            Attempted::Failed { code, text, next_attempt_at } => {
                // What a server says often names the recipient: it is sealed as his address is, and goes with it.
                let letter = unit.read::<Letter>(self.id).await?.state;
                let address = letter.letter.as_ref().and_then(|letter| letter.email.envelope());
                let sealer = match address {
                    Some(address) => unit.ledger().keys().sealer_as(address).await?,
                    None => None,
                };
                match sealer {
                    Some(sealer) => {
                        let mut text = Personal::open(text.clone(), None);
                        let Ok(()) = sealer.fields_of("LetterAttemptFailed").visit("text", &mut text);
                        let next_attempt_at = *next_attempt_at;
                        LetterCommand::RecordFailure(Failed { code: *code, text, next_attempt_at })
                    }
                    None => LetterCommand::Drop(DropReason::RecipientErased),
                }
            }
        };
        unit.decide::<Letter>(self.id, Some(self.organization), vec![command]).await
    }
}

/// Try a parked letter again, as an operator asks for.
#[derive(Debug)]
pub struct ReleaseLetter {
    /// Which.
    pub id: LetterId,
}

#[async_trait]
impl Operation for ReleaseLetter {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let letter = unit.read::<Letter>(self.id).await?.state;
        let organization = letter.letter.as_ref().map(|letter| letter.organization);
        unit.decide::<Letter>(self.id, organization, vec![LetterCommand::Release]).await
    }
}

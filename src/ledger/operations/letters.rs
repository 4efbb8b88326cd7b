//! What policies, the sender and operators ask of letters.

use async_trait::async_trait;
use muster_events::{
    id::OrganizationId,
    letter::{DropReason, Failure as Failed, Letter, LetterCommand, LetterId, NewLetter, Recipient},
    personal::{Personal, PersonalVisitor as _},
    time::Timestamp,
};

use crate::{
    ledger::{Failure, Operation, Unit},
    sealing::{KeyRing, Sealer, SealingError, Subject},
};

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
                let letter = unit.read::<Letter>(self.id).await?.state;
                match sealer(unit.ledger().keys(), &letter).await? {
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

/// What seals the words of a server, which often name the recipient: the key of his address, so that they go with it. None
/// once he was erased; a new key, made at that moment, would bring him back.
async fn sealer(keys: &KeyRing, letter: &Letter) -> Result<Option<Sealer>, SealingError> {
    let Some(letter) = &letter.letter else { return Ok(None) };
    let lost = match letter.email.envelope() {
        Some(address) => keys.sealer_as(address).await,
        None => return Ok(None),
    };
    match (lost, letter.to) {
        // That his address cannot be read any more is what went wrong, and is put on record.
        (Err(SealingError::KeyMissing(_)), Recipient::User(user)) => {
            keys.sealer(Subject::User(user)).await.map(Some)
        }
        (Err(SealingError::KeyMissing(_)), Recipient::Invitee(member)) => {
            keys.sealer(Subject::Invitee(member)).await.map(Some)
        }
        (found, _) => found,
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

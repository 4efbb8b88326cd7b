//! What the ledger answers, in the words of the command line.

use anyhow::{Error, Result, anyhow};
use muster_events::{refusal::Refusal, token::TokenOwner};

use crate::{
    http,
    ledger::{ExecuteError, Failure, Outcome},
};

/// A refusal as a sentence.
pub(super) fn refusal(refusal: &Refusal) -> String {
    http::statement(refusal)
}

/// A failure to look something up.
pub(super) fn failure(error: Failure) -> Error {
    match error {
        Failure::Refused(refused) => anyhow!(refusal(&refused)),
        other => other.into(),
    }
}

/// What a command answered.
pub(super) fn carried_out<T>(outcome: Result<Outcome<T>, ExecuteError>) -> Result<T> {
    match outcome {
        Ok(outcome) => match outcome.done() {
            Some(executed) => Ok(executed.answer),
            None => Err(anyhow!("a command without an idempotency key was taken for the repetition of one")),
        },
        Err(ExecuteError::Refused { refusal: refused, .. }) => Err(anyhow!("refused: {}", refusal(&refused))),
        Err(error) => Err(error.into()),
    }
}

/// The id of a token's owner.
pub(super) fn owner_id(owner: TokenOwner) -> String {
    match owner {
        TokenOwner::User(user) => user.to_string(),
        TokenOwner::Organization(organization) => organization.to_string(),
    }
}

/// Whether a command that was carried out changed anything.
pub(super) fn was_changed<T>(outcome: Result<Outcome<T>, ExecuteError>) -> Result<bool> {
    match outcome {
        Ok(Outcome::Done(executed)) => Ok(executed.changed_anything()),
        other => carried_out(other).map(|_| false),
    }
}

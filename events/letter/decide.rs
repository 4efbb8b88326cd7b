use super::{Letter, LetterCommand, LetterEvent, LetterStatus, NewLetter};
use crate::refusal::Refusal;

pub(super) fn decide(letter: &Letter, command: LetterCommand) -> Result<Vec<LetterEvent>, Refusal> {
    let waits = letter.status == LetterStatus::Queued;
    match command {
        LetterCommand::Queue(new) if letter.status == LetterStatus::Absent => {
            let NewLetter { kind, organization, to, email, about } = *new;
            Ok(vec![LetterEvent::LetterQueued { kind, organization, to, email, about }])
        }
        LetterCommand::Queue(_) => Ok(vec![]),
        _ if letter.status == LetterStatus::Absent => Err(Refusal::NotFound),
        LetterCommand::RecordSent if waits => {
            Ok(vec![LetterEvent::LetterSent { attempt: letter.attempts + 1 }])
        }
        LetterCommand::RecordFailure(failure) if waits => {
            let failed = LetterEvent::LetterAttemptFailed {
                attempt: letter.attempts + 1,
                code: failure.code,
                text: failure.text,
                next_attempt_at: failure.next_attempt_at,
            };
            let parked = failure.next_attempt_at.is_none().then_some(LetterEvent::LetterParked {});
            Ok([failed].into_iter().chain(parked).collect())
        }
        LetterCommand::Drop(why) if waits => Ok(vec![LetterEvent::LetterDropped { why }]),
        LetterCommand::Release if letter.status == LetterStatus::Parked => {
            Ok(vec![LetterEvent::LetterReleased {}])
        }
        // Somebody else has done what is to be recorded, or it waits already.
        LetterCommand::RecordSent
        | LetterCommand::RecordFailure(_)
        | LetterCommand::Drop(_)
        | LetterCommand::Release => Ok(vec![]),
    }
}

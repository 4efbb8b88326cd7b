use super::{DropReason, NewLetter};
use crate::{personal::Personal, time::Timestamp};

/// A command on a letter.
#[derive(Debug, Clone)]
pub enum LetterCommand {
    /// It is to be sent; nothing when it was queued already, whatever became of it.
    Queue(Box<NewLetter>),
    /// The mail server took it.
    RecordSent,
    /// An attempt failed.
    RecordFailure(Failure),
    /// It makes no sense any more.
    Drop(DropReason),
    /// Try a parked letter again.
    Release,
}

/// Why an attempt failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The reply code of the mail server, where it replied.
    pub code: Option<u16>,
    /// What it said; may name the recipient.
    pub text: Personal<String>,
    /// When to try again; none when it is of no use.
    pub next_attempt_at: Option<Timestamp>,
}

//! Receipts of erasures, kept apart from the ledger: what they say holds wherever that is put back from a backup that knows
//! nothing of it.

use muster_events::{
    id::{MemberId, UserId},
    recorded::Metadata,
    refusal::Refusal,
    stream::{Position, Sequence, StreamId},
};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    ledger::{
        CommandMeta, ExecuteError, Failure, Ledger, Turn,
        operations::{EraseAccount, EraseRows},
    },
    sealing::{NotASubject, Subject},
    store::StoreError,
};

/// Events of a stream that are looked through at once.
const PAGE: usize = 1_000;

/// A receipt, as `muster user erase --json` prints it and as `DELETE users/{u}/` and `DELETE invitees/` answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The event that says so.
    pub id: Uuid,
    /// Where it stood.
    pub position: u64,
    /// Its leaf, in hexadecimal.
    pub leaf: String,
    /// Who was erased: `user:ID` or `invitee:MEMBER`.
    pub subject: String,
    /// The invitations and requests that were the person's.
    #[serde(default)]
    pub invitees: Vec<MemberId>,
}

/// What became of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reapplied {
    /// Who was erased.
    pub subject: Subject,
    /// How.
    pub how: How,
}

/// How an erasure came to be in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It was on record already.
    Known,
    /// It is on record again.
    Recorded,
    /// Nothing of the person was there.
    Absent,
    /// The keys are destroyed; it is not on record, because this is in the way.
    KeysOnly(Refusal),
}

/// Reads receipts: one JSON object after another, lists of them, or objects whose `receipts` is a list.
///
/// # Errors
///
/// A sentence that says which one is none.
pub fn read(text: &str) -> Result<Vec<Receipt>, String> {
    let mut receipts = vec![];
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let mut value =
            value.map_err(|error| format!("it is not JSON after receipt {}: {error}", receipts.len()))?;
        if let Some(list) = value.get_mut("receipts") {
            value = list.take();
        }
        let list = if let Value::Array(list) = value { list } else { vec![value] };
        for value in list {
            let receipt: Receipt = serde_json::from_value(value)
                .map_err(|error| format!("receipt {} is none: {error}", receipts.len() + 1))?;
            subject(&receipt).map_err(|error| format!("receipt {} is none: {error}", receipts.len() + 1))?;
            receipts.push(receipt);
        }
    }
    Ok(receipts)
}

fn subject(receipt: &Receipt) -> Result<Subject, String> {
    receipt.subject.parse().map_err(|error: NotASubject| error.to_string())
}

/// Puts an erasure in force.
pub(super) async fn reapply(ledger: &Ledger, receipt: &Receipt) -> Result<Reapplied, Failure> {
    let subject = subject(receipt).map_err(StoreError::Unusable)?;
    if is_on_record(ledger, receipt, subject).await? {
        return Ok(Reapplied { subject, how: How::Known });
    }
    let how = match subject {
        Subject::User(user) => reapply_to_user(ledger, user, receipt).await?,
        Subject::Invitee(member) => reapply_to_rows(ledger, vec![member], receipt).await?,
    };
    // Whether or not it could be put on record, nothing of the person is to be read here.
    let named = receipt.invitees.iter().copied().map(Subject::Invitee).chain([subject]);
    for subject in named {
        ledger.keys().erase(subject).await?;
    }
    Ok(Reapplied { subject, how })
}

/// Whether the event of the receipt is in this log, or what an earlier restore put on record for it: what came to the rows
/// since is somebody else's.
async fn is_on_record(ledger: &Ledger, receipt: &Receipt, subject: Subject) -> Result<bool, Failure> {
    let before = Position(receipt.position.saturating_sub(1));
    let found = ledger.store().read_all(before, 1).await?;
    if found.first().is_some_and(|event| event.event_id == receipt.id) {
        return Ok(true);
    }
    let rows = receipt.invitees.iter().copied().map(StreamId::from);
    let streams = rows.chain([match subject {
        Subject::User(user) => user.into(),
        Subject::Invitee(row) => row.into(),
    }]);
    for stream in streams {
        if is_answered(ledger, &stream, receipt.id).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether an event in a stream says that it is there because of a receipt.
async fn is_answered(ledger: &Ledger, stream: &StreamId, receipt: Uuid) -> Result<bool, Failure> {
    let mut after = Sequence::ZERO;
    loop {
        let page = ledger.store().read_stream(stream, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(false) };
        after = last.sequence;
        for event in &page {
            let metadata: Metadata = serde_json::from_str(&event.metadata)
                .map_err(|error| StoreError::Damaged(error.to_string()))?;
            if metadata.causation_id == Some(receipt) {
                return Ok(true);
            }
        }
    }
}

async fn reapply_to_user(ledger: &Ledger, user: UserId, receipt: &Receipt) -> Result<How, Failure> {
    let erase = EraseAccount::of_receipt(user, receipt.invitees.clone());
    match ledger.execute(&erase, &because_of(receipt), Turn::unkeyed()).await {
        Ok(_) => Ok(How::Recorded),
        Err(ExecuteError::Refused { refusal: Refusal::NotFound, .. }) => {
            reapply_to_rows(ledger, receipt.invitees.clone(), receipt).await
        }
        Err(ExecuteError::Refused { refusal, .. }) => Ok(How::KeysOnly(refusal)),
        Err(error) => Err(unavailable(&error)),
    }
}

async fn reapply_to_rows(ledger: &Ledger, members: Vec<MemberId>, receipt: &Receipt) -> Result<How, Failure> {
    let erase = EraseRows { members };
    match ledger.execute(&erase, &because_of(receipt), Turn::unkeyed()).await {
        Ok(outcome) => Ok(match outcome.done() {
            Some(done) if done.answer == 0 => How::Absent,
            _ => How::Recorded,
        }),
        Err(ExecuteError::Refused { refusal, .. }) => Ok(How::KeysOnly(refusal)),
        Err(error) => Err(unavailable(&error)),
    }
}

fn because_of(receipt: &Receipt) -> CommandMeta {
    CommandMeta { causation_id: Some(receipt.id), ..CommandMeta::system() }
}

fn unavailable(error: &ExecuteError) -> Failure {
    StoreError::Unavailable(error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::read;

    const ONE: &str =
        r#"{"id": "01893cd2-1b5a-7000-8000-000000000001", "position": 7, "leaf": "00", "subject": "user:5"}"#;

    #[test]
    fn receipts_are_read_as_they_are_printed() {
        let text = format!("{ONE}\n{ONE}\n[{ONE}]\n{{\"receipts\": [{ONE}, {ONE}]}}\n");
        assert_eq!(read(&text).unwrap().len(), 5);
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn what_is_no_receipt_is_named() {
        let refused = |text: &str| read(text).unwrap_err();
        assert!(refused("{").starts_with("it is not JSON after receipt 0"));
        assert!(refused(&format!("{ONE} 7")).starts_with("receipt 2 is none"));
        assert!(refused(&ONE.replace("user:5", "nobody")).contains("nobody"));
    }
}

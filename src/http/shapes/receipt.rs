//! The receipt of an erasure.

use serde::Serialize;
use utoipa::ToSchema;

use crate::ledger;

/// A proof of an erasure that outlasts what was erased: the event that says so, and where it stands in the log.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Receipt {
    /// Id of the event
    id: String,
    /// Its position in the log
    position: u64,
    /// Its leaf: SHA-256 of what is recorded there, in hexadecimal
    leaf: String,
    /// Who was erased: `user:ID`, or `invitee:MEMBER` who had no account
    subject: String,
    /// The invitations and requests that were the person's, in all organizations
    invitees: Vec<String>,
}

impl From<ledger::Receipt> for Receipt {
    fn from(receipt: ledger::Receipt) -> Self {
        Self {
            id: receipt.id.to_string(),
            position: receipt.position.0,
            leaf: hex::encode(receipt.leaf),
            subject: receipt.subject.to_string(),
            invitees: receipt.invitees.iter().map(ToString::to_string).collect(),
        }
    }
}

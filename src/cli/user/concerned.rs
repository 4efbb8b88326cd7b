//! Which rows of organizations, and which letters, concern a person: found by one walk along the log, because rows that have
//! ended are in no read model.

use std::collections::BTreeMap;

use anyhow::Result;
use muster_events::{
    event::Event,
    id::{MemberId, UserId},
    letter::{LetterEvent, LetterId, Recipient},
    member::{ADDRESSED, MemberEvent},
    personal::{KeyedHash, Personal},
    stream::{Position, Sequence},
    user::User,
};

use crate::{
    ledger::Ledger,
    store::{LogQuery, StoredEvent},
};

/// Events that are read at once.
const PAGE: usize = 1_000;
/// The other types of events that say whom a row or a letter is for.
const TYPES: [&str; 3] = ["MemberAdded", "InviteAccepted", "LetterQueued"];

/// What concerns a person.
#[derive(Debug, Default)]
pub(super) struct Concerned {
    /// Rows of his, each with the sequence from which on it is his: one that was first somebody else's is not his from the
    /// beginning.
    pub(super) rows: BTreeMap<MemberId, Sequence>,
    /// Letters to him.
    pub(super) letters: Vec<LetterId>,
}

impl Concerned {
    /// By the account, and by the addresses that he has shown to be his.
    pub(super) async fn find(ledger: &Ledger, id: UserId, user: &User, up_to: Position) -> Result<Self> {
        let verified = user.addresses.iter().filter(|address| address.verified);
        let addresses: Vec<_> = verified.filter_map(|address| address.email.hash().cloned()).collect();
        let (mut found, mut after) = (Self::default(), Position::ZERO);
        loop {
            let types = ADDRESSED.iter().chain(&TYPES).map(ToString::to_string).collect();
            let (after_it, up_to) = (Some(after), Some(up_to));
            let query = LogQuery { types, after: after_it, up_to, limit: PAGE, ..LogQuery::default() };
            let page = ledger.store().query(query).await?;
            for stored in &page {
                found.look_at(stored, id, &addresses)?;
                after = stored.position;
            }
            if page.len() < PAGE {
                return Ok(found);
            }
        }
    }

    fn look_at(&mut self, stored: &StoredEvent, id: UserId, addresses: &[KeyedHash]) -> Result<()> {
        let is_his = |hash: &KeyedHash| addresses.contains(hash);
        match &*stored.event()? {
            Event::Member(event) if event.address().and_then(Personal::hash).is_some_and(is_his) => {
                self.row(stored);
            }
            Event::Member(
                MemberEvent::MemberAdded { user, .. } | MemberEvent::InviteAccepted { user, .. },
            ) if *user == id => self.row(stored),
            Event::Letter(LetterEvent::LetterQueued { to, .. }) => {
                let his = match to {
                    Recipient::User(user) => *user == id,
                    Recipient::Invitee(member) => self.rows.contains_key(member),
                };
                self.letters.extend(stored.stream.aggregate_id.parse::<LetterId>().ok().filter(|_| his));
            }
            _ => {}
        }
        Ok(())
    }

    fn row(&mut self, stored: &StoredEvent) {
        if let Ok(member) = stored.stream.aggregate_id.parse() {
            self.rows.entry(member).or_insert(stored.sequence);
        }
    }
}

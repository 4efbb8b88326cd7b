//! Erasing a person: an account, or an address that was only ever invited or asked to be let in. What comes of it, that keys
//! are destroyed and memberships end, follows from the events.

use std::collections::BTreeSet;

use async_trait::async_trait;
use muster_events::{
    claims::Claim,
    event::Event,
    id::{MemberId, UserId},
    member::{self, Consequence, Member, MemberCommand, MemberEvent},
    personal::{EmailAddress, KeyedHash, Personal},
    refusal::Refusal,
    stream::{Position, Sequence},
    user::{User, UserCommand},
};
use tokio::sync::Mutex;

use super::change_account::{asked, ownerships};
use crate::{
    ledger::{Caller, Failure, Operation, Unit},
    store::{LogQuery, StoreError, StoredEvent},
};

/// Events that are read at once.
const PAGE: usize = 1_000;

/// Whose rows are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Person {
    /// The account, where there is one.
    user: Option<UserId>,
    /// Keyed hashes of the addresses that are the person's.
    addresses: BTreeSet<KeyedHash>,
}

/// The rows of a person, up to a position of the log; a later attempt goes on from there.
#[derive(Debug, Default)]
struct Rows {
    person: Person,
    up_to: Position,
    members: BTreeSet<MemberId>,
}

impl Rows {
    /// All rows, ended ones too, that an address of `person` was ever sealed for.
    async fn of(&mut self, unit: &mut Unit<'_>, person: Person) -> Result<Vec<MemberId>, Failure> {
        if self.person != person {
            *self = Self { person, ..Self::default() };
        }
        // A row that comes to be in the same instant must not be missed.
        let head = unit.read_whole_log().await?;
        while self.up_to < head {
            let page = LogQuery {
                types: member::ADDRESSED.map(str::to_owned).into(),
                after: Some(self.up_to),
                up_to: Some(head),
                limit: PAGE,
                ..LogQuery::default()
            };
            let page = unit.ledger().store().query(page).await?;
            for stored in &page {
                self.look_at(stored)?;
            }
            self.up_to =
                if page.len() < PAGE { head } else { page.last().map_or(head, |last| last.position) };
        }
        Ok(self.members.iter().copied().collect())
    }

    fn look_at(&mut self, stored: &StoredEvent) -> Result<(), StoreError> {
        let Person { user, addresses } = &self.person;
        let mut names = addresses.iter().map(ToString::to_string).chain(user.iter().map(ToString::to_string));
        if stored.stream.aggregate_type != member::TYPE || !names.any(|name| stored.payload.contains(&name)) {
            return Ok(());
        }
        let event = stored.event().map_err(|error| StoreError::Damaged(error.to_string()))?;
        let Event::Member(event) = &*event else { return Ok(()) };
        let has_one =
            |email: &Personal<EmailAddress>| email.hash().is_some_and(|hash| addresses.contains(hash));
        // The address of the account, whether or not he has shown that it is his.
        let was = match event {
            MemberEvent::MemberReturnedToPending { user, .. } => Some(*user),
            _ => None,
        };
        if event.address().is_some_and(has_one) || (was.is_some() && was == *user) {
            self.members.extend(stored.stream.aggregate_id.parse::<MemberId>());
        }
        Ok(())
    }
}

/// Puts on record that whoever these rows were for is erased, and ends those that are open. Gives those that were not on
/// record yet.
async fn erase_rows(unit: &mut Unit<'_>, rows: &[MemberId]) -> Result<Vec<MemberId>, Failure> {
    let mut erased = vec![];
    for row in rows {
        let state = unit.read::<Member>(*row).await?.state;
        if state.invitee_erased {
            continue;
        }
        let command = MemberCommand::Follow(Consequence::InviteeErased);
        unit.decide::<Member>(*row, state.organization, vec![command]).await?;
        erased.push(*row);
    }
    Ok(erased)
}

/// Erase a person with an account. Erased again, nothing more happens.
#[derive(Debug)]
pub struct EraseAccount {
    by: Option<Caller>,
    account: Option<UserId>,
    if_match: Option<Sequence>,
    rows: Whose,
}

/// Which rows are the person's.
#[derive(Debug)]
enum Whose {
    /// Those that are found by his addresses.
    Found(Mutex<Rows>),
    /// Those that a receipt names; some may not be there.
    Named(Vec<MemberId>),
}

impl EraseAccount {
    /// By whoever asks; by the operator at the command line, where nobody is named. `account` is none when what was named
    /// is none; `if_match` is the sequence that the requester last saw, when he wants nothing else to be erased.
    pub fn new(by: Option<Caller>, account: Option<UserId>, if_match: Option<Sequence>) -> Self {
        Self { by, account, if_match, rows: Whose::Found(Mutex::default()) }
    }

    /// Again, as a receipt says: the account and these rows, no others.
    pub fn of_receipt(account: UserId, invitees: Vec<MemberId>) -> Self {
        Self { by: None, account: Some(account), if_match: None, rows: Whose::Named(invitees) }
    }

    async fn rows(
        &self,
        unit: &mut Unit<'_>,
        user: UserId,
        found: &User,
        administers: bool,
    ) -> Result<Vec<MemberId>, Failure> {
        match &self.rows {
            Whose::Found(rows) => {
                let person = Person { user: Some(user), addresses: addresses(found, administers) };
                rows.lock().await.of(unit, person).await
            }
            Whose::Named(rows) => there(unit, rows).await,
        }
    }
}

#[async_trait]
impl Operation for EraseAccount {
    type Answer = UserId;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<UserId, Failure> {
        let (requester, id) = asked(unit, self.by.as_ref(), self.account).await?;
        let found = unit.read::<User>(id).await?;
        if found.state.erased {
            return Ok(id);
        }
        if !found.state.exists() {
            return Err(Refusal::NotFound.into());
        }
        let administers = requester.is_none_or(|requester| requester.administers());
        let rows = self.rows(unit, id, &found.state, administers).await?;
        let owns = ownerships(unit, id).await?;
        let invitees = erase_rows(unit, &rows).await?;
        unit.decide::<User>(id, None, vec![UserCommand::Erase { owns, invitees }]).await?;
        if self.if_match.is_some_and(|seen| seen != found.sequence) {
            return Err(Refusal::Stale.into());
        }
        Ok(id)
    }

    fn resource(&self, answer: &UserId) -> Option<String> {
        Some(answer.to_string())
    }
}

/// By which addresses invitations are the person's. One that he has not shown to be his may be somebody else's, whose
/// invitations are not his to end; a superuser and the operator know what they do.
fn addresses(user: &User, administers: bool) -> BTreeSet<KeyedHash> {
    let his = user.addresses.iter().filter(|address| administers || address.verified);
    his.filter_map(|address| address.email.hash().cloned()).collect()
}

/// Erase a person who never had an account: everywhere where he was invited, proposed, or asked to be let in.
#[derive(Debug)]
pub struct EraseInvitee {
    email: String,
    rows: Mutex<Rows>,
}

impl EraseInvitee {
    /// Whoever has this address.
    pub fn new(email: String) -> Self {
        Self { email, rows: Mutex::default() }
    }
}

#[async_trait]
impl Operation for EraseInvitee {
    /// The rows that he was erased from, now or before.
    type Answer = Vec<MemberId>;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<Vec<MemberId>, Failure> {
        let email = unit.ledger().keys().hashed(EmailAddress(self.email.clone()));
        let Some(hash) = email.hash() else { return Err(Refusal::NotFound.into()) };
        if let Some(holder) = unit.holder(&Claim::user_address(hash)).await? {
            return Err(Refusal::HasAccount { account: holder.into() }.into());
        }
        let person = Person { user: None, addresses: [hash.clone()].into() };
        let rows = self.rows.lock().await.of(unit, person).await?;
        if rows.is_empty() {
            return Err(Refusal::NotFound.into());
        }
        erase_rows(unit, &rows).await?;
        Ok(rows)
    }

    fn resource(&self, answer: &Vec<MemberId>) -> Option<String> {
        Some(answer.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
    }
}

/// Put on record again that whoever these rows were for is erased, as a receipt says; rows that are not there stay so.
#[derive(Debug)]
pub struct EraseRows {
    /// The rows.
    pub members: Vec<MemberId>,
}

#[async_trait]
impl Operation for EraseRows {
    /// How many of them are there.
    type Answer = usize;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<usize, Failure> {
        let rows = there(unit, &self.members).await?;
        erase_rows(unit, &rows).await?;
        Ok(rows.len())
    }
}

/// Those of `rows` that are in this log.
async fn there(unit: &mut Unit<'_>, rows: &[MemberId]) -> Result<Vec<MemberId>, Failure> {
    let mut there = vec![];
    for row in rows {
        if unit.read::<Member>(*row).await?.state.organization.is_some() {
            there.push(*row);
        }
    }
    Ok(there)
}

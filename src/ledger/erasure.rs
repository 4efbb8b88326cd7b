//! What an erasure on record demands: that the keys of the person are destroyed. The event comes first and the keys go
//! because of it, so that nobody is half erased: whoever finds the event, after a crash or once more, completes it.

use std::time::Duration;

use compact_str::CompactString;
use muster_events::{
    claims::ClaimKind,
    event::Event,
    id::{MemberId, UserId},
    member::{Member, MemberEvent},
    recorded::{Actor, ActorKind},
    stream::{Position, StreamId},
    user::{User, UserEvent},
};
use tokio::time::sleep;
use uuid::Uuid;

use super::{Failure, Ledger};
use crate::{
    sealing::{SealingError, Subject, subject_of},
    store::{LogQuery, Order, StoreError, StoredEvent},
};

/// How often it is tried to destroy keys that somebody else is reading.
const TRIES: u32 = 5;
/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(200);
/// Erasures that are read at once.
const PAGE: usize = 500;
/// The types of the events that put an erasure on record.
const USER_ERASED: &str = "UserErased";
const INVITEE_ERASED: &str = "InviteeErased";

/// What whoever was erased, or asked for it, can keep as a proof: the event that says so, and where it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The event.
    pub id: Uuid,
    /// Its place in the log.
    pub position: Position,
    /// Its leaf in the proofs of completeness.
    pub leaf: [u8; 32],
    /// Who was erased.
    pub subject: CompactString,
    /// The invitations and requests that were the person's: what a log that knows nothing of this has to be told.
    pub invitees: Vec<MemberId>,
}

impl Ledger {
    /// Destroys the keys of an account whose erasure is on record, as far as that was not done; none where it is not on
    /// record.
    pub async fn complete_erasure_of_user(&self, user: UserId) -> Result<Option<Receipt>, Failure> {
        self.complete_erasure_of(user.into(), USER_ERASED).await
    }

    /// The same for whoever was invited, or asked to be let in, without an account.
    pub async fn complete_erasure_of_invitee(&self, member: MemberId) -> Result<Option<Receipt>, Failure> {
        self.complete_erasure_of(member.into(), INVITEE_ERASED).await
    }

    async fn complete_erasure_of(&self, stream: StreamId, kind: &str) -> Result<Option<Receipt>, Failure> {
        let last = LogQuery {
            stream: Some(stream),
            types: vec![kind.to_owned()],
            order: Order::Descending,
            limit: 1,
            ..LogQuery::default()
        };
        match self.store().query(last).await?.first() {
            Some(stored) => Ok(Some(self.complete_erasure(stored).await?)),
            None => Ok(None),
        }
    }

    /// Destroys the keys of whoever `stored` says is erased. Whatever was sealed since for somebody else in the same place
    /// stays readable.
    pub async fn complete_erasure(&self, stored: &StoredEvent) -> Result<Receipt, Failure> {
        Ok(self.destroy_keys(stored).await?.0)
    }

    /// The receipt, and how many keys there were left to destroy.
    async fn destroy_keys(&self, stored: &StoredEvent) -> Result<(Receipt, u64), Failure> {
        let damaged = |error: &str| Failure::from(StoreError::Damaged(error.to_owned()));
        let event = stored.event().map_err(|error| damaged(&error.to_string()))?;
        let aggregate = &stored.stream.aggregate_id;
        let (subject, invitees) = match &*event {
            Event::User(UserEvent::UserErased { invitees, .. }) => {
                let user = aggregate.parse().map_err(|_| damaged("an account has an id that is none"))?;
                (Subject::User(user), invitees.clone())
            }
            Event::Member(MemberEvent::InviteeErased {}) => {
                let member = aggregate.parse().map_err(|_| damaged("a member has an id that is none"))?;
                (Subject::Invitee(member), vec![member])
            }
            _ => return Err(damaged("an event that erases nobody was taken for an erasure")),
        };
        let mut destroyed = 0;
        if matches!(subject, Subject::User(_)) {
            destroyed += self.destroy(subject).await?;
        }
        for member in invitees.iter().copied() {
            // A row that is taken by somebody else's account can become an invitation again, to that one's address.
            if self.state::<Member>(&member.into()).await?.state.invitee_erased {
                destroyed += self.destroy(Subject::Invitee(member)).await?;
            }
        }
        let (id, position, leaf) = (stored.event_id, stored.position, stored.leaf);
        let subject = subject.to_string().into();
        Ok((Receipt { id, position, leaf, subject, invitees }, destroyed))
    }

    /// Destroys whatever is left of the keys of all who were `erased`: what a process left that ended in between, and what
    /// somebody put back from an old backup. Gives the number of keys.
    pub async fn complete_erasures(&self, erased: &[StoredEvent]) -> Result<u64, Failure> {
        let mut destroyed = 0;
        for stored in self.incomplete_erasures(erased).await? {
            destroyed += self.destroy_keys(stored).await?.1;
        }
        Ok(destroyed)
    }

    /// Those of the erasures on record whose keys are still there.
    pub async fn incomplete_erasures<'a>(
        &self,
        erased: &'a [StoredEvent],
    ) -> Result<Vec<&'a StoredEvent>, Failure> {
        let mut incomplete = vec![];
        for stored in erased {
            if self.is_incomplete(stored).await? {
                incomplete.push(stored);
            }
        }
        Ok(incomplete)
    }

    /// Those of the erasures of accounts whose persons are still in an organization.
    pub async fn erased_members<'a>(
        &self,
        erased: &'a [StoredEvent],
    ) -> Result<Vec<&'a StoredEvent>, Failure> {
        let mut members = vec![];
        for stored in erased.iter().filter(|stored| stored.event_type == USER_ERASED) {
            let user = &stored.stream.aggregate_id;
            if !self.store().claims_with_key(ClaimKind::Membership, user, 1).await?.is_empty() {
                members.push(stored);
            }
        }
        Ok(members)
    }

    /// Whoever asks for something while he is erased may have got a new key meanwhile, to seal with it where the request came
    /// from. Nothing was appended; the key goes, too.
    pub(super) async fn forget_latecomer(&self, actor: &Actor) -> Result<(), SealingError> {
        let user = actor.id.as_ref().filter(|_| actor.kind == ActorKind::User);
        let Some(user) = user.and_then(|id| id.parse::<UserId>().ok()) else { return Ok(()) };
        let erased = self.state::<User>(&user.into()).await.is_ok_and(|found| found.state.erased);
        if erased && self.keys().has_key(Subject::User(user)).await? {
            self.keys().erase(Subject::User(user)).await?;
        }
        Ok(())
    }

    /// All erasures on record, of accounts and of others; reads the types of the whole log.
    pub async fn erasures(&self) -> Result<Vec<StoredEvent>, Failure> {
        let (mut after, mut all) = (Position::ZERO, vec![]);
        loop {
            let types = [USER_ERASED, INVITEE_ERASED].map(str::to_owned).into();
            let next = LogQuery { types, after: Some(after), limit: PAGE, ..LogQuery::default() };
            let page = self.store().query(next).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map_or(after, |last| last.position);
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    async fn is_incomplete(&self, erased: &StoredEvent) -> Result<bool, Failure> {
        let Some(subject) = subject_of(&erased.stream) else { return Ok(false) };
        if !self.keys().has_key(subject).await? {
            return Ok(false);
        }
        match subject {
            Subject::User(_) => Ok(true),
            Subject::Invitee(member) => Ok(self.state::<Member>(&member.into()).await?.state.invitee_erased),
        }
    }

    /// Somebody else may be reading what is to be overwritten; that takes no long time.
    async fn destroy(&self, subject: Subject) -> Result<u64, Failure> {
        let mut tried = 1;
        loop {
            match self.keys().erase(subject).await {
                Err(SealingError::Unavailable(_)) if tried < TRIES => sleep(PAUSE).await,
                done => return Ok(done?),
            }
            tried += 1;
        }
    }
}

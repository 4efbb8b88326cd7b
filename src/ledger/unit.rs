//! A unit of work: what one attempt at a command read, and what it is going to append.

use std::{collections::BTreeMap, sync::Arc};

use compact_str::CompactString;
use muster_events::{
    access::Requester,
    aggregate::Aggregate,
    claims::{Claim, ClaimChange},
    definitions::RoleDefinitions,
    event::Event,
    id::{MemberId, OrganizationId, TeamId, UserId},
    member::Member,
    organization::Organization,
    recorded::Actor,
    refusal::Refusal,
    roles::Roles,
    stream::{Sequence, StreamId},
    team::Team,
    time::Timestamp,
    token::ApiToken,
    user::User,
};

use super::{
    Failure, Ledger,
    cache::{AnyState, Cached, Versioned},
    framework,
    identify::{Caller, CallerKind},
};
use crate::store::{Incarnation, StreamRead};

/// What one command is going to append to one stream.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) stream: StreamId,
    pub(super) expected: Sequence,
    pub(super) organization: Option<OrganizationId>,
    pub(super) before: AnyState,
    pub(super) events: Vec<Event>,
}

/// What was looked at, where it stood. None of the whole log, which has no state.
#[derive(Debug)]
struct Seen {
    state: Option<AnyState>,
    sequence: Sequence,
}

/// What an attempt leads to.
#[derive(Debug)]
pub(super) struct Parts {
    /// Which log the decision looked at.
    pub(super) log: Incarnation,
    /// What the decision rests on beside what it writes.
    pub(super) reads: Vec<StreamRead>,
    /// What it writes.
    pub(super) staged: Vec<Staged>,
    /// What is counted, whether or not it writes anything.
    pub(super) attempts: Vec<ClaimChange>,
}

/// One attempt at a command. Everything that is looked at through it is checked again by the append; whoever looks twice
/// sees the same twice, so that one decision does not rest on two states of one aggregate.
#[derive(Debug)]
pub struct Unit<'a> {
    ledger: &'a Ledger,
    log: Incarnation,
    now: Timestamp,
    reads: BTreeMap<StreamId, Seen>,
    staged: Vec<Staged>,
    attempts: Vec<ClaimChange>,
}

impl<'a> Unit<'a> {
    pub(super) fn new(ledger: &'a Ledger, now: Timestamp) -> Self {
        let log = ledger.store.incarnation();
        Self { ledger, log, now, reads: BTreeMap::new(), staged: vec![], attempts: vec![] }
    }

    /// When the attempt began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The ledger that the attempt is made on.
    pub fn ledger(&self) -> &'a Ledger {
        self.ledger
    }

    /// A state that the decision rests on. When the stream moves before the append, the command is decided again.
    pub async fn read<A: Cached>(&mut self, id: impl Into<StreamId>) -> Result<Versioned<A>, Failure> {
        let stream = id.into();
        if let Some(staged) = self.staged.iter().find(|staged| staged.stream == stream) {
            return Ok(after(staged, self.now));
        }
        self.look_at(stream).await
    }

    /// The state that was seen before, or the one that the aggregate has now.
    async fn look_at<A: Cached>(&mut self, stream: StreamId) -> Result<Versioned<A>, Failure> {
        if let Some(Seen { state: Some(state), sequence }) = self.reads.get(&stream)
            && let Some(state) = A::unwrap(state)
        {
            return Ok(Versioned { state: Arc::clone(state), sequence: *sequence });
        }
        let found = self.ledger.state::<A>(&stream).await?;
        let state = Some(A::wrap(Arc::clone(&found.state)));
        self.reads.insert(stream, Seen { state, sequence: found.sequence });
        Ok(found)
    }

    /// The roles in force.
    pub async fn roles(&mut self) -> Result<Arc<Roles>, Failure> {
        let found = self.read::<RoleDefinitions>(StreamId::roles()).await?;
        found.state.in_force.clone().ok_or(Failure::Refused(Refusal::NotFound))
    }

    /// Makes the decision rest on the whole log, up to the position that this gives: any append after it makes the decision
    /// be taken again.
    pub async fn read_whole_log(&mut self) -> Result<muster_events::stream::Position, Failure> {
        if let Some(seen) = self.reads.get(&StreamId::whole_log()) {
            return Ok(muster_events::stream::Position(seen.sequence.0));
        }
        let head = self.ledger.store().confirm_head().await?;
        self.reads.insert(StreamId::whole_log(), Seen { state: None, sequence: Sequence(head.position.0) });
        Ok(head.position)
    }

    /// Which aggregate holds `claim`, by its id.
    pub async fn holder(&self, claim: &Claim) -> Result<Option<CompactString>, Failure> {
        self.ledger.holder(claim).await
    }

    /// The organization that `slug_or_id` names: one that is there, by its id or by the slug that it has now.
    pub async fn organization(
        &mut self,
        slug_or_id: &str,
    ) -> Result<(OrganizationId, Versioned<Organization>), Failure> {
        let (id, found) = self.organization_or_past(slug_or_id).await?;
        if found.state.exists() { Ok((id, found)) } else { Err(Failure::Refused(Refusal::NotFound)) }
    }

    /// The same, also of one that has ended, as long as its slug is held.
    pub async fn organization_or_past(
        &mut self,
        slug_or_id: &str,
    ) -> Result<(OrganizationId, Versioned<Organization>), Failure> {
        let id = self.ledger.organization_of(slug_or_id).await?;
        let found = self.read::<Organization>(id).await?;
        // A slug that it had before is held for it, and does not name it any more.
        let is_named = found.state.slug == slug_or_id || slug_or_id.parse() == Ok(id);
        if is_named && (found.state.exists() || found.state.deleted) {
            Ok((id, found))
        } else {
            Err(Failure::Refused(Refusal::NotFound))
        }
    }

    /// The team of an organization that `slug_or_id` names; one that is gone has its id left.
    pub async fn team(
        &mut self,
        organization: OrganizationId,
        slug_or_id: &str,
    ) -> Result<Option<(TeamId, Versioned<Team>)>, Failure> {
        let named = match slug_or_id.parse() {
            Ok(id) => Some(id),
            Err(_) => self.ledger.find_team(organization, slug_or_id).await?,
        };
        let Some(id) = named else { return Ok(None) };
        let found = self.read::<Team>(id).await?;
        Ok((found.state.organization == Some(organization)).then_some((id, found)))
    }

    /// The membership of `user` in `organization`.
    pub async fn membership(
        &mut self,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<Option<(MemberId, Arc<Member>)>, Failure> {
        let Some(id) = self.ledger.find_membership(organization, user).await? else { return Ok(None) };
        let found = self.read::<Member>(id).await?;
        let current = found.state.exists() && found.state.user == Some(user);
        Ok(current.then_some((id, found.state)))
    }

    /// Who asks, with everything that his permission rests on read again: token, account, membership.
    pub async fn requester(
        &mut self,
        caller: &Caller,
        organization: OrganizationId,
    ) -> Result<Requester, Failure> {
        let mut requester = self.asker(caller).await?;
        if let CallerKind::User(id) = caller.kind {
            requester.membership = self.membership(organization, id).await?;
        }
        Ok(requester)
    }

    /// Who asks something that is no matter of one organization: as [`Unit::requester`], without a membership.
    pub async fn asker(&mut self, caller: &Caller) -> Result<Requester, Failure> {
        let token = self.read::<ApiToken>(caller.token).await?.state;
        if token.revoked {
            return Err(Failure::Unauthenticated);
        }
        let mut requester = Requester {
            actor: caller.actor(),
            user: None,
            integration: None,
            membership: None,
            token_scopes: token.scopes.clone(),
        };
        match caller.kind {
            CallerKind::User(id) => {
                let user = self.read::<User>(id).await?.state;
                if !user.active {
                    return Err(Failure::Unauthenticated);
                }
                requester.user = Some((id, user));
            }
            CallerKind::Integration(own) => {
                if !self.read::<Organization>(own).await?.state.exists() {
                    return Err(Failure::Unauthenticated);
                }
                requester.integration = Some(own);
            }
        }
        Ok(requester)
    }

    /// Whether an organization has another owner than `member`.
    pub async fn has_other_owner(
        &self,
        organization: OrganizationId,
        member: MemberId,
    ) -> Result<bool, Failure> {
        let own = String::from(member);
        Ok(self.ledger.owners(organization).await?.iter().any(|owner| *owner != own))
    }

    /// Decides `commands`, in order, on the aggregate of `id`, and stages what happens.
    pub async fn decide<A: Cached>(
        &mut self,
        id: impl Into<StreamId>,
        organization: Option<OrganizationId>,
        commands: Vec<A::Command>,
    ) -> Result<(), Failure> {
        let stream = id.into();
        let place = self.staged.iter().position(|staged| staged.stream == stream);
        let current: Versioned<A> = match place {
            Some(place) => after(&self.staged[place], self.now),
            None => self.look_at(stream.clone()).await?,
        };
        let events = framework::handle(&stream.aggregate_id, &*current.state, commands, self.now).await?;
        match place {
            Some(place) => self.staged[place].events.extend(events),
            None if events.is_empty() => {}
            None => {
                self.reads.remove(&stream);
                let before = A::wrap(current.state);
                self.staged.push(Staged { stream, expected: current.sequence, organization, before, events });
            }
        }
        Ok(())
    }

    /// Counts one more attempt of `what` on this day, at most `at_most`, together with whatever is appended. The append
    /// decides; that it is looked up here too keeps whoever goes on all the same from costing anything but the look.
    pub async fn count_attempt(&mut self, what: &str, at_most: u32) -> Result<(), Failure> {
        let counter = Claim::attempts(what, self.now.day());
        let so_far = self.ledger.store().holder(&counter, self.now).await?;
        if so_far.is_some_and(|counter| counter.count >= at_most) {
            return Err(Failure::Refused(Refusal::TooManyAttempts));
        }
        self.attempts.push(ClaimChange::attempt(what, at_most));
        Ok(())
    }

    pub(super) fn into_parts(self) -> Parts {
        let reads =
            self.reads.into_iter().map(|(stream, Seen { sequence, .. })| StreamRead { stream, sequence });
        Parts { log: self.log, reads: reads.collect(), staged: self.staged, attempts: self.attempts }
    }
}

/// The state that the staged events lead to.
fn after<A: Cached>(staged: &Staged, at: Timestamp) -> Versioned<A> {
    let mut state = A::unwrap(&staged.before).map(|state| A::clone(state)).unwrap_or_default();
    for event in staged.events.iter().filter_map(|event| <A as Aggregate>::event_of(event)) {
        state.evolve(event, at);
    }
    let appended = u64::try_from(staged.events.len()).unwrap_or(u64::MAX);
    Versioned { state: Arc::new(state), sequence: Sequence(staged.expected.0 + appended) }
}

impl Caller {
    /// The actor that the events of this caller name.
    pub fn actor(&self) -> Actor {
        match self.kind {
            CallerKind::User(id) => Actor::user(id, Some(self.token)),
            CallerKind::Integration(organization) => Actor::integration(organization, self.token),
        }
    }
}

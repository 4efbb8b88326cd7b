//! The aggregates and claims that this process has looked at, kept up with the log.

use std::{num::NonZeroUsize, sync::Arc};

use compact_str::CompactString;
use muster_events::{
    aggregate::Aggregate,
    claims::{Claim, ClaimChange, ClaimKind, claims_of},
    definitions::RoleDefinitions,
    event::Event,
    letter::Letter,
    member::Member,
    organization::Organization,
    stream::{Sequence, StreamId},
    team::Team,
    time::Timestamp,
    token::ApiToken,
    user::User,
};

use super::{Failure, following::Following};
use crate::store::{Follower, Store, StoreError, StoredEvent};

/// How many aggregates are kept: some tens of megabytes.
const AGGREGATES: NonZeroUsize = NonZeroUsize::new(65_536).expect("it is not zero");

/// How many claims are kept.
const CLAIMS: NonZeroUsize = NonZeroUsize::new(65_536).expect("it is not zero");

/// How many owners of an organization are looked at: whether there is another one is all that is asked.
const OWNERS: usize = 2;

/// How many memberships of a user are counted.
const MEMBERSHIPS: usize = 1_000;

/// How many events of a stream are read at once.
const PAGE: usize = 512;

/// How often a load that a commit overtook is repeated before the stream is called too busy.
const LOADS: usize = 64;

/// Any aggregate's state.
#[derive(Debug, Clone)]
pub enum AnyState {
    /// A member.
    Member(Arc<Member>),
    /// An organization.
    Organization(Arc<Organization>),
    /// A team.
    Team(Arc<Team>),
    /// A person's account.
    User(Arc<User>),
    /// A bearer token.
    Token(Arc<ApiToken>),
    /// The roles of the deployment.
    Roles(Arc<RoleDefinitions>),
    /// A letter.
    Letter(Arc<Letter>),
}

/// An aggregate that can be cached.
pub trait Cached: Aggregate {
    /// As any state.
    fn wrap(state: Arc<Self>) -> AnyState;
    /// The state, when it is this kind of aggregate's.
    fn unwrap(state: &AnyState) -> Option<&Arc<Self>>;
}

macro_rules! cached {
    ($($variant:ident($aggregate:ty)),* $(,)?) => {
        $(
            impl Cached for $aggregate {
                fn wrap(state: Arc<Self>) -> AnyState {
                    AnyState::$variant(state)
                }
                fn unwrap(state: &AnyState) -> Option<&Arc<Self>> {
                    match state {
                        AnyState::$variant(state) => Some(state),
                        _ => None,
                    }
                }
            }
        )*

        impl AnyState {
            fn evolve(&mut self, event: &Event, at: Timestamp) {
                match self {
                    $(Self::$variant(state) => {
                        if let Some(event) = <$aggregate>::event_of(event) {
                            Arc::make_mut(state).evolve(event, at);
                        }
                    })*
                }
            }
        }
    };
}

cached! {
    Member(Member),
    Organization(Organization),
    Team(Team),
    User(User),
    Token(ApiToken),
    Roles(RoleDefinitions),
    Letter(Letter),
}

/// A state and the sequence of the last event that is in it.
#[derive(Debug)]
pub struct Versioned<A> {
    /// The state.
    pub state: Arc<A>,
    /// The sequence; zero for an aggregate without events.
    pub sequence: Sequence,
}

impl<A> Clone for Versioned<A> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), sequence: self.sequence }
    }
}

/// What this process knows of the log.
#[derive(Debug)]
pub(super) struct Cache {
    states: Following<StreamId, (AnyState, Sequence)>,
    holders: Following<Claim, Option<CompactString>>,
    /// The first owners of an organization, by its id.
    owners: Following<CompactString, Arc<[CompactString]>>,
    /// In how many organizations a user is, by his id.
    memberships: Following<CompactString, usize>,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self {
            states: Following::new(AGGREGATES),
            holders: Following::new(CLAIMS),
            owners: Following::new(CLAIMS),
            memberships: Following::new(CLAIMS),
        }
    }

    /// The state of `stream` now.
    pub(super) async fn state<A: Cached>(
        &self,
        store: &dyn Store,
        stream: &StreamId,
    ) -> Result<Versioned<A>, Failure> {
        let find = |(state, sequence): (AnyState, Sequence)| {
            A::unwrap(&state).map(|state| Versioned { state: Arc::clone(state), sequence })
        };
        if let Some(found) = self.states.get(stream).and_then(find) {
            return Ok(found);
        }
        for _ in 0..LOADS {
            let load = self.states.begin(stream.clone());
            let Versioned { state, sequence } = fold(store, stream).await?;
            if load.finish((A::wrap(Arc::clone(&state)), sequence)) {
                return Ok(Versioned { state, sequence });
            }
        }
        Err(Failure::Busy)
    }

    /// Who holds `claim` now.
    pub(super) async fn holder(
        &self,
        store: &dyn Store,
        claim: &Claim,
        now: Timestamp,
    ) -> Result<Option<CompactString>, Failure> {
        if let Some(holder) = self.holders.get(claim) {
            return Ok(holder);
        }
        for _ in 0..LOADS {
            let load = self.holders.begin(claim.clone());
            let held = store.holder(claim, now).await?;
            let holder = held.as_ref().map(|held| CompactString::from(&held.holder));
            // One that is only held for a time is free later without an event: not to be cached.
            if held.is_some_and(|held| held.held_until.is_some()) || load.finish(holder.clone()) {
                return Ok(holder);
            }
        }
        Err(Failure::Busy)
    }

    /// The members who are owners of an organization: all, when there are fewer than [`OWNERS`].
    pub(super) async fn owners(
        &self,
        store: &dyn Store,
        organization: &str,
    ) -> Result<Arc<[CompactString]>, Failure> {
        let scope = CompactString::from(organization);
        if let Some(owners) = self.owners.get(&scope) {
            return Ok(owners);
        }
        for _ in 0..LOADS {
            let load = self.owners.begin(scope.clone());
            let before =
                Claim { kind: ClaimKind::Owner, scope: scope.clone(), key: CompactString::default() };
            let held = store.claims(Some(&before), OWNERS).await?;
            let held = held.into_iter().map(|held| held.claim);
            let owners: Arc<[_]> = held
                .filter(|claim| claim.kind == ClaimKind::Owner && claim.scope == scope)
                .map(|claim| claim.key)
                .collect();
            if load.finish(Arc::clone(&owners)) {
                return Ok(owners);
            }
        }
        Err(Failure::Busy)
    }

    /// In how many organizations a user is.
    pub(super) async fn memberships(&self, store: &dyn Store, user: &str) -> Result<usize, Failure> {
        let key = CompactString::from(user);
        if let Some(count) = self.memberships.get(&key) {
            return Ok(count);
        }
        for _ in 0..LOADS {
            let load = self.memberships.begin(key.clone());
            let count = store.claims_with_key(ClaimKind::Membership, user, MEMBERSHIPS).await?.len();
            if load.finish(count) {
                return Ok(count);
            }
        }
        Err(Failure::Busy)
    }

    /// Forgets the state of `stream`, so that it is loaded anew.
    pub(super) fn forget(&self, stream: &StreamId) {
        self.states.forget(stream);
    }

    fn follow(&self, stored: &StoredEvent) {
        let Ok(event) = stored.event() else {
            // A newer program wrote it. What this one has cached of the stream is out of date.
            self.states.commit(&stored.stream, |_| None);
            return;
        };
        self.states.commit(&stored.stream, |(mut state, sequence)| {
            if stored.sequence <= sequence {
                return Some((state, sequence));
            }
            if stored.sequence != sequence.next() {
                return None;
            }
            state.evolve(&event, stored.recorded_at);
            Some((state, stored.sequence))
        });
        for change in claims_of(&stored.stream, stored.organization, &event) {
            match change {
                ClaimChange::Take { claim, .. }
                | ClaimChange::Release { claim, .. }
                | ClaimChange::Hold { claim, .. } => {
                    if claim.kind == ClaimKind::Membership {
                        self.memberships.commit(&claim.key, |_| None);
                    }
                    self.holders.commit(&claim, |_| None);
                }
                ClaimChange::Join { claim } | ClaimChange::Leave { claim } => {
                    self.owners.commit(&claim.scope, |_| None);
                }
                ClaimChange::Disband { scope, .. } => self.owners.commit(&scope, |_| None),
                ClaimChange::Count { .. } => {}
            }
        }
    }
}

impl Follower for Cache {
    fn committed(&self, events: &[StoredEvent]) {
        for event in events {
            self.follow(event);
        }
    }

    fn put_back(&self) {
        self.states.forget_all();
        self.holders.forget_all();
        self.owners.forget_all();
        self.memberships.forget_all();
    }
}

async fn fold<A: Cached>(store: &dyn Store, stream: &StreamId) -> Result<Versioned<A>, Failure> {
    let mut state = A::default();
    let mut sequence = Sequence::ZERO;
    loop {
        let page = store.read_stream(stream, sequence, PAGE).await?;
        for stored in &page {
            let event = stored.event().map_err(|error| {
                StoreError::Damaged(format!("event {} of {stream} cannot be read: {error}", stored.sequence))
            })?;
            let event = A::event_of(&event).ok_or_else(|| {
                StoreError::Damaged(format!(
                    "event {} of {stream} belongs to another aggregate",
                    stored.sequence
                ))
            })?;
            state.evolve(event, stored.recorded_at);
            sequence = stored.sequence;
        }
        if page.len() < PAGE {
            return Ok(Versioned { state: Arc::new(state), sequence });
        }
    }
}

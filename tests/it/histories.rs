//! Random histories of the real ledger: whatever is asked by whomever, what the log says is what everything else holds.

mod asked;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use asked::{Asked, Outcomes, SECRETS, ask};
use muster::{
    deployment::Deployment,
    ledger::{Cached, Ledger},
    store::{Store, StoredEvent},
};
use muster_events::{
    claims::{Claim, ClaimChange, ClaimKind, claims_of},
    definitions::{self, RoleDefinitions},
    event::Event,
    id::OrganizationId,
    member::{self, Member},
    organization::{self, Organization},
    stream::{Position, Sequence, StreamId},
    team::{self, Team},
    time::Timestamp,
    token::{self, ApiToken},
    user::{self, User},
};
use muster_projections::sink::memory::MemoryTables;
use proptest::{
    collection::vec,
    test_runner::{Config, TestRunner},
};

use crate::support::World;

/// More than any log or table of a test has.
const ALL: usize = 100_000;

/// A claim's holder, and until when it is held where it is only held for a time.
type Holds = BTreeMap<Claim, (String, Option<Timestamp>)>;

/// What has to have happened before it says something that all agree.
const EVERYTHING: [&str; 7] = [
    "MemberAdded",
    "OrgRoleChanged",
    "TeamAssigned",
    "TeamUnassigned",
    "TeamRoleChanged",
    "TeamRoleCleared",
    "MemberRemoved",
];
/// Ten histories, and ten more where chance has left something out. That five times nothing clears a role happens to nobody.
const ROUNDS: usize = 5;

/// Asks everything, so many at once, in histories that each end with every check.
fn live(at_once: usize) {
    // A failure prints its smallest input; nothing is written beside the sources.
    let config = Config { cases: 10, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let outcomes = Mutex::new(Outcomes::default());
    for _ in 0..ROUNDS {
        let lived = runner.run(&vec(asked::anything(), 30..=60), |history| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let seen = runtime.block_on(one_history(&history, at_once));
            outcomes.lock().unwrap().absorb(seen);
            Ok(())
        });
        lived.unwrap_or_else(|failure| panic!("{failure}"));
        if EVERYTHING.iter().all(|event_type| outcomes.lock().unwrap().types.contains(*event_type)) {
            break;
        }
    }
    let outcomes = outcomes.into_inner().unwrap();
    for event_type in EVERYTHING {
        assert!(outcomes.types.contains(event_type), "no {event_type} in any history: {outcomes:?}");
    }
    assert!(outcomes.refused > 0 && outcomes.done > 0, "{outcomes:?}");
}

#[test]
fn whatever_is_asked_one_after_the_other_everything_agrees_with_the_log() {
    live(1);
}

#[test]
fn whatever_is_asked_at_once_everything_agrees_with_the_log() {
    live(4);
}

async fn one_history(history: &[Asked], at_once: usize) -> Outcomes {
    let world = World::acme_builder().await;
    let deployment = world.deployment();
    let ledger = &deployment.ledger;
    let mut callers = BTreeMap::new();
    for secret in SECRETS {
        callers.insert(*secret, ledger.identify(secret).await.unwrap().unwrap());
    }
    let began = ledger.store().head().await.unwrap().position;
    let mut outcomes = Outcomes::default();
    for asked in history.chunks(at_once) {
        let all = asked.iter().map(|asked| ask(ledger, &callers, asked));
        futures_util::future::join_all(all).await.into_iter().for_each(|done| outcomes.count(done));
    }
    let log = ledger.store().read_all(Position::ZERO, ALL).await.unwrap();
    let later = log.iter().filter(|event| event.position > began);
    outcomes.types = later.map(|event| event.event_type.clone()).collect();

    assert_positions_have_no_holes(&log, ledger.store().head().await.unwrap().position);
    assert_states_are_the_folds(ledger, &log).await;
    assert_claims_are_those_of_the_log(&**ledger.store(), &log).await;
    assert_owners_are_the_members_who_are_owners(ledger, &log).await;
    assert_views_are_the_folds(deployment, &log).await;
    outcomes
}

/// Read from what is stored, also where this process knows the event still.
fn event(stored: &StoredEvent) -> Event {
    let kind = &stored.stream.aggregate_type;
    Event::decode(kind, &stored.event_type, stored.schema_version, &stored.payload).unwrap()
}

fn assert_positions_have_no_holes(log: &[StoredEvent], head: Position) {
    let positions: Vec<u64> = log.iter().map(|event| event.position.0).collect();
    let expected: Vec<u64> = (1..=head.0).collect();
    assert_eq!(positions, expected);
}

async fn assert_states_are_the_folds(ledger: &Ledger, log: &[StoredEvent]) {
    let mut streams: BTreeMap<&StreamId, Vec<&StoredEvent>> = BTreeMap::new();
    for event in log {
        streams.entry(&event.stream).or_default().push(event);
    }
    for (stream, events) in streams {
        match stream.aggregate_type.as_str() {
            member::TYPE => assert_state_is_the_fold::<Member>(ledger, stream, &events).await,
            organization::TYPE => assert_state_is_the_fold::<Organization>(ledger, stream, &events).await,
            team::TYPE => assert_state_is_the_fold::<Team>(ledger, stream, &events).await,
            user::TYPE => assert_state_is_the_fold::<User>(ledger, stream, &events).await,
            token::TYPE => assert_state_is_the_fold::<ApiToken>(ledger, stream, &events).await,
            definitions::TYPE => assert_state_is_the_fold::<RoleDefinitions>(ledger, stream, &events).await,
            other => panic!("nobody appends to streams of {other}"),
        }
    }
}

async fn assert_state_is_the_fold<A: Cached>(ledger: &Ledger, stream: &StreamId, events: &[&StoredEvent]) {
    let (mut folded, mut sequence) = (A::default(), Sequence::ZERO);
    for stored in events {
        assert_eq!(stored.sequence, sequence.next(), "{stream}");
        folded.evolve(A::event_of(&event(stored)).unwrap(), stored.recorded_at);
        sequence = stored.sequence;
    }
    let found = ledger.state::<A>(stream).await.unwrap();
    assert_eq!((&*found.state, found.sequence), (&folded, sequence), "{stream}");
}

/// Does what an append does; counters are left out.
fn change(holds: &mut Holds, change: ClaimChange, at: Timestamp) {
    match change {
        ClaimChange::Take { claim, holder } => {
            holds.insert(claim, (holder.into(), None));
        }
        ClaimChange::Hold { claim, holder, days } => {
            holds.insert(claim, (holder.into(), Some(at.plus_days(days))));
        }
        ClaimChange::Release { claim, holder } => {
            if holds.get(&claim).is_some_and(|(held_by, _)| *held_by == *holder) {
                holds.remove(&claim);
            }
        }
        ClaimChange::Join { claim } => {
            let holder = claim.key.to_string();
            holds.entry(claim).or_insert((holder, None));
        }
        ClaimChange::Leave { claim } => {
            holds.remove(&claim);
        }
        ClaimChange::Disband { kind, scope } => {
            holds.retain(|claim, _| claim.kind != kind || claim.scope != scope);
        }
        ClaimChange::Count { .. } => {}
    }
}

/// The organizations that have an owner.
fn owned(holds: &Holds) -> BTreeSet<&str> {
    let owners = holds.keys().filter(|claim| claim.kind == ClaimKind::Owner);
    owners.map(|claim| claim.scope.as_str()).collect()
}

/// And no organization is without an owner at any time.
async fn assert_claims_are_those_of_the_log(store: &dyn Store, log: &[StoredEvent]) {
    let mut holds = Holds::new();
    for stored in log {
        let before = holds.clone();
        for claim in claims_of(&stored.stream, stored.organization, &event(stored)) {
            change(&mut holds, claim, stored.recorded_at);
        }
        assert!(owned(&holds).is_superset(&owned(&before)), "nobody is left as an owner after {stored:?}");
    }
    let held = store.claims(None, ALL).await.unwrap();
    let held = held.into_iter().filter(|held| held.claim.kind != ClaimKind::Counter);
    let held: Holds = held.map(|held| (held.claim, (held.holder, held.held_until))).collect();
    assert_eq!(held, holds);
}

/// Whoever is claimed and has the role of an owner is in the group of the owners, and nobody else.
async fn assert_owners_are_the_members_who_are_owners(ledger: &Ledger, log: &[StoredEvent]) {
    let mut expected: BTreeMap<OrganizationId, BTreeSet<String>> = BTreeMap::new();
    let members: BTreeSet<_> = log
        .iter()
        .map(|event| &event.stream)
        .filter(|stream| stream.aggregate_type == member::TYPE)
        .collect();
    for stream in members {
        let member = ledger.state::<Member>(stream).await.unwrap().state;
        let is_owner = member.org_role.as_ref().is_some_and(|role| role.as_str() == "owner");
        if member.exists() && !member.is_pending() && is_owner {
            let organization = member.organization.unwrap();
            expected.entry(organization).or_default().insert(stream.aggregate_id.to_string());
        }
    }
    assert_eq!(expected.len(), 2, "each of the organizations has an owner: {expected:?}");
    for (organization, expected) in expected {
        let held = ledger.store().claims(None, ALL).await.unwrap().into_iter().map(|held| held.claim);
        let scope = organization.to_string();
        let owners = held.filter(|claim| claim.kind == ClaimKind::Owner && claim.scope == scope);
        let owners: BTreeSet<_> = owners.map(|claim| claim.key.to_string()).collect();
        assert_eq!(owners, expected, "{organization}");
    }
}

async fn assert_views_are_the_folds(deployment: &Deployment, log: &[StoredEvent]) {
    let reached = deployment.runner().run_to_head().await.unwrap();
    assert_eq!(Some(reached), log.last().map(|event| event.position));
    assert_eq!(deployment.views.parked().await.unwrap(), []);
    for projection in muster_projections::all() {
        let mut tables = MemoryTables::default();
        for stored in log.iter().filter(|event| projection.takes(&event.stream)) {
            tables.apply(projection.changes(&stored.into()).unwrap()).unwrap();
        }
        for table in projection.tables {
            assert_eq!(deployment.views.rows(table).await.unwrap(), tables.rows(table), "{}", table.name);
        }
    }
}

//! Random histories: whatever is asked in whatever order, the log can be folded, and folds to what decided.

mod claims_table;
mod commands;
mod organization_life;
mod sealing;

use proptest::prelude::*;

use self::sealing::sealed;
use crate::{
    aggregate::{Aggregate, fold},
    definitions::RoleDefinitions,
    event::Event,
    fixtures::current_events,
    member::Member,
    organization::Organization,
    specification::earlier,
    team::Team,
    time::Timestamp,
    token::ApiToken,
    user::User,
};

/// A failure prints its smallest input, which then becomes a test with a name; nothing is written beside the sources.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// What commands asked one after the other make of an aggregate: its state, and its history.
struct Lived<A: Aggregate> {
    state: A,
    events: Vec<A::Event>,
}

fn time(step: usize) -> Timestamp {
    earlier().plus_days(i64::try_from(step).unwrap_or_default())
}

fn timed<E>(events: Vec<E>) -> impl Iterator<Item = (E, Timestamp)> {
    events.into_iter().enumerate().map(|(step, event)| (event, time(step)))
}

/// Asks the commands one after the other; a refusal changes nothing.
fn live<A: Aggregate>(commands: Vec<A::Command>) -> Lived<A> {
    let mut lived = Lived { state: A::default(), events: vec![] };
    for command in commands {
        for event in lived.state.decide(command).unwrap_or_default() {
            lived.state.evolve(&event, time(lived.events.len()));
            lived.events.push(event);
        }
    }
    lived
}

/// As the log gives the event back: sealed, written down, read.
fn stored<A: Aggregate>(event: A::Event) -> A::Event {
    let event = sealed(event.into());
    let payload = event.encode().expect("a sealed event can be written down");
    let read = Event::decode(A::TYPE, event.event_type(), event.schema_version(), &payload);
    let read = read.expect("what was written down can be read");
    assert_eq!(read, event);
    A::event_of(&read).expect("it is still this aggregate's").clone()
}

/// What every history must keep.
fn check_history<A: Aggregate>(commands: Vec<A::Command>) {
    let lived = live::<A>(commands);
    assert_eq!(
        fold::<A>(timed(lived.events.clone())),
        lived.state,
        "the events fold to the state that decided"
    );

    let in_log =
        |event: &A::Event| A::event_of(&sealed(event.clone().into())).cloned().expect("still its own");
    let as_sealed = fold::<A>(timed(lived.events.iter().map(in_log).collect()));
    let as_stored = fold::<A>(timed(lived.events.into_iter().map(stored::<A>).collect()));
    assert_eq!(as_stored, as_sealed, "what the log gives back folds to the same");

    let text = serde_json::to_string(&as_stored).expect("a state that was loaded can be written down");
    let again: A = serde_json::from_str(&text).expect("and read again");
    assert_eq!(again, as_stored);
}

/// Folds the events in this order, which need not make sense, and asks the commands of what results.
fn check_total<A: Aggregate>(events: Vec<A::Event>, commands: Vec<A::Command>) {
    let mut state = fold::<A>(timed(events));
    for command in commands {
        for event in state.decide(command).unwrap_or_default() {
            state.evolve(&event, earlier());
        }
    }
}

/// Events of `A` in an order that no log would have: from several histories and from the fixtures, shuffled.
fn impossible<A: Aggregate>(
    commands: impl Strategy<Value = Vec<A::Command>> + Clone,
) -> impl Strategy<Value = Vec<A::Event>>
where
    A::Command: Clone,
    A::Event: std::fmt::Debug,
{
    let of_fixtures: Vec<A::Event> =
        current_events().iter().filter_map(|event| A::event_of(event).cloned()).collect();
    prop::collection::vec(commands, 1..4).prop_flat_map(move |histories| {
        let events = histories.into_iter().flat_map(|commands| live::<A>(commands).events);
        let pool: Vec<A::Event> = events.chain(of_fixtures.clone()).collect();
        let most = pool.len();
        (Just(pool).prop_shuffle(), 0..=most).prop_map(|(mut events, length)| {
            events.truncate(length);
            events
        })
    })
}

macro_rules! histories {
    ($($name:ident: $aggregate:ty, $commands:path;)*) => {$(
        mod $name {
            use super::*;

            proptest! {
                #![proptest_config(config())]

                #[test]
                fn a_history_folds_to_the_state_that_decided_it(commands in $commands()) {
                    check_history::<$aggregate>(commands);
                }

                #[test]
                fn no_order_of_events_is_too_absurd_to_fold(
                    events in impossible::<$aggregate>($commands()),
                    commands in $commands(),
                ) {
                    check_total::<$aggregate>(events, commands);
                }
            }
        }
    )*};
}

histories! {
    of_a_member: Member, commands::of_a_member;
    of_an_organization: Organization, commands::of_an_organization;
    of_a_team: Team, commands::of_a_team;
    of_a_user: User, commands::of_a_user;
    of_a_token: ApiToken, commands::of_a_token;
    of_the_roles: RoleDefinitions, commands::of_the_roles;
}

//! What people ask the log.

use std::sync::Arc;

use muster::store::{Append, LogQuery, NewEvent, Order, Store, StoredEvent, StreamWrite};
use muster_events::{
    event::Event,
    id::{OrganizationId, UserId},
    organization::OrganizationEvent,
    recorded::{Actor, ActorKind},
    stream::{Position, Sequence},
};

use super::lab::{Lab, ManualClock, done, everything, new_event, positions, stream, time};

#[expect(clippy::unnecessary_wraps, reason = "events and queries name an organization or none")]
fn organization(number: u64) -> Option<OrganizationId> {
    Some(OrganizationId::new(number).unwrap())
}

fn person(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

fn actor(number: u64) -> Actor {
    let kind = if number.is_multiple_of(3) { ActorKind::User } else { ActorKind::Integration };
    if number % 10 == 4 {
        let whose = Some(Box::new(Actor::user(person(1 + number % 3), None)));
        return Actor { id: Some("2".into()), on_behalf_of: whose, ..Actor::only(ActorKind::Policy) };
    }
    Actor { id: (!number.is_multiple_of(5)).then(|| (number % 2).to_string().into()), ..Actor::only(kind) }
}

/// Sixty events of three organizations and of none, by several actors, one each minute.
async fn filled(lab: &dyn Lab) -> Arc<dyn Store> {
    let clock = Arc::new(ManualClock::at("2026-11-24T10:00:00Z"));
    let store = lab.open(clock.clone()).await;
    let mut sequences = [0; 4];
    for number in 0..60_u64 {
        clock.set(&format!("2026-11-24T10:{number:02}:00Z"));
        let place = number % 4;
        let sequence = &mut sequences[usize::try_from(place).unwrap()];
        let event = match number % 7 {
            0 => OrganizationEvent::TwoFactorRequirementLifted {},
            _ => OrganizationEvent::TwoFactorRequired {},
        };
        let new = NewEvent {
            organization: (place > 0).then(|| OrganizationId::new(place).unwrap()),
            event: Arc::new(Event::Organization(event)),
            actor: Arc::new(actor(number)),
            metadata: serde_json::json!({ "actor": actor(number) }).to_string().into(),
            ..new_event()
        };
        let writes = vec![StreamWrite {
            stream: stream(&place.to_string()),
            expected: Sequence(*sequence),
            events: vec![new],
        }];
        done(&*store, Append { writes, ..Append::default() }).await;
        *sequence += 1;
    }
    store
}

/// The answer of somebody who reads everything.
fn scan(log: &[StoredEvent], query: &LogQuery) -> Vec<Position> {
    let matches = |event: &&StoredEvent| {
        let actor = event.recorded().unwrap().metadata.actor;
        let beyond = |after| match query.order {
            Order::Ascending => event.position > after,
            Order::Descending => event.position < after,
        };
        query.organization.is_none_or(|organization| event.organization == Some(organization))
            && query.stream.as_ref().is_none_or(|stream| event.stream == *stream)
            && (query.streams.is_empty() || query.streams.contains(&event.stream))
            && query.person.is_none_or(|person| actor.person() == Some(person))
            && (query.types.is_empty() || query.types.contains(&event.event_type))
            && query.actor_kind.is_none_or(|kind| actor.kind == kind)
            && query.actor_id.as_deref().is_none_or(|id| actor.id.as_deref() == Some(id))
            && query.from.is_none_or(|from| event.recorded_at >= from)
            && query.to.is_none_or(|to| event.recorded_at <= to)
            && query.up_to.is_none_or(|up_to| event.position <= up_to)
            && query.after.is_none_or(beyond)
    };
    let mut found: Vec<_> = log.iter().filter(matches).map(|event| event.position).collect();
    if query.order == Order::Descending {
        found.reverse();
    }
    found.truncate(query.limit);
    found
}

fn queries(log: &[StoredEvent]) -> Vec<LogQuery> {
    let at = |index: usize| log[index].position;
    let any = LogQuery { limit: usize::MAX, ..LogQuery::default() };
    let filters = [
        any.clone(),
        LogQuery { limit: 0, ..any.clone() },
        LogQuery { limit: 5, ..any.clone() },
        LogQuery { organization: organization(2), ..any.clone() },
        LogQuery { organization: organization(9), ..any.clone() },
        LogQuery { stream: Some(stream("3")), ..any.clone() },
        LogQuery { stream: Some(stream("3")), organization: organization(2), ..any.clone() },
        LogQuery { types: vec!["TwoFactorRequirementLifted".into()], ..any.clone() },
        LogQuery {
            types: vec!["TwoFactorRequired".into(), "Other' OR 1=1 --".into()],
            limit: 9,
            ..any.clone()
        },
        LogQuery { actor_kind: Some(ActorKind::User), organization: organization(1), ..any.clone() },
        LogQuery { actor_id: Some("1".into()), limit: 10, ..any.clone() },
        LogQuery { actor_id: Some("0".into()), stream: Some(stream("0")), ..any.clone() },
        LogQuery { streams: vec![stream("3"), stream("1"), stream("9")], limit: 12, ..any.clone() },
        LogQuery { person: Some(person(1)), organization: organization(2), ..any.clone() },
        LogQuery { person: Some(person(2)), ..any.clone() },
    ];
    let (early, late) = (time("2026-11-24T10:15:00Z"), time("2026-11-24T10:40:30Z"));
    let ranges = |query: LogQuery| {
        [
            query.clone(),
            LogQuery { from: Some(early), ..query.clone() },
            LogQuery { to: Some(late), ..query.clone() },
            LogQuery { from: Some(early), to: Some(late), ..query.clone() },
            LogQuery { from: Some(late), to: Some(early), ..query.clone() },
            LogQuery { from: Some(time("2027-01-01T00:00:00Z")), ..query.clone() },
            LogQuery { to: Some(time("2020-01-01T00:00:00Z")), ..query.clone() },
            LogQuery { after: Some(at(20)), up_to: Some(at(50)), ..query.clone() },
            LogQuery { after: Some(Position::ZERO), up_to: Some(Position::ZERO), ..query.clone() },
            LogQuery { after: Some(Position(u64::MAX)), up_to: Some(Position(u64::MAX)), ..query },
        ]
    };
    let both = |query: LogQuery| [LogQuery { order: Order::Descending, ..query.clone() }, query];
    filters.into_iter().flat_map(ranges).flat_map(both).collect()
}

pub(super) async fn a_query_finds_what_a_scan_finds(lab: &dyn Lab) {
    let store = filled(lab).await;
    let log = everything(&*store).await;
    let queries = queries(&log);
    assert_eq!(queries.len(), 300);
    for query in queries {
        let found = store.query(query.clone()).await.unwrap();
        assert_eq!(positions(&found), scan(&log, &query), "{query:?}");
    }
}

pub(super) async fn pages_of_a_query_join_without_gap_or_repetition(lab: &dyn Lab) {
    let store = filled(lab).await;
    let log = everything(&*store).await;
    for order in [Order::Ascending, Order::Descending] {
        for of_stream in [None, Some(stream("1"))] {
            let query = LogQuery { order, stream: of_stream, limit: 4, ..LogQuery::default() };
            let mut joined: Vec<Position> = Vec::new();
            loop {
                let page = LogQuery { after: joined.last().copied(), ..query.clone() };
                let page = store.query(page).await.unwrap();
                if page.is_empty() {
                    break;
                }
                joined.extend(positions(&page));
            }
            assert_eq!(joined, scan(&log, &LogQuery { limit: usize::MAX, ..query }));
        }
    }
}

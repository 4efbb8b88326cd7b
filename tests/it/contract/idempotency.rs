//! Idempotency keys: a retry never happens twice.

use std::sync::Arc;

use muster::store::{Append, AppendError, Appended, KeyedOutcome};
use muster_events::{
    claims::{Claim, ClaimChange},
    stream::Position,
};

use super::lab::{Lab, ManualClock, all_at_once, claiming, done, everything, keyed, one, outcome_of};

fn used(outcome: Result<Appended, AppendError>) -> KeyedOutcome {
    match outcome {
        Err(AppendError::KeyUsed(before)) => *before,
        other => panic!("the key was not used but {other:?}"),
    }
}

pub(super) async fn a_used_key_tells_how_it_ended(lab: &dyn Lab) {
    let store = lab.store().await;
    assert_eq!(store.outcome("user:1", "key").await.unwrap(), None);
    let first = KeyedOutcome {
        request: "PUT".into(),
        status: 201,
        result: "{\"id\":\"7\"}".into(),
        ..outcome_of("user:1", "key")
    };
    let appended = done(&*store, Append { key: Some(first.clone()), ..one("a", 0) }).await;
    let expected = KeyedOutcome { position: appended.position, ..first };
    assert_eq!(used(store.append(keyed(one("b", 0), "user:1", "key")).await), expected);
    assert_eq!(store.outcome("user:1", "key").await.unwrap(), Some(expected));
    assert_eq!(everything(&*store).await.len(), 1);
}

pub(super) async fn a_key_is_kept_without_events_at_the_head(lab: &dyn Lab) {
    let store = lab.store().await;
    let head = done(&*store, one("a", 0)).await.position;
    let appended = done(&*store, keyed(Append::default(), "user:1", "key")).await;
    assert_eq!((appended.position, appended.events.len()), (head, 0));
    done(&*store, one("a", 1)).await;
    assert_eq!(used(store.append(keyed(Append::default(), "user:1", "key")).await).position, head);
}

pub(super) async fn a_key_belongs_to_one_actor(lab: &dyn Lab) {
    let store = lab.store().await;
    done(&*store, keyed(one("a", 0), "user:1", "key")).await;
    done(&*store, keyed(one("a", 1), "user:2", "key")).await;
    assert_eq!(store.outcome("user:3", "key").await.unwrap(), None);
    used(store.append(keyed(one("a", 2), "user:2", "key")).await);
}

/// The retry of a command that succeeded expects what its first attempt has changed.
pub(super) async fn a_used_key_is_found_before_a_conflict_or_a_claim(lab: &dyn Lab) {
    let store = lab.store().await;
    let take =
        |holder: &str| ClaimChange::Take { claim: Claim::organization_slug("acme"), holder: holder.into() };
    let command = |holder| Append { claims: vec![take(holder)], ..keyed(one("a", 0), "user:1", "key") };
    done(&*store, command("1")).await;
    used(store.append(command("1")).await);
    used(store.append(keyed(claiming([take("2")]), "user:1", "key")).await);
    used(store.append(keyed(one("a", 0), "user:1", "key")).await);
}

pub(super) async fn a_key_of_an_append_that_failed_is_not_used(lab: &dyn Lab) {
    let store = lab.store().await;
    done(
        &*store,
        claiming([ClaimChange::Take { claim: Claim::organization_slug("acme"), holder: "1".into() }]),
    )
    .await;
    store.append(keyed(one("a", 5), "user:1", "key")).await.unwrap_err();
    let take = ClaimChange::Take { claim: Claim::organization_slug("acme"), holder: "2".into() };
    store.append(keyed(claiming([take]), "user:1", "key")).await.unwrap_err();
    assert_eq!(store.outcome("user:1", "key").await.unwrap(), None);
    done(&*store, keyed(one("a", 0), "user:1", "key")).await;
}

pub(super) async fn of_many_appends_with_one_key_exactly_one_happens(lab: &dyn Lab) {
    let (store, other) = (lab.store().await, lab.store().await);
    let appends = (0..32).map(|number| keyed(one(&format!("s{number}"), 0), "user:1", "key"));
    let outcomes = all_at_once(&[&store, &other], appends).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let log = everything(&*store).await;
    assert_eq!(log.len(), 1);
    for lost in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(used(lost).position, log[0].position);
    }
}

pub(super) async fn a_key_is_forgotten_after_seven_days(lab: &dyn Lab) {
    let clock = Arc::new(ManualClock::at("2026-11-01T10:00:00Z"));
    let store = lab.open(clock.clone()).await;
    done(&*store, keyed(one("a", 0), "user:1", "key")).await;
    clock.set("2026-11-08T10:00:00Z");
    assert!(store.outcome("user:1", "key").await.unwrap().is_some());
    used(store.append(keyed(one("a", 1), "user:1", "key")).await);
    clock.set("2026-11-08T10:00:00.000001Z");
    assert_eq!(store.outcome("user:1", "key").await.unwrap(), None);
    let again = done(&*store, keyed(one("a", 1), "user:1", "key")).await;
    assert!(again.position > Position::ZERO);
    assert_eq!(used(store.append(keyed(one("a", 2), "user:1", "key")).await).position, again.position);
}

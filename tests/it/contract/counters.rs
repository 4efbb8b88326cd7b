//! Counters: at most so many a day.

use std::sync::Arc;

use muster::store::{AppendError, Appended};
use muster_events::claims::{BrokenBecause, Claim, ClaimChange};

use super::lab::{Lab, ManualClock, all_at_once, claiming, done, time};

fn count(name: &str, at_most: u32) -> ClaimChange {
    ClaimChange::Count { scope: "1".into(), name: name.into(), at_most }
}

fn assert_exhausted(outcome: Result<Appended, AppendError>, claim: &Claim) {
    match outcome {
        Err(AppendError::Claimed(broken)) => {
            assert_eq!((&broken.claim, broken.why), (claim, BrokenBecause::Exhausted));
        }
        other => panic!("not exhausted but {other:?}"),
    }
}

pub(super) async fn a_counter_stops_at_its_maximum(lab: &dyn Lab) {
    let store = lab.store().await;
    let today = time("2026-11-24T10:00:00Z");
    let counter = Claim::counter("1", "invitations", today.day());
    assert_exhausted(store.append(claiming([count("invitations", 0)])).await, &counter);
    let outcomes = all_at_once(&[&store], (0..20).map(|_| claiming([count("invitations", 5)]))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 5);
    assert_exhausted(store.append(claiming([count("invitations", 5)])).await, &counter);
    // The maximum is the append's, not the counter's.
    done(&*store, claiming([count("invitations", 6), count("others", 1)])).await;
    let held = store.holder(&counter, today).await.unwrap().unwrap();
    assert_eq!(
        (held.count, held.holder.as_str(), held.held_until),
        (6, "", Some(time("2026-11-25T00:00:00Z")))
    );
}

pub(super) async fn a_counter_starts_again_on_the_next_utc_day(lab: &dyn Lab) {
    let clock = Arc::new(ManualClock::at("2026-11-24T23:59:59.999999Z"));
    let store = lab.open(clock.clone()).await;
    done(&*store, claiming([count("invitations", 1)])).await;
    store.append(claiming([count("invitations", 1)])).await.unwrap_err();
    clock.set("2026-11-25T00:00:00Z");
    let yesterday = Claim::counter("1", "invitations", time("2026-11-24T00:00:00Z").day());
    assert_eq!(store.holder(&yesterday, time("2026-11-25T00:00:00Z")).await.unwrap(), None);
    done(&*store, claiming([count("invitations", 1)])).await;
    store.append(claiming([count("invitations", 1)])).await.unwrap_err();
}

pub(super) async fn what_is_refused_is_not_counted(lab: &dyn Lab) {
    let store = lab.store().await;
    let slug =
        |holder: &str| ClaimChange::Take { claim: Claim::organization_slug("acme"), holder: holder.into() };
    done(&*store, claiming([slug("1")])).await;
    for _ in 0..3 {
        store.append(claiming([count("invitations", 1), slug("2")])).await.unwrap_err();
    }
    done(&*store, claiming([count("invitations", 1)])).await;
}

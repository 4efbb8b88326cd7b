//! Claims that one holds at a time.

use std::sync::Arc;

use muster::store::{Append, AppendError, Appended, HeldClaim, Store};
use muster_events::{
    claims::{BrokenBecause, Claim, ClaimChange, ClaimKind},
    id::OrganizationId,
};

use super::lab::{Lab, ManualClock, all_at_once, claiming, done, everything, keyed, one, time};

fn slug(slug: &str) -> Claim {
    Claim::organization_slug(slug)
}

fn take(claim: &Claim, holder: &str) -> ClaimChange {
    ClaimChange::Take { claim: claim.clone(), holder: holder.into() }
}

fn release(claim: &Claim, holder: &str) -> ClaimChange {
    ClaimChange::Release { claim: claim.clone(), holder: holder.into() }
}

fn hold(claim: &Claim, holder: &str, days: i64) -> ClaimChange {
    ClaimChange::Hold { claim: claim.clone(), holder: holder.into(), days }
}

fn assert_held_by(outcome: Result<Appended, AppendError>, claim: &Claim, holder: &str) {
    match outcome {
        Err(AppendError::Claimed(broken)) => {
            assert_eq!((&broken.claim, broken.why), (claim, BrokenBecause::HeldBy(holder.into())));
        }
        other => panic!("not claimed but {other:?}"),
    }
}

async fn holder(store: &dyn Store, claim: &Claim) -> Option<String> {
    let held = store.holder(claim, time("2026-11-24T10:00:00Z")).await.unwrap();
    held.inspect(|held| assert_eq!(&held.claim, claim)).map(|held| held.holder)
}

pub(super) async fn a_claim_is_taken_once(lab: &dyn Lab) {
    let store = lab.store().await;
    let acme = slug("acme");
    assert_eq!(holder(&*store, &acme).await, None);
    done(&*store, claiming([take(&acme, "1")])).await;
    done(&*store, claiming([take(&acme, "1")])).await;
    assert_held_by(store.append(claiming([take(&acme, "2")])).await, &acme, "1");
    assert_held_by(store.append(claiming([hold(&acme, "2", 30)])).await, &acme, "1");
    assert_eq!(holder(&*store, &acme).await.as_deref(), Some("1"));
    // The same key of another kind, or in another scope, is another claim.
    let organization = OrganizationId::new(1).unwrap();
    done(&*store, claiming([take(&Claim::team_slug(organization, "acme"), "3"), take(&slug("acme2"), "2")]))
        .await;
}

pub(super) async fn of_many_who_take_a_claim_exactly_one_gets_it(lab: &dyn Lab) {
    let (store, other) = (lab.store().await, lab.store().await);
    for round in 0..10 {
        let claim = slug(&format!("slug-{round}"));
        let takers = (0..16).map(|holder| claiming([take(&claim, &holder.to_string())]));
        let outcomes = all_at_once(&[&store, &other], takers).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        let winner = outcomes.iter().position(Result::is_ok).unwrap().to_string();
        assert_eq!(holder(&*other, &claim).await, Some(winner));
    }
}

pub(super) async fn only_its_holder_gives_a_claim_back(lab: &dyn Lab) {
    let store = lab.store().await;
    let acme = slug("acme");
    done(&*store, claiming([release(&acme, "1")])).await;
    done(&*store, claiming([take(&acme, "1")])).await;
    done(&*store, claiming([release(&acme, "2")])).await;
    assert_eq!(holder(&*store, &acme).await.as_deref(), Some("1"));
    done(&*store, claiming([release(&acme, "1")])).await;
    assert_eq!(holder(&*store, &acme).await, None);
    done(&*store, claiming([take(&acme, "2")])).await;
}

pub(super) async fn a_claim_moves_within_one_append(lab: &dyn Lab) {
    let store = lab.store().await;
    let acme = slug("acme");
    done(&*store, claiming([take(&acme, "1")])).await;
    done(&*store, claiming([release(&acme, "1"), take(&acme, "2")])).await;
    assert_eq!(holder(&*store, &acme).await.as_deref(), Some("2"));
    assert_held_by(store.append(claiming([take(&acme, "1"), release(&acme, "2")])).await, &acme, "2");
}

pub(super) async fn a_held_claim_is_free_when_its_time_is_over(lab: &dyn Lab) {
    let clock = Arc::new(ManualClock::at("2026-10-01T12:00:00Z"));
    let store = lab.open(clock.clone()).await;
    let old = slug("old");
    done(&*store, claiming([take(&old, "1")])).await;
    done(&*store, Append { claims: vec![hold(&old, "1", 30)], ..one("a", 0) }).await;
    clock.set("2026-10-31T11:59:59.999999Z");
    assert_held_by(store.append(claiming([take(&old, "2")])).await, &old, "1");
    let end = time("2026-10-31T12:00:00Z");
    let held = store.holder(&old, time("2026-10-31T11:59:59.999999Z")).await.unwrap().unwrap();
    assert_eq!(held, HeldClaim { claim: old.clone(), holder: "1".into(), held_until: Some(end), count: 1 });
    assert_eq!(store.holder(&old, end).await.unwrap(), None);
    assert_eq!(store.claims(None, 10).await.unwrap(), [held]);
    clock.set("2026-10-31T12:00:00Z");
    done(&*store, claiming([take(&old, "2")])).await;
    assert_held_by(store.append(claiming([take(&old, "1")])).await, &old, "2");
}

pub(super) async fn a_held_claim_can_be_taken_back_for_good(lab: &dyn Lab) {
    let clock = Arc::new(ManualClock::at("2026-10-01T12:00:00Z"));
    let store = lab.open(clock.clone()).await;
    let old = slug("old");
    done(&*store, claiming([hold(&old, "1", 30)])).await;
    done(&*store, claiming([take(&old, "1")])).await;
    clock.set("2026-12-01T12:00:00Z");
    assert_held_by(store.append(claiming([take(&old, "2")])).await, &old, "1");
    let held = store.holder(&old, time("2026-12-01T12:00:00Z")).await.unwrap().unwrap();
    assert_eq!(held.held_until, None);
}

pub(super) async fn a_broken_claim_leaves_nothing_of_its_append(lab: &dyn Lab) {
    let store = lab.store().await;
    let (mine, free, given) = (slug("mine"), slug("free"), slug("given"));
    done(&*store, claiming([take(&mine, "1"), take(&given, "2")])).await;
    let broken =
        claiming([take(&free, "2"), release(&given, "2"), take(&mine, "2"), take(&slug("after"), "2")]);
    let broken = Append { writes: one("a", 0).writes, ..keyed(broken, "user:2", "key") };
    assert_held_by(store.append(broken).await, &mine, "1");
    assert_eq!(holder(&*store, &free).await, None);
    assert_eq!(holder(&*store, &given).await.as_deref(), Some("2"));
    assert_eq!(store.outcome("user:2", "key").await.unwrap(), None);
    assert!(everything(&*store).await.is_empty());
    done(&*store, Append { claims: vec![take(&free, "3")], ..one("a", 0) }).await;
}

pub(super) async fn one_that_breaks_a_claim_fails_alone(lab: &dyn Lab) {
    let store = lab.store().await;
    let taken = slug("taken");
    done(&*store, claiming([take(&taken, "0")])).await;
    let appends = (0..60).map(|number| {
        let id = format!("s{number}");
        let claims = match number % 3 {
            0 => vec![take(&slug(&id), &id)],
            1 => vec![take(&slug(&id), &id), take(&taken, &id)],
            _ => vec![],
        };
        Append { claims, ..one(&id, 0) }
    });
    let outcomes = all_at_once(&[&store], appends).await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        let claim = slug(&format!("s{number}"));
        if number % 3 == 1 {
            assert_held_by(outcome, &taken, "0");
        } else {
            outcome.unwrap();
        }
        assert_eq!(holder(&*store, &claim).await.is_some(), number % 3 == 0);
    }
    assert_eq!(everything(&*store).await.len(), 40);
}

pub(super) async fn claims_are_listed_in_order_and_in_pages(lab: &dyn Lab) {
    let store = lab.store().await;
    let mut claims: Vec<Claim> = ClaimKind::ALL
        .into_iter()
        .filter(|kind| *kind != ClaimKind::Counter)
        .flat_map(|kind| ["", "1", "10", "2"].map(|scope| (kind, scope)))
        .flat_map(|(kind, scope)| {
            ["a", "B", "é"].map(|key| Claim { kind, scope: scope.into(), key: key.into() })
        })
        .collect();
    let changes: Vec<_> = claims.iter().rev().map(|claim| take(claim, "holder")).collect();
    done(&*store, claiming(changes)).await;
    claims.sort();
    let mut listed: Vec<Claim> = Vec::new();
    loop {
        let page = store.claims(listed.last(), 7).await.unwrap();
        assert!(page.len() <= 7);
        if page.is_empty() {
            break;
        }
        listed.extend(page.into_iter().map(|held| held.claim));
    }
    assert_eq!(listed, claims);
    assert!(store.claims(None, 0).await.unwrap().is_empty());
    assert_eq!(store.claims(None, usize::MAX).await.unwrap().len(), claims.len());
}

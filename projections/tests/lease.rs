//! Of several processes, one works: leases, and what becomes of a batch whose lease is lost.

use std::time::Duration;

use muster_events::{id::TeamId, stream::Position, team::TeamEvent};

use super::{LOG, Lab, Log, TestViews, id, on_every_database, organization};
use crate::{
    teams::{self, TEAMS},
    views::{Lease, Outcome, Views},
};

on_every_database! {
    a_lease_is_renewed_by_its_holder
    a_batch_is_applied_under_its_lease
}

const LONG: Duration = Duration::from_mins(1);
const WORK: &str = "views";

async fn lease(views: &Views, holder: &str, ttl: Duration) -> Option<Lease> {
    views.lease(WORK, holder, ttl).await.unwrap()
}

fn two_teams() -> Log {
    let created = |slug: &str| TeamEvent::TeamCreated {
        organization: organization(1),
        slug: slug.into(),
        name: "T".into(),
    };
    Log::default().and(id(TeamId::new, 1), created("one")).and(id(TeamId::new, 2), created("two"))
}

async fn a_lease_is_renewed_by_its_holder(lab: &Lab) {
    let views = lab.open().await;
    let first = lease(&views, "one", LONG).await.unwrap();
    assert_eq!((first.name.as_str(), first.holder.as_str(), first.epoch), (WORK, "one", 1));
    assert_eq!(lease(&views, "one", LONG).await, Some(first.clone()), "a renewal is no change of holder");
    views.release(&first).await.unwrap();
    assert_eq!(lease(&views, "one", LONG).await, Some(first));
}

async fn a_batch_is_applied_under_its_lease(lab: &Lab) {
    let test = TestViews::new(lab).await;
    let held = lease(&test.views, "one", LONG).await.unwrap();
    let entries = two_teams().entries();
    let applied = test.views.apply(&[&teams::PROJECTION], LOG, Position::ZERO, &entries, Some(&held)).await;
    assert!(matches!(applied.unwrap(), Outcome::Applied(_)));
    assert_eq!(test.views.rows(&TEAMS).await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_epoch_grows_at_each_change_of_holder() {
    let lab = Lab::postgres().await;
    let (one, two) = (lab.open().await, lab.open().await);
    let first = lease(&one, "one", LONG).await.unwrap();
    assert_eq!(lease(&two, "two", LONG).await, None);
    let other = two.lease("mail", "two", LONG).await.unwrap();
    assert_eq!(other.map(|lease| lease.epoch), Some(1), "another piece of work is another lease");

    one.release(&first).await.unwrap();
    let second = lease(&two, "two", Duration::ZERO).await.unwrap();
    assert_eq!(second.epoch, 2);
    one.release(&first).await.unwrap();
    let third = lease(&one, "one", LONG).await.unwrap();
    assert_eq!(third.epoch, 3, "the second one has run out at once");
    two.release(&second).await.unwrap();
    assert_eq!(lease(&two, "two", LONG).await, None, "a lost lease cannot be given back");
}

#[tokio::test]
async fn of_many_who_want_a_lease_exactly_one_gets_it() {
    let lab = Lab::postgres().await;
    let views = lab.open().await;
    let want = async |holder| lease(&views, holder, LONG).await.is_some();
    let (a, b, c, d) = tokio::join!(want("a"), want("b"), want("c"), want("d"));
    assert_eq!([a, b, c, d].into_iter().filter(|got| *got).count(), 1);
}

#[tokio::test]
async fn a_batch_whose_lease_another_has_is_not_applied() {
    let lab = Lab::postgres().await;
    let test = TestViews::new(&lab).await;
    let entries = two_teams().entries();
    let apply = async |from: usize, lease: &Lease| {
        let after = Position(from as u64);
        let batch = &entries[from..=from];
        test.views.apply(&[&teams::PROJECTION], LOG, after, batch, Some(lease)).await.unwrap()
    };
    let first = lease(&test.views, "one", Duration::ZERO).await.unwrap();
    let applied = apply(0, &first).await;
    assert!(matches!(applied, Outcome::Applied(_)), "one that has run out is held until another has it");
    let second = lease(&test.views, "two", LONG).await.unwrap();
    let outcome = apply(1, &first).await;
    assert!(matches!(outcome, Outcome::Fenced), "{outcome:?}");
    assert_eq!(test.views.rows(&TEAMS).await.unwrap().len(), 1);
    assert!(matches!(apply(1, &second).await, Outcome::Applied(_)));
    assert_eq!(test.views.rows(&TEAMS).await.unwrap().len(), 2);
}

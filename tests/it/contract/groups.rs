//! Counted groups: an organization always keeps an owner.

use muster::store::{Append, AppendError, Appended, Store};
use muster_events::{
    claims::{BrokenBecause, Claim, ClaimChange, ClaimKind},
    id::OrganizationId,
};

use super::lab::{Lab, all_at_once, claiming, done, everything, one, time};

fn owner(organization: u64, member: &str) -> Claim {
    Claim::owner(OrganizationId::new(organization).unwrap(), member)
}

fn join(organization: u64, member: &str) -> ClaimChange {
    ClaimChange::Join { claim: owner(organization, member) }
}

fn leave(organization: u64, member: &str) -> ClaimChange {
    ClaimChange::Leave { claim: owner(organization, member) }
}

fn assert_last(outcome: Result<Appended, AppendError>, claim: &Claim) {
    match outcome {
        Err(AppendError::Claimed(broken)) => {
            assert_eq!((&broken.claim, broken.why), (claim, BrokenBecause::LastInGroup));
        }
        other => panic!("not the last but {other:?}"),
    }
}

async fn owners(store: &dyn Store, organization: u64) -> Vec<String> {
    let all = store.claims(None, usize::MAX).await.unwrap();
    let scope = organization.to_string();
    let of_organization = all.into_iter().filter(|held| held.claim.scope == scope.as_str());
    of_organization.map(|held| held.claim.key.into()).collect()
}

pub(super) async fn the_last_of_a_group_cannot_leave(lab: &dyn Lab) {
    let store = lab.store().await;
    done(&*store, claiming([join(1, "a"), join(1, "b"), join(1, "a")])).await;
    let held = store.holder(&owner(1, "a"), time("2026-11-24T10:00:00Z")).await.unwrap().unwrap();
    assert_eq!((held.holder.as_str(), held.count, held.held_until), ("a", 1, None));
    done(&*store, claiming([leave(1, "a")])).await;
    assert_last(store.append(claiming([leave(1, "b")])).await, &owner(1, "b"));
    // Whoever comes in the same append is there in time, whoever comes after the leaving is not.
    assert_last(store.append(claiming([leave(1, "b"), join(1, "c")])).await, &owner(1, "b"));
    done(&*store, claiming([join(1, "c"), leave(1, "b")])).await;
    assert_eq!(owners(&*store, 1).await, ["c"]);
}

pub(super) async fn who_is_not_in_a_group_leaves_it_without_effect(lab: &dyn Lab) {
    let store = lab.store().await;
    done(&*store, claiming([leave(1, "a")])).await;
    done(&*store, claiming([join(1, "a")])).await;
    done(&*store, claiming([leave(1, "b")])).await;
    assert_eq!(owners(&*store, 1).await, ["a"]);
}

pub(super) async fn groups_are_apart_from_each_other(lab: &dyn Lab) {
    let store = lab.store().await;
    done(&*store, claiming([join(1, "a"), join(2, "a"), join(2, "b")])).await;
    assert_last(store.append(claiming([leave(1, "a")])).await, &owner(1, "a"));
    done(&*store, claiming([leave(2, "a")])).await;
    assert_eq!((owners(&*store, 1).await, owners(&*store, 2).await), (vec!["a".into()], vec!["b".into()]));
}

pub(super) async fn a_disbanded_group_can_be_founded_again(lab: &dyn Lab) {
    let store = lab.store().await;
    done(&*store, claiming([join(1, "a"), join(1, "b"), join(2, "c")])).await;
    done(&*store, claiming([ClaimChange::Disband { kind: ClaimKind::Owner, scope: "1".into() }])).await;
    assert_eq!((owners(&*store, 1).await.len(), owners(&*store, 2).await.len()), (0, 1));
    done(&*store, claiming([join(1, "d")])).await;
    assert_last(store.append(claiming([leave(1, "d")])).await, &owner(1, "d"));
}

/// Two owners demote each other, each through another process, two hundred times.
pub(super) async fn two_who_leave_at_one_instant_never_empty_the_group(lab: &dyn Lab) {
    let (store, other) = (lab.store().await, lab.store().await);
    for organization in 1..=200 {
        let members = ["a", "b"].map(|member| (member, format!("{member}{organization}")));
        done(&*store, claiming(members.clone().map(|(member, _)| join(organization, member)))).await;
        let leaving =
            members.map(|(member, id)| Append { claims: vec![leave(organization, member)], ..one(&id, 0) });
        let outcomes = all_at_once(&[&store, &other], leaving).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    }
    assert_eq!(store.claims(None, usize::MAX).await.unwrap().len(), 200);
    assert_eq!(everything(&*store).await.len(), 200);
}

//! Durable before the answer, and for ever.

use std::future::ready;

use muster_events::{
    claims::{Claim, ClaimChange},
    stream::{Position, Sequence},
};

use super::lab::{Lab, done, everything, keyed, one, positions, skipped, stream, time};
use muster::store::Append;

pub(super) async fn a_log_that_is_opened_again_has_everything(lab: &dyn Lab) {
    let store = lab.store().await;
    let claim = Claim::organization_slug("acme");
    let take = ClaimChange::Take { claim: claim.clone(), holder: "7".into() };
    let append = Append { claims: vec![take], ..keyed(one("a", 0), "user:1", "key") };
    let appended = done(&*store, append).await;
    let incarnation = store.incarnation();
    drop(store);

    let store = lab.store().await;
    assert_eq!(store.incarnation(), incarnation);
    assert_eq!(store.head().await.unwrap().position, appended.position);
    let found = everything(&*store).await;
    assert_eq!(positions(&found), [appended.position]);
    assert_eq!(found[0].leaf, appended.events[0].leaf);
    assert_eq!(store.outcome("user:1", "key").await.unwrap().unwrap().position, appended.position);
    let held = store.holder(&claim, time("2026-11-24T10:00:00Z")).await.unwrap().unwrap();
    assert_eq!((held.holder.as_str(), held.count, held.held_until), ("7", 1, None));
    assert_eq!(done(&*store, one("a", 1)).await.events[0].sequence, Sequence(2));
}

/// Once it was handed over, nobody may come to believe that it did not happen.
pub(super) async fn an_append_is_kept_when_its_caller_goes_away(lab: &dyn Lab) {
    let store = lab.store().await;
    tokio::select! {
        biased;
        appended = store.append(one("a", 0)) => panic!("answered at once: {appended:?}"),
        () = ready(()) => {}
    }
    done(&*store, one("b", 0)).await;
    assert_eq!(store.read_stream(&stream("a"), Sequence::ZERO, 10).await.unwrap().len(), 1);
}

pub(super) async fn events_cannot_be_changed_or_removed(lab: &dyn Lab) {
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    done(&*store, one("b", 0)).await;
    let before = everything(&*store).await;
    let Some(succeeded) = lab.tamper().await else {
        return skipped(lab, "events cannot be changed or removed", "there is no way past the store");
    };
    assert_eq!(succeeded, Vec::<String>::new());
    let after = everything(&*store).await;
    assert_eq!(positions(&after), positions(&before));
    assert!(after.iter().zip(&before).all(|(after, before)| after.leaf == before.leaf));
    done(&*store, one("a", 1)).await;
}

pub(super) async fn a_sound_log_has_no_findings(lab: &dyn Lab) {
    let store = lab.store().await;
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    for sequence in 0..5 {
        done(&*store, one("a", sequence)).await;
        done(&*store, one("b", sequence)).await;
    }
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    assert!(store.head().await.unwrap().position > Position::ZERO);
}

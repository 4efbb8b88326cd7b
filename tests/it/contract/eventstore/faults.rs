//! What goes wrong between the ledger and the server.

use std::{fs, sync::Arc, time::Duration};

use eventstore_double::{Cluster, Double, Fault, Setup};
use muster::{
    clock::SystemClock,
    store::{
        AppendError, Store, StoreError, StoredEvent,
        eventstore::{EventStore, EventStoreStore},
    },
};
use muster_events::{
    claims::{Claim, ClaimChange},
    stream::{Position, Sequence},
};

use super::{COMMITS, EventStoreLab};
use crate::contract::lab::{Lab as _, claiming, done, everything, keyed, one, positions, stream};

async fn open(url: &str, mirror: &std::path::Path) -> Result<Arc<EventStoreStore>, StoreError> {
    EventStore::at(&url.parse().unwrap())?.open(mirror, Arc::new(SystemClock)).await
}

/// Whatever becomes of the answer, the append has happened once when it is acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_happens_once_whatever_becomes_of_its_answer() {
    let lab = EventStoreLab::doubled().await;
    let store = lab.store().await;
    let faults = [
        Fault::Unavailable,
        Fault::Slow(Duration::from_millis(300)),
        Fault::Timeout { carried_out: false },
        Fault::Timeout { carried_out: true },
        Fault::Dropped { carried_out: false },
        Fault::Dropped { carried_out: true },
        Fault::WrongExpectedVersion,
    ];
    for (number, fault) in (0..).zip(faults) {
        let shown = format!("{fault:?}");
        lab.double().faults().next_append(COMMITS, fault);
        let appended = store.append(keyed(one("a", number), "somebody", &format!("key {number}"))).await;
        let appended = appended.unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(appended.position, Position(number + 1), "{shown}");
        assert_eq!(lab.double().faults().outstanding(), 0, "{shown} was met");
    }
    let expected: Vec<_> = (1..=7).map(Position).collect();
    assert_eq!(positions(&everything(&*store).await), expected);
    assert_eq!(lab.double().log().stream(COMMITS).len(), 7);
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_down_nothing_is_appended_and_afterwards_all_goes_on() {
    let lab = EventStoreLab::doubled().await;
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    lab.double().down().await;
    let refused = store.append(one("a", 1)).await.unwrap_err();
    assert!(matches!(&refused, AppendError::Store(StoreError::Unavailable(_))), "{refused}");
    assert!(store.head().await.is_err(), "nobody knows where the log stands");
    lab.double().up().await;
    assert_eq!(done(&*store, one("a", 1)).await.position, Position(2));
    assert_eq!(positions(&everything(&*lab.store().await).await), [Position(1), Position(2)]);
}

/// An answer that is known too late is no answer; what was decided meanwhile rests on what has happened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_is_carried_out_after_its_caller_gave_up_is_seen() {
    let lab = EventStoreLab::doubled().await;
    let (store, other) = (lab.store().await, lab.store().await);
    done(&*store, one("a", 0)).await;
    let mut gate = lab.double().faults().hold_answers(COMMITS);
    let waiting = tokio::spawn(async move { store.append(keyed(one("a", 1), "somebody", "key")).await });
    let held = gate.next().await;
    drop(gate);
    let conflict = other.append(one("a", 1)).await.unwrap_err();
    assert!(matches!(conflict, AppendError::Conflict { actual: Sequence(2), .. }), "{conflict}");
    let repeated = other.append(keyed(one("a", 2), "somebody", "key")).await.unwrap_err();
    assert!(matches!(repeated, AppendError::KeyUsed(_)), "{repeated}");
    held.go_on();
    waiting.await.unwrap().unwrap();
    assert_eq!(everything(&*other).await.len(), 2);
}

/// By whom nothing is asked meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_append_is_heard_after_every_kind_of_disconnect() {
    let lab = EventStoreLab::doubled().await;
    let (store, other) = (lab.store().await, lab.store().await);
    let mut commits = other.commits();
    let faults = lab.double().faults();
    for (sequence, disconnect) in (0..).zip(["nothing", "subscriptions", "connections", "server"]) {
        match disconnect {
            "subscriptions" => faults.cut_subscriptions(),
            "connections" => faults.drop_connections(),
            "server" => {
                lab.double().down().await;
                lab.double().up().await;
            }
            _ => {}
        }
        done(&*store, one("a", sequence)).await;
        let heard = commits.wait_for(|position| *position == Position(sequence + 1));
        let heard = tokio::time::timeout(Duration::from_secs(20), heard).await;
        assert!(heard.is_ok(), "after the loss of {disconnect}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_may_be_deleted_at_any_time() {
    let lab = EventStoreLab::doubled().await;
    let store = lab.store().await;
    let slug = Claim::organization_slug("acme");
    let take = ClaimChange::Take { claim: slug.clone(), holder: "1".into() };
    done(&*store, claiming([take.clone()])).await;
    done(&*store, keyed(one("a", 0), "somebody", "key")).await;
    let (before, incarnation) = (everything(&*store).await, store.incarnation());
    drop(store);
    fs::remove_dir_all(lab.mirror(0)).unwrap();
    let again = open(&lab.double().url(), &lab.mirror(0)).await.unwrap();
    let leaves = |events: &[StoredEvent]| events.iter().map(|event| event.leaf).collect::<Vec<_>>();
    assert_eq!(leaves(&everything(&*again).await), leaves(&before));
    assert_eq!(again.incarnation(), incarnation);
    assert_eq!(again.claims(None, 10).await.unwrap()[0].claim, slug);
    assert!(again.outcome("somebody", "key").await.unwrap().is_some());
    assert_eq!(again.check().await.unwrap(), [""; 0]);
}

/// Its positions count no more, and what had been seen of it is forgotten; by all processes once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_put_back_is_another_incarnation() {
    let lab = EventStoreLab::doubled().await;
    let (store, other) = (lab.store().await, lab.store().await);
    done(&*store, one("a", 0)).await;
    let earlier = lab.double().log().as_of(lab.double().log().events().len());
    done(&*store, one("a", 1)).await;
    assert_eq!(other.head().await.unwrap().position, Position(2));
    let incarnation = store.incarnation();
    drop((store, other));
    let restored = Double::start_on(earlier).await;
    let store = open(&restored.url(), &lab.mirror(0)).await.unwrap();
    assert_ne!(store.incarnation(), incarnation);
    assert_eq!(positions(&everything(&*store).await), [Position(1)]);
    for sequence in 1..4 {
        assert_eq!(done(&*store, one("a", sequence)).await.position, Position(sequence + 1));
    }
    // One that had seen more than there was is of the same new one, and so is a new one.
    for process in [1, 9] {
        let other = open(&restored.url(), &lab.mirror(process)).await.unwrap();
        assert_eq!(other.incarnation(), store.incarnation());
        assert_eq!(everything(&*other).await.len(), 4);
        assert_eq!(other.check().await.unwrap(), [""; 0]);
    }
}

/// The log went on from an earlier state without it: what it has seen is another history.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_has_seen_another_history_answers_no_more() {
    let lab = EventStoreLab::doubled().await;
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    let earlier = lab.double().log().as_of(lab.double().log().events().len());
    done(&*store, one("a", 1)).await;
    drop(store);
    let restored = Double::start_on(earlier).await;
    let elsewhere = open(&restored.url(), &lab.mirror(1)).await.unwrap();
    for sequence in 1..4 {
        done(&*elsewhere, one("a", sequence)).await;
    }
    let again = open(&restored.url(), &lab.mirror(0)).await.unwrap();
    assert_ne!(again.incarnation(), elsewhere.incarnation(), "nobody had noticed before");
    assert_eq!(everything(&*again).await.len(), 4);
    assert_eq!(again.check().await.unwrap(), [""; 0]);
}

/// The server was put back to an earlier state and went on from there, to the same length, while a process was there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_there_when_the_log_was_put_back_answers_no_more() {
    let lab = EventStoreLab::doubled().await;
    let first = Double::start().await;
    let (address, url) = (first.address(), first.url());
    let store = open(&url, &lab.mirror(0)).await.unwrap();
    done(&*store, one("a", 0)).await;
    let earlier = first.log().as_of(first.log().events().len());
    done(&*store, one("a", 1)).await;
    first.stop().await;
    let restored = Setup::new().on(earlier).listen(address).start().await;
    let elsewhere = open(&restored.url(), &lab.mirror(1)).await.unwrap();
    done(&*elsewhere, one("b", 0)).await;
    let other = "the log is not the one that was seen any more: start again";
    let refused = store.append(one("a", 2)).await.unwrap_err().to_string();
    assert!(refused.contains(other), "{refused}");
    let refused = store.head().await.unwrap_err().to_string();
    assert!(refused.contains(other), "{refused}");
    assert_eq!(everything(&*elsewhere).await.len(), 2);
    assert_eq!(elsewhere.check().await.unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_of_another_log_is_left_alone() {
    let (lab, other) = (EventStoreLab::doubled().await, EventStoreLab::doubled().await);
    let here = lab.store().await;
    done(&*here, one("a", 0)).await;
    let store = other.store().await;
    for sequence in 0..3 {
        done(&*store, one("b", sequence)).await;
    }
    let beside = open(&other.double().url(), &lab.mirror(0)).await.unwrap();
    assert_eq!(everything(&*beside).await.len(), 3);
    assert_eq!(beside.read_stream(&stream("a"), Sequence::ZERO, 9).await.unwrap().len(), 0);
    assert_eq!(done(&*here, one("a", 1)).await.position, Position(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_goes_on_under_another_leader() {
    let (cluster, directory) = (Cluster::start().await, tempfile::tempdir().unwrap());
    let store = open(&cluster.url(), directory.path()).await.unwrap();
    for (sequence, leader) in (0..).zip([0, 1, 2, 0]) {
        cluster.lead(leader);
        assert_eq!(done(&*store, one("a", sequence)).await.position, Position(sequence + 1));
        assert_eq!(store.head().await.unwrap().position, Position(sequence + 1));
    }
    assert_eq!(cluster.log().stream(COMMITS).len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let double = Setup::new().require("muster", "secret").start().await;
    let mirror = directory.path().to_owned();
    let refused = open(&double.url(), &mirror).await.unwrap_err().to_string();
    assert!(refused.contains("access is denied: give user and password in --event-store"), "{refused}");
    let named = double.url().replace("esdb://", "esdb://muster:secret@");
    let store = open(&named, &mirror).await.unwrap();
    assert_eq!(done(&*store, one("a", 0)).await.position, Position(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_may_have_every_letter() {
    let directory = tempfile::tempdir().unwrap();
    let double = Setup::new().require("muster", "a/b?c#d@e%:é").start().await;
    let named = double.url().replace("esdb://", "esdb://muster:a%2Fb%3Fc%23d%40e%25:%C3%A9@");
    let (store, other) =
        (open(&named, directory.path()).await.unwrap(), open(&named, directory.path()).await.unwrap());
    assert_eq!(done(&*store, one("a", 0)).await.position, Position(1));
    let raw = named.replace("a%2Fb%3Fc%23d%40e%25:%C3%A9", "wrong=^|");
    let refused = open(&raw, directory.path()).await.unwrap_err().to_string();
    assert!(refused.contains("access is denied"), "{refused}");
    other.commits().wait_for(|position| *position == Position(1)).await.unwrap();
    other.lease("somebody", "a", Duration::from_secs(5)).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_reached_by_tls_that_is_verified() {
    let directory = tempfile::tempdir().unwrap();
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (signed.cert.pem(), signed.signing_key.serialize_pem());
    let double = Setup::new().tls(&certificate, &key).start().await;
    let file = directory.path().join("ca.pem");
    fs::write(&file, &certificate).unwrap();
    let mirror = directory.path().to_owned();
    let bare = double.url().split('?').next().unwrap().to_owned();
    assert!(open(&bare, &mirror).await.is_err(), "nobody vouches for it");
    let store = open(&format!("{bare}?tlsCaFile={}", file.display()), &mirror).await.unwrap();
    assert_eq!(done(&*store, one("a", 0)).await.position, Position(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_others_write_is_not_believed() {
    let lab = EventStoreLab::doubled().await;
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    let client = eventstore::Client::new(lab.double().url().parse().unwrap()).unwrap();
    let foreign = eventstore::EventData::json("SomethingElse", &serde_json::json!({})).unwrap();
    client.append_to_stream(COMMITS, &eventstore::AppendToStreamOptions::default(), foreign).await.unwrap();
    let refused = store.append(one("a", 1)).await.unwrap_err().to_string();
    assert!(refused.contains("revision 1 of muster.commits is of another program"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_deleted_is_not_taken_for_an_empty_one() {
    let lab = EventStoreLab::doubled().await;
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    let client = eventstore::Client::new(lab.double().url().parse().unwrap()).unwrap();
    client.delete_stream(COMMITS, &eventstore::DeleteStreamOptions::default()).await.unwrap();
    let refused = store.head().await.unwrap_err().to_string();
    assert!(refused.contains("muster.commits is gone: start muster again"), "{refused}");
    drop(store);
    for mirror in [0, 1] {
        let refused = open(&lab.double().url(), &lab.mirror(mirror)).await.unwrap_err().to_string();
        assert!(refused.contains("muster.commits was deleted"), "{refused}");
    }
}

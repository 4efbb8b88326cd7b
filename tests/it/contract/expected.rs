//! Expected sequences: exactly one of two wins, and the other learns what it missed.

use muster::store::{Append, AppendError, Appended, StreamRead};
use muster_events::stream::{Sequence, StreamId};

use super::lab::{Lab, all_at_once, done, everything, one, positions, read, skipped, stream, write};

fn assert_conflict(outcome: Result<Appended, AppendError>, of: &StreamId, expected: u64, actual: u64) {
    match outcome {
        Err(AppendError::Conflict { stream, expected: saw, actual: is }) => {
            assert_eq!((&stream, saw, is), (of, Sequence(expected), Sequence(actual)));
        }
        other => panic!("no conflict but {other:?}"),
    }
}

pub(super) async fn a_conflict_says_what_was_expected_and_what_is(lab: &dyn Lab) {
    let store = lab.store().await;
    done(&*store, Append { writes: vec![write("a", 0, 2)], ..Append::default() }).await;
    assert_conflict(store.append(one("a", 0)).await, &stream("a"), 0, 2);
    assert_conflict(store.append(one("a", 1)).await, &stream("a"), 1, 2);
    assert_conflict(store.append(one("a", 3)).await, &stream("a"), 3, 2);
    assert_conflict(store.append(one("new", 1)).await, &stream("new"), 1, 0);
    done(&*store, one("a", 2)).await;
    assert_eq!(everything(&*store).await.len(), 3);
}

pub(super) async fn of_many_appends_at_one_sequence_exactly_one_wins(lab: &dyn Lab) {
    let (store, other) = (lab.store().await, lab.store().await);
    for sequence in 0..10 {
        let outcomes = all_at_once(&[&store, &other], (0..32).map(|_| one("a", sequence))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        for lost in outcomes.into_iter().filter(Result::is_err) {
            assert_conflict(lost, &stream("a"), sequence, sequence + 1);
        }
    }
}

pub(super) async fn a_read_that_has_moved_is_a_conflict(lab: &dyn Lab) {
    let store = lab.store().await;
    done(&*store, one("token", 0)).await;
    let seen = |sequence| Append { reads: vec![read("token", sequence)], ..one("member", 0) };
    done(&*store, one("token", 1)).await;
    assert_conflict(store.append(seen(1)).await, &stream("token"), 1, 2);
    done(&*store, seen(2)).await;
    let unseen = Append { reads: vec![read("never", 1)], ..one("member", 1) };
    assert_conflict(store.append(unseen).await, &stream("never"), 1, 0);
}

/// Each decides on what the other is about to change. That both succeed is what reads are there to prevent.
pub(super) async fn of_two_that_read_each_other_exactly_one_wins(lab: &dyn Lab) {
    let (store, other) = (lab.store().await, lab.store().await);
    for round in 0..50 {
        let (left, right) = (format!("l{round}"), format!("r{round}"));
        let pair = [
            Append { reads: vec![read(&right, 0)], ..one(&left, 0) },
            Append { reads: vec![read(&left, 0)], ..one(&right, 0) },
        ];
        let outcomes = all_at_once(&[&store, &other], pair).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    }
}

pub(super) async fn a_read_of_the_whole_log_conflicts_with_any_event(lab: &dyn Lab) {
    let store = lab.store().await;
    let seeing = |position, append| {
        let read = StreamRead { stream: StreamId::whole_log(), sequence: Sequence(position) };
        Append { reads: vec![read], ..append }
    };
    let first = done(&*store, seeing(0, one("first", 0))).await.position.0;
    assert_conflict(store.append(seeing(0, one("first", 1))).await, &StreamId::whole_log(), 0, first);
    // Of two at the same head, one wins, although they have no stream in common.
    let outcomes = all_at_once(&[&store], [seeing(first, one("x", 0)), seeing(first, one("y", 0))]).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
}

pub(super) async fn a_conflict_in_one_stream_leaves_nothing_in_the_others(lab: &dyn Lab) {
    let store = lab.store().await;
    if !store.capabilities().multi_stream {
        return skipped(lab, "all streams of an append or none", "it appends to one stream at a time");
    }
    done(&*store, one("b", 0)).await;
    let writes = vec![write("a", 0, 2), write("b", 0, 1), write("c", 0, 1)];
    assert_conflict(store.append(Append { writes, ..Append::default() }).await, &stream("b"), 0, 1);
    assert_eq!(everything(&*store).await.len(), 1);
    // What was checked before the conflict was found stands where it stood.
    done(&*store, Append { writes: vec![write("a", 0, 2), write("b", 1, 1)], ..Append::default() }).await;
}

pub(super) async fn one_that_conflicts_fails_alone(lab: &dyn Lab) {
    let store = lab.store().await;
    let appends = (0..100).map(|number| one(&format!("s{number}"), if number % 2 == 0 { 0 } else { 9 }));
    let outcomes = all_at_once(&[&store], appends).await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        if number % 2 == 0 {
            outcome.unwrap();
        } else {
            assert_conflict(outcome, &stream(&format!("s{number}")), 9, 0);
        }
    }
    let log = everything(&*store).await;
    assert_eq!(log.len(), 50);
    assert_eq!(positions(&log).last().copied(), Some(store.head().await.unwrap().position));
}

/// They are handed over in one go, so most of them share a transaction, and each expects what the one before does.
pub(super) async fn appends_that_wait_together_see_each_other(lab: &dyn Lab) {
    let store = lab.store().await;
    let chain = (0..50).map(|sequence| Append { reads: vec![read("b", sequence)], ..one("a", sequence) });
    let other = (0..50).map(|sequence| Append { reads: vec![read("a", sequence + 1)], ..one("b", sequence) });
    let both = chain.zip(other).flat_map(|(first, second)| [first, second]);
    for outcome in all_at_once(&[&store], both).await {
        outcome.unwrap();
    }
}

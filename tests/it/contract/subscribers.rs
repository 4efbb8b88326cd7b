//! How far effectful subscribers have come, and who works.

use std::time::Duration;

use muster_events::stream::Position;

use super::lab::{Lab, done, one};

/// Longer than a test takes.
const LONG: Duration = Duration::from_mins(10);

pub(crate) async fn a_new_subscriber_starts_at_the_head_and_an_old_one_where_it_was(lab: &dyn Lab) {
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    let lease = store.lease("sub", "first", LONG).await.unwrap().unwrap();
    assert_eq!((lease.checkpoint, lease.epoch), (Position(1), 1));
    done(&*store, one("a", 1)).await;
    let renewed = store.lease("sub", "first", LONG).await.unwrap().unwrap();
    assert_eq!(renewed, lease, "a renewal changes nothing");
    assert!(store.advance(&lease, Position(2)).await.unwrap());
    let other = store.lease("other", "first", LONG).await.unwrap().unwrap();
    assert_eq!(other.checkpoint, Position(2));
    store.release(&lease).await.unwrap();
    let again = lab.store().await.lease("sub", "second", LONG).await.unwrap().unwrap();
    assert_eq!((again.checkpoint, again.epoch), (Position(2), 2));
}

pub(crate) async fn a_checkpoint_is_moved_by_who_works_and_from_where_it_is(lab: &dyn Lab) {
    let store = lab.store().await;
    for sequence in 0..3 {
        done(&*store, one("a", sequence)).await;
    }
    let first = store.lease("sub", "first", LONG).await.unwrap().unwrap();
    let moved = |lease: &muster::store::Lease, to| muster::store::Lease { checkpoint: to, ..lease.clone() };
    assert!(!store.advance(&moved(&first, Position(1)), Position(4)).await.unwrap(), "it is not there");
    assert!(store.advance(&first, Position(4)).await.unwrap());
    assert!(!store.advance(&first, Position(5)).await.unwrap(), "it is not there any more");
    store.release(&first).await.unwrap();
    let second = store.lease("sub", "second", LONG).await.unwrap().unwrap();
    assert!(!store.advance(&moved(&first, Position(4)), Position(5)).await.unwrap(), "another one works");
    assert!(store.advance(&second, Position(5)).await.unwrap());
}

/// A store whose file has one process that serves gives the lease to whoever asks: who had it moves nothing any more.
pub(crate) async fn of_two_who_ask_at_most_one_moves_the_checkpoint(lab: &dyn Lab) {
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    let first = store.lease("sub", "first", LONG).await.unwrap().unwrap();
    let second = lab.store().await.lease("sub", "second", LONG).await.unwrap();
    let second_moves = match &second {
        Some(second) => store.advance(second, Position(2)).await.unwrap(),
        None => false,
    };
    let first_moves = store.advance(&first, Position(2)).await.unwrap();
    assert_ne!(first_moves, second_moves);
}

/// A log that was put back to an earlier state ends before the checkpoint that somebody had moved.
pub(crate) async fn a_checkpoint_beyond_the_head_is_at_the_head(lab: &dyn Lab) {
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    let lease = store.lease("sub", "first", LONG).await.unwrap().unwrap();
    assert!(store.advance(&lease, Position(9)).await.unwrap());
    store.release(&lease).await.unwrap();
    let next = store.lease("sub", "second", LONG).await.unwrap().unwrap();
    assert_eq!(next.checkpoint, Position(1));
}

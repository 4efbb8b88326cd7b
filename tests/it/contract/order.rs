//! Gapless and in commit order; all or nothing.

use std::sync::Arc;

use muster::store::{Append, Scan, StoredEvent};
use muster_events::stream::{Position, Sequence};

use super::lab::{
    Lab, ManualClock, all_at_once, done, everything, one, positions, skipped, stream, time, write,
};

pub(super) async fn positions_are_1_2_3_without_a_hole(lab: &dyn Lab) {
    let store = lab.store().await;
    if !store.capabilities().gapless {
        return skipped(lab, "positions are 1, 2, 3", "its positions only rise");
    }
    assert_eq!(store.head().await.unwrap().position, Position::ZERO);
    assert_eq!(done(&*store, one("a", 0)).await.position, Position(1));
    assert_eq!(
        done(&*store, Append { writes: vec![write("b", 0, 3)], ..Append::default() }).await.position,
        Position(4)
    );
    store.append(one("a", 0)).await.unwrap_err();
    let answers = all_at_once(&[&store], (0..20).map(|number| one(&format!("c{number}"), 0))).await;
    let answered: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().position).collect();
    assert_eq!(answered, (5..25).map(Position).collect::<Vec<_>>());
    assert_eq!(positions(&everything(&*store).await), (1..25).map(Position).collect::<Vec<_>>());
}

/// Two processes append while a third reads on from its checkpoint; what it has read must in the end be the log.
pub(super) async fn a_reader_never_finds_an_earlier_event_later(lab: &dyn Lab) {
    const WRITERS: u64 = 16;
    const APPENDS: u64 = 20;
    let (first, second, reader) = (lab.store().await, lab.store().await, lab.store().await);
    let writers = (0..WRITERS).map(|writer| {
        let store = Arc::clone(if writer % 2 == 0 { &first } else { &second });
        tokio::spawn(async move {
            for sequence in 0..APPENDS {
                done(&*store, one(&format!("w{writer}"), sequence)).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut seen = Vec::new();
    while seen.len() < usize::try_from(WRITERS * APPENDS).unwrap() {
        let checkpoint = seen.last().copied().unwrap_or_default();
        seen.extend(positions(&reader.read_all(checkpoint, 7).await.unwrap()));
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(seen.is_sorted());
    assert_eq!(seen, positions(&everything(&*first).await));
}

/// As subscribers read: in a process that appends itself, and in one that hears of nothing; both begin before the first and
/// in the midst.
pub(super) async fn whoever_reads_on_meets_every_event_once_and_in_order(lab: &dyn Lab) {
    const APPENDS: u64 = 60;
    let (busy, other, idle) = (lab.store().await, lab.store().await, lab.store().await);
    let middle = done(&*busy, Append { writes: vec![write("before", 0, 40)], ..Append::default() }).await;
    let end = middle.position.0 + 2 * APPENDS;
    let writers = [("one", &busy), ("two", &other)].map(|(name, store)| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            for sequence in 0..APPENDS {
                done(&*store, one(name, sequence)).await;
            }
        })
    });
    let readers = [(&busy, Position::ZERO), (&busy, middle.position), (&idle, Position::ZERO)];
    let readers = readers.map(|(store, from)| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let mut seen = vec![from];
            while seen.last().is_some_and(|last| last.0 < end) {
                let events = store.read_on(*seen.last().unwrap(), 7).await.unwrap();
                assert!(events.len() <= 7);
                assert!(events.iter().all(|event| event.event().is_ok()));
                seen.extend(positions(&events));
                tokio::task::yield_now().await;
            }
            (from, seen)
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
    for reader in readers {
        let (from, seen) = reader.await.unwrap();
        let log = positions(&everything(&*idle).await);
        let expected = log.into_iter().filter(|position| *position > from);
        assert!(seen.into_iter().skip(1).eq(expected), "from {from}");
    }
    assert!(busy.read_on(Position(end), 7).await.unwrap().is_empty());
}

pub(super) async fn events_of_one_append_become_visible_together(lab: &dyn Lab) {
    let (store, reader) = (lab.store().await, lab.store().await);
    if !store.capabilities().multi_stream {
        return skipped(
            lab,
            "streams of one append become visible together",
            "it appends to one stream at a time",
        );
    }
    let appending = Arc::clone(&store);
    let appending = tokio::spawn(async move {
        for round in 0..50 {
            let writes = vec![write("a", round * 2, 2), write("b", round, 1)];
            let appended = done(&*appending, Append { writes, ..Append::default() }).await;
            assert_eq!(appended.events.len(), 3);
            assert_eq!(appended.events.last().unwrap().position, appended.position);
            assert!(appended.events.iter().all(|event| event.recorded_at == appended.recorded_at));
        }
    });
    let mut visible = 0;
    while visible < 150 {
        visible = everything(&*reader).await.len();
        assert_eq!(visible % 3, 0, "a part of an append was visible");
        tokio::task::yield_now().await;
    }
    appending.await.unwrap();
}

/// The clock of one process is set back, and that of another one is behind.
pub(super) async fn recorded_at_never_runs_backwards(lab: &dyn Lab) {
    let clock = Arc::new(ManualClock::at("2026-11-24T10:00:00Z"));
    let store = lab.open(clock.clone()).await;
    let slow = lab.open(Arc::new(ManualClock::at("2026-11-24T09:00:00Z"))).await;
    assert_eq!(done(&*store, one("a", 0)).await.recorded_at, time("2026-11-24T10:00:00Z"));
    clock.set("2026-11-23T10:00:00Z");
    assert_eq!(done(&*store, one("a", 1)).await.recorded_at, time("2026-11-24T10:00:00Z"));
    assert_eq!(done(&*slow, one("b", 0)).await.recorded_at, time("2026-11-24T10:00:00Z"));
    clock.set("2026-11-24T10:00:00.000001Z");
    assert_eq!(done(&*store, one("a", 2)).await.recorded_at, time("2026-11-24T10:00:00.000001Z"));
    let times: Vec<_> = everything(&*slow).await.iter().map(|event| event.recorded_at).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(slow.head().await.unwrap().recorded_at, time("2026-11-24T10:00:00.000001Z"));
}

pub(super) async fn limits_of_reads_are_kept(lab: &dyn Lab) {
    let store = lab.store().await;
    done(&*store, Append { writes: vec![write("a", 0, 5)], ..Append::default() }).await;
    let a = stream("a");
    for (after, limit, expected) in
        [(0, 0, 0), (0, 3, 3), (3, 3, 2), (0, usize::MAX, 5), (5, 1, 0), (u64::MAX, usize::MAX, 0)]
    {
        let of_stream = store.read_stream(&a, Sequence(after), limit).await.unwrap();
        assert_eq!(of_stream.len(), expected, "after {after}, at most {limit}, of a stream");
        assert!(of_stream.first().is_none_or(|event| event.sequence == Sequence(after + 1)));
        if store.capabilities().gapless {
            let of_log = store.read_all(Position(after), limit).await.unwrap();
            assert_eq!(of_log.len(), expected, "after {after}, at most {limit}, of the log");
        }
    }
    assert!(store.read_stream(&stream("none"), Sequence::ZERO, 10).await.unwrap().is_empty());
}

/// Whoever makes read models reads stretches, of some kinds of aggregates, and sees of them what the log says.
pub(super) async fn a_stretch_has_the_wanted_events_of_the_log(lab: &dyn Lab) {
    let store = lab.store().await;
    for (id, expected, events) in [("a", 0, 3), ("b", 0, 2), ("a", 3, 2)] {
        done(&*store, Append { writes: vec![write(id, expected, events)], ..Append::default() }).await;
    }
    let log = everything(&*store).await;
    let kind = "organization";
    assert!(log.iter().all(|event| event.stream.aggregate_type == kind));
    let (first, last) = (log[0].position, log[log.len() - 1].position);
    let none: &[&str] = &["member", "organisation", "organization'", ""];
    for (after, up_to, aggregates) in [
        (Position::ZERO, last, vec![kind]),
        (first, log[4].position, vec!["member", kind]),
        (last, last, vec![kind]),
        (last, first, vec![kind]),
        (Position::ZERO, Position(u64::MAX), vec![kind]),
        (Position::ZERO, last, none.to_vec()),
        (Position::ZERO, last, vec![]),
    ] {
        let is_wanted = |event: &&StoredEvent| {
            event.position > after && event.position <= up_to && aggregates.contains(&kind)
        };
        let expected: Vec<_> = log.iter().filter(is_wanted).collect();
        let scanned = store.scan(Scan { after, up_to, aggregates: aggregates.clone() }).await.unwrap();
        assert_eq!(scanned.len(), expected.len(), "after {after} up to {up_to} of {aggregates:?}");
        for (found, expected) in scanned.into_iter().zip(expected) {
            assert_eq!(
                (found.position, &found.stream, found.sequence, found.recorded_at, found.organization),
                (
                    expected.position,
                    &expected.stream,
                    expected.sequence,
                    expected.recorded_at,
                    expected.organization
                )
            );
            assert_eq!(found.event.unwrap(), expected.event().unwrap());
        }
    }
}

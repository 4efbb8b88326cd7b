//! What stands in the file: its layout, what is cleaned up, and what `check` finds.

use std::sync::Arc;

use muster::store::{Append, StoreError};
use muster_events::claims::ClaimChange;

use super::{
    super::lab::{Lab, ManualClock, all_at_once, claiming, done, everything, keyed, one},
    SqliteLab,
};

fn count(lab: &SqliteLab, table: &str) -> i64 {
    lab.connection().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

/// What sqlite-es 0.5 selects when it loads an aggregate.
#[tokio::test]
async fn the_events_have_the_layout_of_sqlite_es() {
    let lab = SqliteLab::new();
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    let select = "SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata \
                  FROM events WHERE aggregate_type = ? AND aggregate_id = ? ORDER BY sequence";
    let row: (String, String, i64, String, String, String, String) = lab
        .connection()
        .query_row(select, ["organization", "a"], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
        })
        .unwrap();
    let expected =
        ("organization", "a", 1, "TwoFactorRequired", "1", "{}", "{\"actor\":{\"kind\":\"system\"}}");
    let found = (&*row.0, &*row.1, row.2, &*row.3, &*row.4, &*row.5, &*row.6);
    assert_eq!(found, expected);
}

#[tokio::test]
async fn old_keys_and_counters_are_cleaned_up() {
    let lab = SqliteLab::new();
    let clock = Arc::new(ManualClock::at("2026-11-01T10:00:00Z"));
    let store = lab.open(clock.clone()).await;
    let counted = |number: u32| {
        let count = ClaimChange::Count { scope: "1".into(), name: number.to_string().into(), at_most: 1 };
        keyed(claiming([count]), "user:1", &number.to_string())
    };
    for outcome in all_at_once(&[&store], (0..1_000).map(counted)).await {
        outcome.unwrap();
    }
    assert_eq!((count(&lab, "idempotency_keys"), count(&lab, "claims")), (1_000, 1_000));
    clock.set("2026-11-09T10:00:00Z");
    done(&*store, Append::default()).await;
    assert_eq!((count(&lab, "idempotency_keys"), count(&lab, "claims")), (488, 488), "not all at once");
    done(&*store, counted(1_000)).await;
    assert_eq!((count(&lab, "idempotency_keys"), count(&lab, "claims")), (1, 1));
}

#[tokio::test]
async fn the_check_finds_what_is_missing_or_out_of_order() {
    let lab = SqliteLab::new();
    let store = lab.store().await;
    for number in 0..6 {
        done(&*store, one(if number % 2 == 0 { "a" } else { "b" }, number / 2)).await;
    }
    lab.connection()
        .execute_batch(
            "DROP TRIGGER events_are_not_deleted; DROP TRIGGER events_are_not_changed;
             DROP INDEX counters_by_end;
             DELETE FROM events WHERE position IN (2, 3);
             UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 6",
        )
        .unwrap();
    assert_eq!(
        store.check().await.unwrap(),
        [
            "The index counters_by_end is missing.",
            "The trigger events_are_not_changed is missing.",
            "The trigger events_are_not_deleted is missing.",
            "The log has no event at the positions from 2 to 3.",
            "The event at position 6 was recorded before its predecessor.",
            "The stream organization:a has 2 events and ends at sequence 3.",
            "The stream organization:b has 2 events and ends at sequence 3.",
        ]
    );
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named() {
    let lab = SqliteLab::new();
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    lab.connection()
        .execute_batch("DROP TRIGGER events_are_not_changed; UPDATE events SET event_version = 'one'")
        .unwrap();
    match store.read_all(muster_events::stream::Position::ZERO, 1).await {
        Err(StoreError::Damaged(text)) => {
            assert_eq!(text, "event_version of the event at position 1: invalid digit found in string");
        }
        other => panic!("not damaged but {other:?}"),
    }
}

#[tokio::test]
async fn a_dropped_store_has_let_go_of_its_file() {
    let lab = SqliteLab::new();
    let store = lab.store().await;
    done(&*store, one("a", 0)).await;
    assert_eq!(everything(&*store).await.len(), 1);
    drop(store);
    lab.connection().execute_batch("BEGIN EXCLUSIVE; COMMIT").unwrap();
}

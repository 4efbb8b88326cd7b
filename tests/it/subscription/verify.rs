//! Rows that are compared with what the log makes of them; streams that are taken up again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use muster::{
    clock::SystemClock,
    store::Store,
    subscription::{Rebuild, Verified, Verifier, retry},
};
use muster_events::{
    event::Event,
    stream::Position,
    team::{self as teams_events, TeamEvent},
};
use muster_projections::{
    change::Change,
    projection::Projection,
    table::{Column, ColumnType, Table, Value},
    teams,
    views::{Difference, Retried},
};
use tokio_util::sync::CancellationToken;

use super::lab::{Lab, Process, append, append_many, created, flagged, team};

async fn verified(lab: &Lab, store: &Arc<dyn Store>, projection: &'static Projection) -> Verified {
    let verifier = Verifier::new(store.clone(), lab.views().await, Arc::new(SystemClock));
    verifier.verify(&[projection]).await.unwrap().pop().unwrap()
}

#[tokio::test]
async fn given_rows_that_are_the_fold_of_the_log_then_nothing_is_found_and_it_is_noted() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    let head = append_many(&*store, 2_500).await;
    lab.runner(store.clone()).await.run_to_head().await.unwrap();
    let verifier = Verifier::new(store.clone(), lab.views().await, Arc::new(SystemClock));
    let all = verifier.verify(&muster_projections::all()).await.unwrap();
    assert_eq!(all.len(), muster_projections::all().len());
    assert!(
        all.iter().all(|verified| verified.differences.count == 0 && verified.position == Position(head))
    );
    let noted = lab.views().await.verifications().await.unwrap();
    assert!(noted.len() == all.len() && noted.iter().all(|noted| noted.differences == 0), "{noted:?}");
}

#[tokio::test]
async fn given_a_changed_a_missing_and_an_extra_row_then_each_is_named() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    append_many(&*store, 300).await;
    lab.runner(store.clone()).await.run_to_head().await.unwrap();
    lab.run_on_views(
        "INSERT INTO teams_1 SELECT 77, organization_id, 'x', name, active, idp_provisioned, created_at, sequence \
         FROM teams_1 WHERE id = 1; \
         UPDATE teams_1 SET name = 'Evil' WHERE id = 1; DELETE FROM teams_1 WHERE id = 2",
    )
    .await;
    let found = verified(&lab, &store, &teams::PROJECTION).await;
    assert_eq!((found.differences.count, found.differences.rows["teams"]), (3, 3));
    let named = |key: &str, column, view: Option<&str>, log: Option<&str>| Difference {
        table: "teams",
        key: key.into(),
        column,
        view: view.map(Into::into),
        log: log.map(Into::into),
    };
    assert_eq!(
        found.differences.named,
        [
            named("1", Some("name"), Some("Evil"), Some("Team 1")),
            named("2", None, None, Some("a row")),
            named("77", None, Some("a row"), None),
        ]
    );
    let noted = lab.views().await.verifications().await.unwrap();
    assert_eq!(noted[0].differences, 3);
}

#[tokio::test]
async fn given_a_log_that_goes_on_then_rows_are_compared_at_one_position() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    append_many(&*store, 2_500).await;
    let process = Process::start(lab.runner(store.clone()).await);
    process.reaches(0).await;
    let stop = CancellationToken::new();
    let writing = async {
        let mut number = 100;
        while !stop.is_cancelled() {
            append(&*store, team(number), 0, vec![created(number)]).await;
            number += 1;
        }
    };
    let verifying = async {
        for _ in 0..5 {
            let found = verified(&lab, &store, &teams::PROJECTION).await;
            assert_eq!(found.differences.count, 0, "{found:?}");
        }
        stop.cancel();
    };
    tokio::join!(writing, verifying);
    process.stop().await;
}

static NAMED: Table = Table {
    name: "named",
    key: &[Column::new("id", ColumnType::Integer)],
    columns: &[Column::new("name", ColumnType::Text), Column::new("flagged", ColumnType::Bool)],
    indexes: &[],
};
static IS_MENDED: AtomicBool = AtomicBool::new(false);
/// Cannot take the second team until it is mended.
static FRAGILE: Projection = Projection {
    name: "fragile",
    version: 1,
    aggregates: &[teams_events::TYPE],
    tables: &[&NAMED],
    project: |entry, event| {
        let key = [Value::id_of(&entry.stream)];
        match event {
            Event::Team(TeamEvent::TeamCreated { .. })
                if entry.stream.aggregate_id == "2" && !IS_MENDED.load(Ordering::SeqCst) =>
            {
                vec![Change::delete(&NAMED, [])]
            }
            Event::Team(TeamEvent::TeamCreated { name, .. }) => {
                vec![Change::put(&NAMED, key, [("name", name.as_str().into()), ("flagged", false.into())])]
            }
            Event::Team(TeamEvent::TeamFlagged { to, .. }) => {
                vec![Change::set(&NAMED, key, [("flagged", (*to).into())])]
            }
            _ => vec![],
        }
    },
};

/// From the poison to the mend.
#[tokio::test]
async fn given_a_stream_that_is_set_aside_when_it_is_mended_then_it_is_taken_up_and_equals_a_rebuild() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    let process = Process::start(lab.runner_of(store.clone(), vec![&FRAGILE]).await);
    for number in 1..=3 {
        append(&*store, team(number), 0, vec![created(number), flagged(true)]).await;
    }
    let head = append(&*store, team(2), 2, vec![flagged(false), flagged(true)]).await;
    let status = process.reaches(head).await;
    let [parked] = &*status.parked else { panic!("{:?}", status.parked) };
    assert_eq!(
        (parked.events, process.models.status().stale_for(None, &["fragile"])),
        (4, Some(Position(2)))
    );
    let views = lab.views().await;
    // What is set aside is no difference: it is said.
    let found = verified(&lab, &store, &FRAGILE).await;
    assert_eq!((found.differences.count, found.parked, found.rows), (0, 1, 2));
    // A rebuild sets the same aside.
    let known = vec![&FRAGILE];
    let job = Rebuild::new(store.clone(), lab.views().await, known, Arc::new(SystemClock));
    let rebuilt = job.run(&[&FRAGILE], &CancellationToken::new()).await.unwrap();
    assert!(format!("{:?}", rebuilt[0].ended).contains("Some"), "{rebuilt:?}");
    let [parked] = views.parked().await.unwrap().try_into().unwrap();
    assert_eq!((parked.events, parked.generation), (4, 2));
    let Retried::Parked(still) = retry(&*store, &views, &FRAGILE, &parked).await.unwrap() else { panic!() };
    assert_eq!(*still, parked, "nothing was mended");

    IS_MENDED.store(true, Ordering::SeqCst);
    let retried = retry(&*store, &views, &FRAGILE, &parked).await.unwrap();
    assert_eq!(retried, Retried::Taken { events: 4 });
    assert_eq!(retry(&*store, &views, &FRAGILE, &parked).await.unwrap(), Retried::Moved);
    let began = muster::clock::stopwatch();
    process.is(|status| status.parked.is_empty()).await;
    assert!(began.elapsed() < Duration::from_secs(2), "health is honest soon");
    assert_eq!(verified(&lab, &store, &FRAGILE).await.differences.count, 0);
    let rebuilt = job.run(&[&FRAGILE], &CancellationToken::new()).await.unwrap();
    assert!(format!("{:?}", rebuilt[0].ended).contains("Some"), "{rebuilt:?}");
    process.stop().await;
}

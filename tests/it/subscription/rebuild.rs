//! Rows that are built anew beside those that are read.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use muster::{
    clock::SystemClock,
    store::Store,
    subscription::{Ended, Rebuild, RebuildError, Rebuilt},
};
use muster_events::stream::{Position, StreamId};
use muster_projections::{
    change::Change,
    projection::Projection,
    table::{Column, ColumnType, Table, Value},
    teams,
    views::{Claim, State},
};
use tokio_util::sync::CancellationToken;

use super::lab::{LIMIT, Lab, Process, append, append_many, created, flagged, team};
use crate::support::{Random, seed};

const EVENTS: u64 = 3_000;

async fn rebuild_of(lab: &Lab, store: &Arc<dyn Store>) -> Rebuild {
    Rebuild::new(store.clone(), lab.views().await, muster_projections::all(), Arc::new(SystemClock))
}

fn digests(rebuilt: &[Rebuilt]) -> Vec<String> {
    let digest = |rebuilt: &'_ Rebuilt| match &rebuilt.ended {
        Ended::Switched { digest, wrong: 0 } => digest.clone(),
        _ => None,
    };
    rebuilt.iter().filter_map(digest).collect()
}

/// What a process that was killed holds runs out by itself; here it has.
async fn builders_are_gone(lab: &Lab) {
    lab.run_on_views("UPDATE generations SET until = 0 WHERE builder IS NOT NULL").await;
}

#[tokio::test]
async fn given_a_log_when_all_is_rebuilt_then_the_rows_are_the_same_and_the_old_ones_are_kept() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    let head = append_many(&*store, EVENTS).await;
    lab.runner(store.clone()).await.run_to_head().await.unwrap();
    let all = muster_projections::all();
    let rebuilt = rebuild_of(&lab, &store).await.run(&all, &CancellationToken::new()).await.unwrap();
    assert_eq!(digests(&rebuilt).len(), all.len(), "{rebuilt:?}");
    assert!(rebuilt.iter().all(|rebuilt| rebuilt.position == Position(head) && rebuilt.generation == 2));
    lab.assert_views_are_the_fold(&*store).await;
    let generations = lab.views().await.generations().await.unwrap();
    let in_state = |state| generations.iter().filter(|of| of.state == state).count();
    assert_eq!((in_state(State::Living), in_state(State::Kept)), (all.len(), all.len()));
    assert_eq!(store.head().await.unwrap().position, Position(head), "nothing was appended");
}

#[tokio::test]
async fn given_views_that_nobody_keeps_when_they_are_rebuilt_then_they_are_at_the_head() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    let head = append_many(&*store, EVENTS).await;
    let rebuilt = rebuild_of(&lab, &store).await.run(&[&teams::PROJECTION], &CancellationToken::new()).await;
    assert_eq!(digests(&rebuilt.unwrap()).len(), 1);
    let living = lab.views().await.living().await.unwrap();
    assert!(living.iter().all(|living| living.position == Position(head)), "{living:?}");
}

#[tokio::test]
async fn given_a_rebuild_that_is_paused_then_the_next_one_goes_on_where_it_was() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    append_many(&*store, EVENTS).await;
    lab.runner(store.clone()).await.run_to_head().await.unwrap();
    let (stop, slow) = (CancellationToken::new(), NonZeroU32::new(2_000));
    let first = rebuild_of(&lab, &store).await.at_most(slow).in_steps_of(100, 50_000);
    let mut progress = first.progress();
    let pausing = async {
        progress.wait_for(|progress| progress.position >= Position(300)).await.unwrap();
        stop.cancel();
    };
    let of = [&teams::PROJECTION];
    let run = first.run(&of, &stop);
    let (rebuilt, ()) = tokio::join!(run, pausing);
    let [paused] = rebuilt.unwrap().try_into().unwrap();
    assert_eq!(paused.ended, Ended::Paused);
    assert!(paused.position >= Position(300) && paused.position < Position(EVENTS / 2), "{paused:?}");
    let second = rebuild_of(&lab, &store).await.in_steps_of(100, 50_000);
    let mut progress = second.progress();
    let stop = CancellationToken::new();
    let watching = async { progress.wait_for(|seen| seen.position > Position::ZERO).await.unwrap().position };
    let run = second.run(&of, &stop);
    let (rebuilt, seen) = tokio::join!(run, watching);
    assert!(seen > paused.position, "it began at {seen}, paused was {paused:?}");
    let rebuilt = rebuilt.unwrap();
    assert_eq!((digests(&rebuilt).len(), rebuilt[0].generation), (1, paused.generation));
}

#[tokio::test]
async fn given_rebuilds_that_are_killed_at_any_moment_then_the_last_one_gives_the_same_digest() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    let mut position = append_many(&*store, EVENTS).await;
    for number in 4..1_200 {
        position = append(&*store, team(number), 0, vec![created(number)]).await;
        if number % 100 == 0 {
            position = append(&*store, team(number), 1, vec![flagged(true)]).await;
        }
    }
    lab.runner(store.clone()).await.run_to_head().await.unwrap();
    let expected = lab.views().await.digest(&teams::PROJECTION).await.unwrap().unwrap();
    assert_eq!(expected.position, Position(position));
    let seed = seed();
    let mut random = Random::of(seed, 4_200);
    for _ in 0..20 {
        let rebuild = rebuild_of(&lab, &store).await.in_steps_of(200, 150);
        let task = tokio::spawn(async move {
            let stop = CancellationToken::new();
            drop(rebuild.run(&[&teams::PROJECTION], &stop).await);
        });
        tokio::time::sleep(random.pause(Duration::from_millis(60))).await;
        task.abort();
        let _ = task.await;
        builders_are_gone(&lab).await;
    }
    let rebuilt =
        rebuild_of(&lab, &store).await.run(&[&teams::PROJECTION], &CancellationToken::new()).await.unwrap();
    assert_eq!(digests(&rebuilt), [expected.whole()]);
    let views = lab.views().await;
    let digest = views.digest(&teams::PROJECTION).await.unwrap().unwrap();
    assert_eq!((digest.whole(), &digest.tables), (expected.whole(), &expected.tables));
    lab.assert_views_are_the_fold(&*store).await;
}

#[tokio::test]
async fn given_a_rebuild_that_is_under_way_then_a_second_one_is_refused_and_names_it() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    append_many(&*store, EVENTS).await;
    let first = rebuild_of(&lab, &store).await.at_most(NonZeroU32::new(100));
    let (name, stop) = (first.builder().to_owned(), CancellationToken::new());
    let mut progress = first.progress();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { first.run(&[&teams::PROJECTION], &stop).await }
    });
    progress.changed().await.unwrap();
    let second = rebuild_of(&lab, &store).await.run(&[&teams::PROJECTION], &CancellationToken::new()).await;
    let error = second.unwrap_err();
    assert!(matches!(error, RebuildError::Busy { .. }), "{error}");
    assert!(error.to_string().contains(&name), "{error}");
    stop.cancel();
    assert_eq!(running.await.unwrap().unwrap()[0].ended, Ended::Paused);
    let second = rebuild_of(&lab, &store).await.run(&[&teams::PROJECTION], &CancellationToken::new()).await;
    assert_eq!(digests(&second.unwrap()).len(), 1, "the other one has given it up");
}

#[tokio::test]
async fn given_old_rows_that_are_wrong_then_the_new_ones_take_their_place_and_it_is_said() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    append_many(&*store, 300).await;
    lab.runner(store.clone()).await.run_to_head().await.unwrap();
    lab.run_on_views("UPDATE teams_1 SET name = 'Evil' WHERE id < 3").await;
    let rebuilt = rebuild_of(&lab, &store).await.run(&[&teams::PROJECTION], &CancellationToken::new()).await;
    assert_eq!(rebuilt.unwrap()[0].ended, Ended::Switched { digest: None, wrong: 2 });
    lab.assert_views_are_the_fold(&*store).await;
}

#[tokio::test]
async fn given_a_rebuild_when_it_is_rolled_back_then_the_rows_before_it_are_brought_up_to_date_and_read() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    append_many(&*store, 300).await;
    let process = Process::start(lab.runner(store.clone()).await);
    let (stop, rebuild) = (CancellationToken::new(), rebuild_of(&lab, &store).await);
    let error = rebuild.roll_back(&teams::PROJECTION, &stop).await.unwrap_err();
    assert!(matches!(error, RebuildError::NothingKept("teams")), "{error}");
    rebuild.run(&[&teams::PROJECTION], &stop).await.unwrap();
    for number in 10..700 {
        append(&*store, team(number), 0, vec![created(number)]).await;
    }
    let back = rebuild_of(&lab, &store).await.roll_back(&teams::PROJECTION, &stop).await.unwrap();
    assert_eq!((back.generation, matches!(back.ended, Ended::Switched { .. })), (1, true));
    let head = append(&*store, team(10), 1, vec![flagged(true)]).await;
    process.models.wait_for(Position(head), LIMIT).await.unwrap();
    lab.assert_views_are_the_fold(&*store).await;
    process.stop().await;
}

#[tokio::test]
async fn given_commands_and_reads_that_go_on_when_it_is_rebuilt_then_none_fails_and_nothing_is_lost() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    append_many(&*store, EVENTS).await;
    let process = Process::start(lab.runner(store.clone()).await);
    let stop = CancellationToken::new();
    let writing = async {
        let mut number = 100;
        while !stop.is_cancelled() {
            let position = append(&*store, team(number), 0, vec![created(number)]).await;
            process.models.wait_for(Position(position), LIMIT).await.unwrap();
            let rows = process.models.views().rows(teams::PROJECTION.tables[0]).await.unwrap();
            assert_eq!(rows.len() as u64, number - 96, "each read sees every earlier write");
            number += 1;
        }
        number
    };
    let rebuilding = async {
        for _ in 0..4 {
            let job = rebuild_of(&lab, &store).await;
            let rebuilt = job.run(&[&teams::PROJECTION], &CancellationToken::new()).await.unwrap();
            assert_eq!(digests(&rebuilt).len(), 1, "{rebuilt:?}");
        }
        stop.cancel();
    };
    let (number, ()) = tokio::join!(writing, rebuilding);
    assert!(number > 110, "too little happened: {number}");
    assert!(process.models.status().trouble.is_none());
    lab.assert_views_are_the_fold(&*store).await;
    process.stop().await;
}

static SHOUTED: Table = Table {
    name: "shouted",
    key: &[Column::new("id", ColumnType::Integer)],
    columns: &[Column::new("version", ColumnType::Integer)],
    indexes: &[],
};
static FIRST: Projection = Projection {
    name: "shouted",
    version: 1,
    aggregates: &[muster_events::team::TYPE],
    tables: &[&SHOUTED],
    project: |entry, _| {
        vec![Change::put(&SHOUTED, [Value::id_of(&entry.stream)], [("version", 1_i64.into())])]
    },
};
static SECOND: Projection = Projection {
    name: "shouted",
    version: 2,
    aggregates: &[muster_events::team::TYPE],
    tables: &[&SHOUTED],
    project: |entry, _| {
        vec![Change::put(&SHOUTED, [Value::id_of(&entry.stream)], [("version", 2_i64.into())])]
    },
};

#[tokio::test]
async fn given_a_changed_version_then_the_old_rows_are_read_until_those_of_the_new_one_are_built() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    let before = append_many(&*store, 300).await;
    lab.runner_of(store.clone(), vec![&FIRST]).await.run_to_head().await.unwrap();
    let other: StreamId = team(9);
    append(&*store, other, 0, vec![created(9)]).await;
    // Another process builds, so that it can be seen what is read meanwhile.
    let views = lab.views().await;
    let incarnation = store.incarnation().to_string();
    views.prepare(&[&SECOND], &incarnation).await.unwrap();
    let Claim::Ours(building) = views.building(&SECOND, &incarnation, "another").await.unwrap() else {
        panic!()
    };
    let process = Process::start(lab.runner_of(store.clone(), vec![&SECOND]).await);
    let status = process.is(|status| status.applied == Some(Position(before + 1))).await;
    assert!(status.projections[0].is_outdated());
    assert_eq!(process.models.status().stale_for(None, &["shouted"]), Some(Position(before)));
    let rows = views.rows(&SHOUTED).await.unwrap();
    assert!(rows.len() == 3 && rows.values().all(|row| row[0] == Value::Integer(1)), "{rows:?}");
    views.give_up(&building).await.unwrap();
    let status = process.is(|status| status.projections.iter().all(|of| !of.is_outdated())).await;
    assert_eq!(status.projections[0].rows_of, 2);
    let head = append(&*store, team(10), 0, vec![created(10)]).await;
    process.models.wait_for(Position(head), LIMIT).await.unwrap();
    assert_eq!(process.models.status().stale_for(None, &["shouted"]), None);
    let rows = views.rows(&SHOUTED).await.unwrap();
    assert!(rows.len() == 5 && rows.values().all(|row| row[0] == Value::Integer(2)), "{rows:?}");
    process.stop().await;
}

#[tokio::test]
async fn given_a_changed_version_when_a_verb_reads_then_it_is_rebuilt_before() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    let head = append_many(&*store, 3_000).await;
    lab.runner_of(store.clone(), vec![&FIRST]).await.run_to_head().await.unwrap();
    let reached = lab.runner_of(store.clone(), vec![&SECOND]).await.run_to_head().await.unwrap();
    assert_eq!(reached, Position(head));
    let rows = lab.views().await.rows(&SHOUTED).await.unwrap();
    assert!(rows.len() == 3 && rows.values().all(|row| row[0] == Value::Integer(2)), "{rows:?}");
    let older = lab.runner_of(store, vec![&FIRST]).await.run_to_head().await.unwrap_err();
    assert!(older.to_string().contains("which a newer muster made"), "{older}");
}

//! Batches, checkpoints, and streams that are set aside.

use std::cell::Cell;

use muster_events::{
    event::Event,
    id::TeamId,
    stream::{Position, Sequence, StreamId},
    team::{self, TeamEvent},
};

use super::{LOG, Lab, Log, TestViews, id, on_every_database, organization, shown};
use crate::{
    all,
    change::Change,
    error::ViewError,
    projection::{LogEntry, Projection},
    table::{Column, ColumnType, Table, Value},
    teams::{self, TEAMS},
    views::{Outcome, Views},
};

on_every_database! {
    a_refused_event_parks_its_stream_in_that_projection_only
    an_event_that_cannot_be_read_parks_its_stream_where_its_aggregate_is_taken
    a_change_of_another_projections_table_is_refused
    a_projection_is_given_only_what_lies_after_its_own_checkpoint
    a_batch_that_does_not_continue_the_views_is_not_applied
    rows_of_another_incarnation_or_schema_are_built_anew
    rows_of_an_older_version_go_on_being_read_and_those_of_a_newer_one_are_refused
    tables_that_a_projection_no_longer_has_are_dropped
    two_processes_apply_every_event_once
    a_batch_can_be_applied_by_any_thread
    what_the_database_refuses_is_undone_and_its_stream_set_aside
}

pub(super) static NAMES: Table = Table {
    name: "names",
    key: &[Column::new("id", ColumnType::Integer)],
    columns: &[Column::new("name", ColumnType::Text)],
    indexes: &[],
};

/// Cannot take a team that is called "poison".
pub(super) static NAMES_OF_TEAMS: Projection = Projection {
    name: "names of teams",
    version: 1,
    aggregates: &[team::TYPE],
    tables: &[&NAMES],
    project: name_of_team,
};

fn name_of_team(entry: &LogEntry, event: &Event) -> Vec<Change> {
    let Event::Team(TeamEvent::TeamCreated { name, .. }) = event else { return vec![] };
    let row = Change::put(&NAMES, [Value::id_of(&entry.stream)], [("name", name.as_str().into())]);
    let poison = Change::delete(&NAMES, [Value::Null]);
    // Behind a change that could be carried out: it is undone with it.
    if name == "poison" { vec![row, poison] } else { vec![row] }
}

pub(super) fn created(number: u64, name: &str) -> (TeamId, TeamEvent) {
    let created = TeamEvent::TeamCreated {
        organization: organization(1),
        slug: format!("t{number}"),
        name: name.into(),
    };
    (id(TeamId::new, number), created)
}

/// Teams 1, 2, 3, then 1 and 2 again, so that a parked stream has something behind it.
pub(super) fn teams(second: &str) -> Log {
    let mut log = Log::default();
    for (number, name) in [(1, "one"), (2, second), (3, "three"), (1, "uno"), (2, "due")] {
        let (stream, event) = created(number, name);
        log.add(stream, event);
    }
    for entry in &mut log.entries {
        entry.organization = Some(organization(1));
    }
    log
}

pub(super) async fn names(views: &Views) -> Vec<String> {
    shown(&NAMES, &views.rows(&NAMES).await.unwrap())
}

async fn a_refused_event_parks_its_stream_in_that_projection_only(lab: &Lab) {
    let both: &[&'static Projection] = &[&NAMES_OF_TEAMS, &teams::PROJECTION];
    let entries = teams("poison").entries();
    for split in 0..entries.len() {
        let test = TestViews::new(lab).await;
        test.views.prepare(both, LOG).await.unwrap();
        test.applied(both, 0, &entries[..split]).await;
        let applied = test.applied(both, split as u64, &entries[split..]).await;
        assert_eq!(applied.living.iter().map(|at| at.position.0).collect::<Vec<_>>(), [5, 5]);
        assert_eq!(names(&test.views).await, ["1: name=uno", "3: name=three"], "split at {split}");
        assert_eq!(test.views.rows(&TEAMS).await.unwrap().len(), 3, "other projections go on");
        let [parked] = applied.parked.as_slice() else { panic!("{:?}", applied.parked) };
        assert_eq!(parked.projection, "names of teams");
        assert_eq!(parked.stream, StreamId::new(team::TYPE, "2"));
        assert_eq!(parked.organization, Some(organization(1)));
        assert_eq!((parked.first_position, parked.first_sequence), (Position(2), Sequence(1)));
        assert_eq!((parked.last_position, parked.events), (Position(5), 2));
        assert_eq!(parked.error, "a change does not fit the table names: id cannot be Null");
        assert_eq!(test.views.parked().await.unwrap(), applied.parked);
    }
}

async fn an_event_that_cannot_be_read_parks_its_stream_where_its_aggregate_is_taken(lab: &Lab) {
    let mut entries = teams("two").entries();
    entries[1].event = Err("TeamPainted with schema version 1 is not known to this version of muster".into());
    let unknown = LogEntry {
        position: Position(6),
        stream: StreamId::new("invoice", "1"),
        event: Err("aggregate type \"invoice\" is not known to this version of muster".into()),
        ..entries[4].clone()
    };
    entries.push(unknown);
    let test = TestViews::new(lab).await;
    let applied = test.applied(&all(), 0, &entries).await;
    let parked: Vec<_> =
        applied.parked.iter().map(|parked| (parked.projection.as_str(), parked.stream.to_string())).collect();
    assert_eq!(parked, [("teams", "team:2".to_owned())], "nothing takes an unknown aggregate");
    assert_eq!(test.views.rows(&TEAMS).await.unwrap().len(), 2);
}

async fn a_change_of_another_projections_table_is_refused(lab: &Lab) {
    static STRANGER: Projection = Projection {
        name: "stranger",
        version: 1,
        aggregates: &[team::TYPE],
        tables: &[&NAMES],
        project: |entry, _| vec![Change::delete(&TEAMS, [Value::id_of(&entry.stream)])],
    };
    let test = TestViews::of(lab, &teams("two")).await;
    test.views.prepare(&[&STRANGER], LOG).await.unwrap();
    let applied = test.applied(&[&STRANGER], 0, &teams("two").entries()).await;
    assert_eq!(applied.parked[0].error, "teams is no table of projection stranger");
    assert_eq!(test.views.rows(&TEAMS).await.unwrap().len(), 3);
}

async fn a_projection_is_given_only_what_lies_after_its_own_checkpoint(lab: &Lab) {
    // Each test has a thread of its own.
    thread_local! {
        static GIVEN: Cell<usize> = const { Cell::new(0) };
    }
    static COUNTED: Projection = Projection {
        name: "counted",
        version: 1,
        aggregates: &[team::TYPE],
        tables: &[&NAMES],
        project: |_, _| {
            GIVEN.set(GIVEN.get() + 1);
            vec![]
        },
    };
    let test = TestViews::new(lab).await;
    test.views.prepare(&[&COUNTED], LOG).await.unwrap();
    let entries = teams("two").entries();
    test.applied(&[&COUNTED], 0, &entries[..3]).await;
    let behind = test.applied(&[&COUNTED], 0, &entries[..2]).await;
    assert_eq!(behind.living[0].position, Position(3), "what another process did stays done");
    test.applied(&[&COUNTED, &teams::PROJECTION], 0, &entries).await;
    assert_eq!(GIVEN.get(), entries.len());
    assert_eq!(test.views.rows(&TEAMS).await.unwrap().len(), 3);
}

async fn a_batch_that_does_not_continue_the_views_is_not_applied(lab: &Lab) {
    let test = TestViews::new(lab).await;
    let entries = teams("two").entries();
    for (incarnation, after) in [(LOG, 1), ("00000002", 0)] {
        let outcome =
            test.views.apply(&all(), incarnation, Position(after), &entries[1..], None).await.unwrap();
        assert!(matches!(outcome, Outcome::Moved), "after {after} of {incarnation}: {outcome:?}");
    }
    assert!(test.views.rows(&TEAMS).await.unwrap().is_empty());
}

static INDEXED_NAMES: Table = Table {
    name: "names",
    key: &[Column::new("id", ColumnType::Integer)],
    columns: &[Column::new("name", ColumnType::Text)],
    indexes: &[&["name"]],
};

static NEXT_VERSION: Projection = Projection {
    name: "names of teams",
    version: 2,
    aggregates: &[team::TYPE],
    tables: &[&NAMES],
    project: name_of_team,
};

static NEXT_SCHEMA: Projection = Projection {
    name: "names of teams",
    version: 1,
    aggregates: &[team::TYPE],
    tables: &[&INDEXED_NAMES],
    project: name_of_team,
};

static LONGER_NAMES: Table = Table {
    name: "names",
    key: &[Column::new("id", ColumnType::Integer)],
    columns: &[Column::new("name", ColumnType::Text), Column::optional("nick", ColumnType::Text)],
    indexes: &[],
};

static NEXT_VERSION_AND_COLUMNS: Projection = Projection {
    name: "names of teams",
    version: 2,
    aggregates: &[team::TYPE],
    tables: &[&LONGER_NAMES],
    project: |_, _| vec![],
};

async fn rows_of_another_incarnation_or_schema_are_built_anew(lab: &Lab) {
    let cases: [(&'static Projection, &str, bool); 3] =
        [(&NAMES_OF_TEAMS, LOG, true), (&NAMES_OF_TEAMS, "00000002", false), (&NEXT_SCHEMA, LOG, false)];
    for (projection, incarnation, kept) in cases {
        let test = TestViews::new(lab).await;
        test.views.prepare(&[&NAMES_OF_TEAMS], LOG).await.unwrap();
        test.applied(&[&NAMES_OF_TEAMS], 0, &teams("poison").entries()).await;
        let prepared = test.views.prepare(&[projection], incarnation).await.unwrap();
        assert_eq!(prepared.living[0].position, Position(if kept { 5 } else { 0 }));
        assert_eq!(names(&test.views).await.len(), if kept { 2 } else { 0 });
        assert_eq!(test.views.parked().await.unwrap().len(), usize::from(kept));
    }
}

async fn rows_of_an_older_version_go_on_being_read_and_those_of_a_newer_one_are_refused(lab: &Lab) {
    let test = TestViews::new(lab).await;
    test.views.prepare(&[&NAMES_OF_TEAMS], LOG).await.unwrap();
    test.applied(&[&NAMES_OF_TEAMS], 0, &teams("poison").entries()).await;
    let prepared = test.views.prepare(&[&NEXT_VERSION], LOG).await.unwrap();
    assert_eq!((prepared.living[0].version, prepared.living[0].position), (1, Position(5)));
    assert_eq!(names(&test.views).await.len(), 2);
    let outcome = test.views.apply(&[&NEXT_VERSION], LOG, Position(5), &[], None).await.unwrap();
    assert!(matches!(outcome, Outcome::Moved), "they are not applied to: {outcome:?}");
    // Rows that the queries of this version could not read are begun anew.
    let prepared = test.views.prepare(&[&NEXT_VERSION_AND_COLUMNS], LOG).await.unwrap();
    assert_eq!((prepared.living[0].version, prepared.living[0].position), (2, Position(0)));
    for refused in
        [test.views.prepare(&[&NAMES_OF_TEAMS], LOG).await, test.views.look(&[&NAMES_OF_TEAMS], LOG).await]
    {
        let ViewError::Unusable(said) = refused.unwrap_err() else { panic!() };
        assert!(said.starts_with("the read model names of teams is of version 2, which a newer"), "{said}");
    }
}

async fn tables_that_a_projection_no_longer_has_are_dropped(lab: &Lab) {
    static OTHER: Table = Table {
        name: "other_names",
        key: &[Column::new("id", ColumnType::Integer)],
        columns: &[],
        indexes: &[],
    };
    static MOVED: Projection = Projection {
        name: "names of teams",
        version: 2,
        aggregates: &[team::TYPE],
        tables: &[&OTHER],
        project: |entry, _| vec![Change::put(&OTHER, [Value::id_of(&entry.stream)], [])],
    };
    let test = TestViews::new(lab).await;
    test.views.prepare(&[&NAMES_OF_TEAMS], LOG).await.unwrap();
    test.views.prepare(&[&MOVED], LOG).await.unwrap();
    assert!(matches!(test.views.rows(&NAMES).await, Err(ViewError::Unavailable(_))), "the old table is gone");
    test.applied(&[&MOVED], 0, &teams("two").entries()).await;
    assert_eq!(shown(&OTHER, &test.views.rows(&OTHER).await.unwrap()), ["1: ", "2: ", "3: "]);
}

async fn two_processes_apply_every_event_once(lab: &Lab) {
    let test = TestViews::new(lab).await;
    let other = lab.open().await;
    let entries = teams("two").entries();
    let feed = async |views: &Views| {
        for (after, entry) in (0..).zip(&entries) {
            views.apply(&all(), LOG, Position(after), std::slice::from_ref(entry), None).await.unwrap();
        }
    };
    tokio::join!(feed(&test.views), feed(&other));
    test.assert_same_as(&teams("two").in_memory(1)).await;
}

/// Holds when it compiles: what a server runs in the background has to.
async fn a_batch_can_be_applied_by_any_thread(lab: &Lab) {
    let views = TestViews::new(lab).await.views;
    let entries = teams("two").entries();
    let applied = tokio::spawn(async move {
        views.prepare(&all(), LOG).await.unwrap();
        views.apply(&all(), LOG, Position::ZERO, &entries, None).await.unwrap()
    });
    assert!(matches!(applied.await.unwrap(), Outcome::Applied(_)));
}

static INITIALS: Table =
    Table { name: "initials", key: &[Column::new("name", ColumnType::Text)], columns: &[], indexes: &[] };

async fn what_the_database_refuses_is_undone_and_its_stream_set_aside(lab: &Lab) {
    /// Tells the database of the initials first, in the order of the tables' names.
    static NAMES_AND_INITIALS: Projection = Projection {
        name: "names and initials",
        version: 1,
        aggregates: &[team::TYPE],
        tables: &[&INITIALS, &NAMES],
        project: |entry, event| {
            let mut changes = name_of_team(entry, event);
            if let Event::Team(TeamEvent::TeamCreated { name, .. }) = event {
                changes.push(Change::put(&INITIALS, [name[..1].into()], []));
            }
            changes
        },
    };
    let test = TestViews::new(lab).await;
    test.views.prepare(&[&NAMES_AND_INITIALS], LOG).await.unwrap();
    let refuse = "CREATE TRIGGER no_two BEFORE INSERT ON names_1 WHEN new.name = 'zwei' \
        BEGIN SELECT RAISE(ABORT, 'no two'); END";
    lab.harm(refuse, "ALTER TABLE views.names_1 ADD CONSTRAINT no_two CHECK (name <> 'zwei')").await;
    let entries = teams("zwei").entries();
    test.applied(&[&NAMES_AND_INITIALS], 0, &entries[..3]).await;
    let applied = test.applied(&[&NAMES_AND_INITIALS], 3, &entries[3..]).await;
    assert_eq!(names(&test.views).await, ["1: name=uno", "3: name=three"]);
    let initials = shown(&INITIALS, &test.views.rows(&INITIALS).await.unwrap());
    assert_eq!(initials, ["o: ", "t: ", "u: "]);
    assert_eq!((applied.parked[0].first_position, applied.parked[0].events), (Position(2), 2));
    assert!(applied.parked[0].error.contains("no_two") || applied.parked[0].error.contains("no two"));
    assert_eq!(test.views.parked().await.unwrap(), applied.parked);
}

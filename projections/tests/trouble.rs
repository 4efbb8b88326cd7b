//! What a Postgres server can do to the views: it is said to be for now, and they go on by themselves.

use muster_events::{id::TeamId, stream::Position, team::TeamEvent};
use sqlx::{ConnectOptions as _, Connection as _, raw_sql};

use super::{
    LOG, Lab, Log, TestViews, id, organization,
    postgres::{Database, pool},
};
use crate::{
    error::ViewError,
    teams::{self, TEAMS},
    views::{Outcome, Views},
};

async fn apply(views: &Views) -> Result<Outcome, ViewError> {
    let slug = "t".into();
    let created = TeamEvent::TeamCreated { organization: organization(1), slug, name: "T".into() };
    let entries = Log::default().and(id(TeamId::new, 1), created).entries();
    views.apply(&[&teams::PROJECTION], LOG, Position::ZERO, &entries, None).await
}

async fn database_and_views(lab: &Lab) -> (&Database, TestViews) {
    let Lab::Postgres(database) = lab else { panic!("this is about Postgres") };
    (database, TestViews::new(lab).await)
}

#[tokio::test]
async fn a_server_that_cuts_connections_off_is_connected_to_again() {
    let lab = Lab::postgres().await;
    let (database, test) = database_and_views(&lab).await;
    let mut reading = test.views.reading().await.unwrap();
    let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(database.number(ended).await > 0);
    let query = crate::database::Query::new("SELECT 1 AS n FROM teams");
    let error = ViewError::from(reading.rows(&query).await.err().unwrap());
    assert!(matches!(error, ViewError::Unavailable(_)), "{error}");
    drop(reading);
    assert_eq!(test.views.rows(&TEAMS).await.unwrap().len(), 0);
    assert!(matches!(apply(&test.views).await.unwrap(), Outcome::Applied(_)));
    assert_eq!(test.views.rows(&TEAMS).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_lock_that_another_process_keeps_is_waited_for_and_then_tried_again() {
    let lab = Lab::postgres().await;
    let (database, test) = database_and_views(&lab).await;
    let mut other = database.options().connect().await.unwrap();
    // What a process that was stopped in the midst of a batch holds.
    let lock = "BEGIN; SELECT pg_advisory_xact_lock(1836283511)";
    raw_sql(lock).execute(&mut other).await.unwrap();
    for _ in 0..2 {
        let error = apply(&test.views).await.unwrap_err();
        assert!(matches!(error, ViewError::Unavailable(_)), "{error}");
        assert!(error.to_string().contains("lock timeout"), "{error}");
    }
    assert_eq!(test.views.rows(&TEAMS).await.unwrap().len(), 0, "readers are not held up");
    other.close().await.unwrap();
    assert!(matches!(apply(&test.views).await.unwrap(), Outcome::Applied(_)));
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_tried_again() {
    let lab = Lab::postgres().await;
    let (database, _) = database_and_views(&lab).await;
    let impatient = || pool(2, database.options().options([("statement_timeout", "300")]));
    let views = Views::open_postgres(impatient(), impatient()).await.unwrap();
    let mut other = database.options().connect().await.unwrap();
    raw_sql("BEGIN; LOCK TABLE views.teams_1").execute(&mut other).await.unwrap();
    for error in [apply(&views).await.unwrap_err(), views.rows(&TEAMS).await.unwrap_err()] {
        assert!(matches!(error, ViewError::Unavailable(_)), "{error}");
        assert!(error.to_string().contains("statement timeout"), "{error}");
    }
    other.close().await.unwrap();
    assert!(matches!(apply(&views).await.unwrap(), Outcome::Applied(_)));
}

#[tokio::test]
async fn tables_that_somebody_dropped_or_changed_are_made_again() {
    let lab = Lab::postgres().await;
    let (database, test) = database_and_views(&lab).await;
    for harm in [
        "DROP TABLE views.teams_1 CASCADE",
        "DROP VIEW views.teams",
        "ALTER TABLE views.teams_3 ADD COLUMN colour text",
        "DROP INDEX views.teams_4_by_organization_id_and_slug",
        "DROP SCHEMA views CASCADE",
    ] {
        assert!(matches!(apply(&test.views).await.unwrap(), Outcome::Applied(_)));
        assert_eq!(test.views.rows(&TEAMS).await.unwrap().len(), 1);
        database.run(harm).await;
        let prepared = test.views.prepare(&[&teams::PROJECTION], LOG).await.unwrap();
        assert_eq!(prepared.living[0].position, Position::ZERO, "{harm}");
        assert_eq!(test.views.rows(&TEAMS).await.unwrap().len(), 0, "{harm}");
    }
}

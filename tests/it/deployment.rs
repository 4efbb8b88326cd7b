//! What belongs together, in a data directory or a database, and what happens when part of it is lost or put back.

use std::{fs, path::Path};

use muster::deployment::{Deployment, DeploymentOptions, OpenError};
use muster_events::stream::Position;
use tempfile::TempDir;

use crate::support::{Place, is_without_files};

async fn open(place: &Place) -> Result<Deployment, OpenError> {
    Deployment::open(&place.options()).await
}

/// Makes a ledger whose views have seen its first event.
async fn make(place: &Place) {
    make_at(&place.options()).await;
}

async fn make_at(options: &DeploymentOptions) {
    let deployment = Deployment::open(options).await.unwrap();
    deployment.runner().run_to_head().await.unwrap();
    deployment.views.close().await;
}

/// Loses the log or the keys.
async fn lose(place: &Place, part: &str) {
    match &place.database {
        None => remove(place.path(), &format!("{part}.db")),
        Some(_) => run(place, &format!("DROP SCHEMA {part} CASCADE")).await,
    }
}

fn remove(data: &Path, name: &str) {
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(data.join(format!("{name}{ending}")));
    }
}

/// Runs statements on the database.
async fn run(place: &Place, statements: &str) {
    use sqlx::Executor as _;
    let mut connection = place.database.as_ref().unwrap().connection().await;
    connection.execute(sqlx::raw_sql(statements)).await.unwrap();
}

/// What a part of the ledger is called in what is said to people.
fn called(place: &Place, part: &str) -> String {
    if place.database.is_some() { format!("schema {part}") } else { format!("{part}.db") }
}

#[tokio::test]
async fn a_log_without_its_keys_is_refused_and_no_new_keys_are_made() {
    let place = Place::new().await;
    make(&place).await;
    lose(&place, "keys").await;
    for _ in 0..2 {
        let refused = open(&place).await.unwrap_err().to_string();
        assert!(refused.contains(&format!("{} is gone from", called(&place, "keys"))), "{refused}");
    }
    assert!(!place.path().join("keys.db").exists());
}

#[tokio::test]
async fn keys_whose_log_is_gone_are_refused() {
    let place = Place::new().await;
    make(&place).await;
    lose(&place, "log").await;
    for _ in 0..2 {
        let refused = open(&place).await.unwrap_err().to_string();
        assert!(refused.contains(&format!("{} is gone from", called(&place, "log"))), "{refused}");
    }
}

#[tokio::test]
async fn keys_of_another_ledger_are_refused() {
    let place = Place::new().await;
    make(&place).await;
    if place.database.is_some() {
        run(&place, "UPDATE log.deployment SET hash_key = 'another'").await;
    } else {
        let other = Place::new().await;
        make(&other).await;
        remove(place.path(), "keys.db");
        for file in ["keys.db", "master.key"] {
            fs::copy(other.path().join(file), place.path().join(file)).unwrap();
        }
    }
    let refused = open(&place).await.unwrap_err().to_string();
    assert!(refused.contains("do not belong"), "{refused}");
}

/// Puts the log back to where it had one event.
async fn put_back(place: &Place, earlier: Option<&[u8]>) {
    if let Some(earlier) = earlier {
        remove(place.path(), "log.db");
        fs::write(place.path().join("log.db"), earlier).unwrap();
    } else {
        let delete = "ALTER TABLE log.events DISABLE TRIGGER USER; DELETE FROM log.events WHERE position > 1; \
             ALTER TABLE log.events ENABLE ALWAYS TRIGGER events_are_not_changed; \
             ALTER TABLE log.events ENABLE ALWAYS TRIGGER events_of_others_are_placed; DELETE FROM log.claims";
        run(place, delete).await;
    }
}

#[tokio::test]
async fn a_log_that_was_put_back_to_an_earlier_state_is_another_incarnation() {
    let place = Place::new().await;
    make(&place).await;
    let earlier = fs::read(place.path().join("log.db")).ok();
    let before = {
        let deployment = open(&place).await.unwrap();
        let token = deployment.ledger.new_token_id();
        let later = muster::ledger::operations::RegisterUser {
            username: format!("late-{token}"),
            name: None,
            emails: vec![("late@example.com".into(), false)],
            authenticators: vec![],
            superuser: false,
            active: true,
            or_existing: false,
        };
        let meta = muster::ledger::CommandMeta::system();
        deployment.ledger.execute(&later, &meta, muster::ledger::Turn::unkeyed()).await.unwrap();
        assert_eq!(deployment.runner().run_to_head().await.unwrap(), Position(2));
        deployment.views.close().await;
        deployment.ledger.store().incarnation()
    };
    put_back(&place, earlier.as_deref()).await;
    let deployment = open(&place).await.unwrap();
    assert_ne!(deployment.ledger.store().incarnation(), before);
    assert_eq!(deployment.runner().run_to_head().await.unwrap(), Position(1), "the views begin anew");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_look_into_a_new_data_directory() {
    use std::os::unix::fs::PermissionsExt;
    if is_without_files("a new data directory") {
        return;
    }
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    make_at(&DeploymentOptions::directory(&data)).await;
    let mode = fs::metadata(data).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

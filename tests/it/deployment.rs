//! What belongs together in a data directory, and what happens when part of it is lost or put back.

use std::{fs, path::Path};

use muster::deployment::{Deployment, DeploymentOptions, OpenError};
use muster_events::stream::Position;
use tempfile::TempDir;

fn options(directory: &TempDir) -> DeploymentOptions {
    DeploymentOptions::directory(directory.path().join("data"))
}

async fn open(directory: &TempDir) -> Result<Deployment, OpenError> {
    Deployment::open(&options(directory)).await
}

/// Makes a ledger whose views have seen its first event.
async fn make(directory: &TempDir) {
    let deployment = open(directory).await.unwrap();
    deployment.runner().run_to_head().await.unwrap();
    deployment.views.close().await;
}

fn remove(data: &Path, name: &str) {
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(data.join(format!("{name}{ending}")));
    }
}

#[tokio::test]
async fn a_log_without_its_keys_is_refused_and_no_new_keys_are_made() {
    let directory = TempDir::new().unwrap();
    make(&directory).await;
    let data = options(&directory).data;
    remove(&data, "keys.db");
    let refused = open(&directory).await.unwrap_err().to_string();
    assert!(refused.contains("keys.db is gone"), "{refused}");
    assert!(!data.join("keys.db").exists());
}

#[tokio::test]
async fn keys_whose_log_is_gone_are_refused() {
    let directory = TempDir::new().unwrap();
    make(&directory).await;
    remove(&options(&directory).data, "log.db");
    let refused = open(&directory).await.unwrap_err().to_string();
    assert!(refused.contains("log.db is gone"), "{refused}");
}

#[tokio::test]
async fn keys_of_another_ledger_are_refused() {
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    make(&one).await;
    make(&other).await;
    let (data, of_other) = (options(&one).data, options(&other).data);
    remove(&data, "keys.db");
    for file in ["keys.db", "master.key"] {
        fs::copy(of_other.join(file), data.join(file)).unwrap();
    }
    let refused = open(&one).await.unwrap_err().to_string();
    assert!(refused.contains("do not belong"), "{refused}");
}

#[tokio::test]
async fn a_log_that_was_put_back_to_an_earlier_state_is_another_incarnation() {
    let directory = TempDir::new().unwrap();
    make(&directory).await;
    let data = options(&directory).data;
    let earlier = fs::read(data.join("log.db")).unwrap();
    let before = {
        let deployment = open(&directory).await.unwrap();
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
    remove(&data, "log.db");
    fs::write(data.join("log.db"), earlier).unwrap();
    let deployment = open(&directory).await.unwrap();
    assert_ne!(deployment.ledger.store().incarnation(), before);
    assert_eq!(deployment.runner().run_to_head().await.unwrap(), Position(1), "the views begin anew");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_look_into_a_new_data_directory() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().unwrap();
    make(&directory).await;
    let mode = fs::metadata(options(&directory).data).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

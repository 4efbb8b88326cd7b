//! What is refused when the views are opened, and how it is said.

use std::path::Path;

use crate::{error::ViewError, views::Views};

async fn refusal(path: &Path) -> String {
    match Views::open(path).await {
        Err(ViewError::Unusable(text)) => text.replace(&path.display().to_string(), "FILE"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_no_database_of_views_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("views.db");

    std::fs::write(&path, "not a database, but long enough to be taken for one at first sight ".repeat(20))
        .unwrap();
    let text = refusal(&path).await;
    assert_eq!(text, "FILE is not a database: delete it; the views are built again from the log");

    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let text = refusal(&path).await;
    assert_eq!(text, "FILE is a directory: name the file that the views are to be kept in");

    let text = refusal(&directory.path().join("none").join("views.db")).await;
    assert!(text.starts_with("there is no directory "), "{text}");
}

#[tokio::test]
async fn a_database_of_another_program_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("views.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("CREATE TABLE members (id INTEGER)").execute(&pool).await.unwrap();
    pool.close().await;
    let text = refusal(&path).await;
    assert_eq!(text, "FILE is a database of another program: name another data directory");
}

#[tokio::test]
async fn many_processes_can_make_the_file_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("views.db");
    let open = || async {
        let views = Views::open(&path).await.unwrap();
        views.prepare(&crate::all(), super::LOG).await.unwrap().len()
    };
    let opened = tokio::join!(open(), open(), open(), open());
    assert_eq!(opened, (5, 5, 5, 5));
}

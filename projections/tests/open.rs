//! What is refused when the views are opened, and how it is said.

use std::path::Path;

use muster_events::{id::TeamId, stream::Position, team::TeamEvent};
use sqlx::postgres::PgConnectOptions;

use super::{
    LOG, Lab, Log, TestViews, id, on_every_database, organization,
    postgres::{Database, pool},
};
use crate::{all, error::ViewError, views::Views};

on_every_database! {
    many_processes_can_make_the_views_at_once
    views_that_are_opened_again_are_not_built_again
}

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

async fn many_processes_can_make_the_views_at_once(lab: &Lab) {
    let open = || async {
        let views = lab.open().await;
        views.prepare(&crate::all(), LOG).await.unwrap().living.len()
    };
    let opened = tokio::join!(open(), open(), open(), open());
    let count = all().len();
    assert_eq!(opened, (count, count, count, count));
}

async fn views_that_are_opened_again_are_not_built_again(lab: &Lab) {
    let created =
        TeamEvent::TeamCreated { organization: organization(1), slug: "t".into(), name: "T".into() };
    let log = Log::default().and(id(TeamId::new, 1), created);
    let test = TestViews::of(lab, &log).await;
    test.views.close().await;
    let views = lab.open().await;
    let at = |living: Vec<crate::views::Generation>| {
        living.iter().map(|living| living.position).collect::<Vec<_>>()
    };
    assert_eq!(at(views.living().await.unwrap()), vec![Position(1); all().len()]);
    assert_eq!(at(views.prepare(&all(), LOG).await.unwrap().living), vec![Position(1); all().len()]);
}

async fn refusal_of_postgres(options: PgConnectOptions) -> String {
    let new_pool = || pool(2, options.clone());
    match Views::open_postgres(new_pool(), new_pool()).await {
        Err(ViewError::Unusable(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_schema_of_another_program_is_left_alone() {
    let database = Database::create().await;
    database.run("CREATE SCHEMA views; CREATE TABLE views.members (id integer)").await;
    let text = refusal_of_postgres(database.options()).await;
    assert!(text.starts_with("the schema views of the database belongs to another program:"), "{text}");
    // An empty one may have been made for us.
    database.run("DROP TABLE views.members").await;
    Views::open_postgres(database.pool(2), database.pool(2)).await.unwrap();
    Views::open_postgres(database.pool(2), database.pool(2)).await.unwrap();
}

#[tokio::test]
async fn a_user_who_owns_nothing_but_the_schema_is_enough() {
    let database = Database::create().await;
    let user = format!("{}_user", database.options().get_database().unwrap());
    database.run(&format!("CREATE ROLE {user} LOGIN PASSWORD 'secret'")).await;
    let options = database.options().username(&user).password("secret");
    let text = refusal_of_postgres(options.clone()).await;
    assert!(text.starts_with("the schema views cannot be made (error returned from database"), "{text}");

    database.run(&format!("CREATE SCHEMA views AUTHORIZATION {user}")).await;
    let new_pool = || pool(2, options.clone());
    let views = Views::open_postgres(new_pool(), new_pool()).await.unwrap();
    assert_eq!(views.prepare(&all(), LOG).await.unwrap().living.len(), all().len());
    views.close().await;
    database.run(&format!("DROP OWNED BY {user}; DROP ROLE {user}")).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_may_come_back() {
    let database = Database::create().await;
    // Nothing listens on the port of TCP multiplexing.
    let options = database.options().host("127.0.0.1").port(1);
    let new_pool = || pool(1, options.clone());
    let error = Views::open_postgres(new_pool(), new_pool()).await.unwrap_err();
    assert!(matches!(error, ViewError::Unavailable(_)), "{error}");
}

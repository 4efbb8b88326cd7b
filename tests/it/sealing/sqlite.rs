//! The promises for keys in SQLite, and what only a file can be.

use std::{fs, path::Path};

use muster::sealing::{SealingError, SqliteKeyStore};
use tempfile::TempDir;

use super::{Store, promises};

promises!(Store::Sqlite);

fn database_error(opened: Result<SqliteKeyStore, SealingError>, path: &Path) -> String {
    let text = opened.unwrap_err().to_string();
    assert!(text.contains(path.to_str().unwrap()), "the file is not named: {text}");
    text
}

#[tokio::test]
async fn a_file_that_is_no_key_database_is_refused_and_left_as_it_is() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("keys.db");
    let opened = || SqliteKeyStore::open(&path);

    fs::write(&path, "a letter, not a database".repeat(500)).unwrap();
    let text = database_error(opened().await, &path);
    assert!(text.contains("does not hold the keys of muster"), "{text}");
    assert!(fs::read(&path).unwrap().starts_with(b"a letter"));

    fs::remove_file(&path).unwrap();
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE theirs (x)").unwrap();
    let text = database_error(opened().await, &path);
    assert!(text.contains("another program"), "{text}");

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let text = database_error(opened().await, &path);
    assert!(text.contains("is a directory"), "{text}");

    let nowhere = directory.path().join("no such directory/keys.db");
    let text = database_error(SqliteKeyStore::open(&nowhere).await, &nowhere);
    assert!(text.contains("check that its directory exists"), "{text}");

    let newer = directory.path().join("newer.db");
    drop(SqliteKeyStore::open(&newer).await.unwrap());
    let raw = rusqlite::Connection::open(&newer).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    let text = database_error(SqliteKeyStore::open(&newer).await, &newer);
    assert!(text.contains("newer muster"), "{text}");
}

//! What cannot be opened, and that it is said what to mend.

use std::{fs, path::Path, sync::Arc, thread};

use muster::{
    clock::SystemClock,
    store::{Incarnation, Store, StoreError, sqlite::SqliteStore},
};
use rusqlite::Connection;

use super::{super::lab::skipped, SqliteLab};

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, Arc::new(SystemClock))
}

/// What is said when `path` cannot be opened, without the path.
fn refusal(path: &Path) -> String {
    match open(path) {
        Err(StoreError::Unusable(text)) => text.replace(&path.display().to_string(), "LOG"),
        other => panic!("not unusable but {other:?}"),
    }
}

#[test]
fn what_is_no_database_is_refused() {
    let lab = SqliteLab::new();
    let sentence = "LOG is not a log of muster (file is not a database): it holds something else, or is encrypted; \
                    name another data directory, or put the right file back from a backup";
    for content in [b"hello".to_vec(), vec![0xA7; 8192], b"SQLite format 4\0".repeat(512)] {
        fs::write(lab.path(), &content).unwrap();
        assert_eq!(refusal(&lab.path()), sentence);
        assert_eq!(fs::read(lab.path()).unwrap(), content, "the file was changed");
    }
}

#[test]
fn the_database_of_another_program_is_refused_and_left_alone() {
    let lab = SqliteLab::new();
    let sentence = "LOG is a database of another program: name another data directory";
    lab.connection().execute_batch("CREATE TABLE theirs (id)").unwrap();
    let before = fs::read(lab.path()).unwrap();
    assert_eq!(refusal(&lab.path()), sentence);
    assert_eq!(fs::read(lab.path()).unwrap(), before, "the file was changed");
    lab.connection().execute_batch("DROP TABLE theirs; PRAGMA application_id = 7").unwrap();
    assert_eq!(refusal(&lab.path()), sentence);
}

#[test]
fn a_newer_schema_is_refused() {
    let lab = SqliteLab::new();
    drop(open(&lab.path()).unwrap());
    lab.connection().pragma_update(None, "user_version", 99).unwrap();
    assert_eq!(refusal(&lab.path()), "LOG has schema 99, this muster knows 2: use the newer muster");
}

#[test]
fn a_place_where_no_file_can_be_is_refused() {
    let lab = SqliteLab::new();
    let directory = lab.0.path().display().to_string();
    let text = refusal(&lab.0.path().join("none/log.db")).replace(&directory, "DIR");
    assert_eq!(text, "there is no directory DIR/none: create it, or name another data directory");
    fs::write(lab.0.path().join("file"), "").unwrap();
    let text = refusal(&lab.0.path().join("file/log.db")).replace(&directory, "DIR");
    assert_eq!(text, "there is no directory DIR/file: create it, or name another data directory");
    assert_eq!(refusal(lab.0.path()), "LOG is a directory: name the file that the log is to be kept in");
}

#[test]
#[cfg(unix)]
fn a_file_that_may_not_be_written_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let lab = SqliteLab::new();
    drop(open(&lab.path()).unwrap());
    fs::set_permissions(lab.path(), fs::Permissions::from_mode(0o444)).unwrap();
    if fs::OpenOptions::new().write(true).open(lab.path()).is_ok() {
        return skipped(&lab, "a file that may not be written is refused", "this user may write every file");
    }
    let sentence = "LOG cannot be written: give this user the right to write the file and its directory";
    assert_eq!(refusal(&lab.path()), sentence);
}

/// Nobody can make a file in `/proc`, whatever rights he has.
#[test]
#[cfg(target_os = "linux")]
fn a_directory_in_which_no_file_can_be_made_is_refused() {
    let text = refusal(Path::new("/proc/self/log.db"));
    assert!(text.starts_with("LOG cannot be opened (unable to open database file"), "{text}");
    assert!(text.ends_with("check that this user may read and write it and its directory"), "{text}");
}

#[test]
fn an_empty_file_becomes_a_log() {
    let lab = SqliteLab::new();
    fs::write(lab.path(), "").unwrap();
    drop(open(&lab.path()).unwrap());
    drop(open(&lab.path()).unwrap());
}

#[test]
fn processes_that_make_the_log_at_one_instant_open_the_same_one() {
    for _ in 0..20 {
        let lab = SqliteLab::new();
        let incarnations: Vec<Incarnation> = thread::scope(|scope| {
            let opening = (0..4).map(|_| scope.spawn(|| open(&lab.path()).unwrap().incarnation()));
            let opening: Vec<_> = opening.collect();
            opening.into_iter().map(|opened| opened.join().unwrap()).collect()
        });
        assert!(incarnations.iter().all(|one| *one == incarnations[0]), "{incarnations:?}");
    }
}

#[test]
fn every_commit_is_synced() {
    let lab = SqliteLab::new();
    drop(open(&lab.path()).unwrap());
    let connection: Connection = lab.connection();
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

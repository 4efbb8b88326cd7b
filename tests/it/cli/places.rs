//! Data directories and databases that cannot be used, and disks that are full: a clear error, nothing half-written, no
//! panic.

use std::fs;

use super::{EXAMPLE, Muster, Ran, SMALL};
use crate::support::{is_without_database, is_without_files};

/// Forms of "cannot be written" that hold for every user, the superuser too.
#[test]
fn a_directory_that_cannot_be_written_is_named_with_its_flag() {
    if is_without_files("a directory that cannot be written") {
        return;
    }
    let muster = Muster::new();
    let small = muster.file("small.json", SMALL);
    let a_file = muster.file("a-file", "");
    for data in [a_file.as_str(), "/dev/null/x", "/proc/nowhere"] {
        for arguments in [
            &["import", &small][..],
            &["serve", "--listen", "127.0.0.1:0"],
            &["user", "add", "a@example.com"],
        ] {
            let mut command = muster.command(arguments);
            let ran = Ran::of(command.env("MUSTER_DATA", data)).failed("--data");
            assert!(ran.stderr.contains(data), "{}", ran.stderr);
        }
        for arguments in [&["org", "list"][..], &["events", "list"], &["doctor"]] {
            let mut command = muster.command(arguments);
            Ran::of(command.env("MUSTER_DATA", data)).failed("--data");
        }
    }
}

#[test]
fn reading_makes_no_ledger() {
    let muster = Muster::new();
    for arguments in
        [&["org", "list"][..], &["user", "list"], &["events", "export"], &["doctor"], &["keys", "check"]]
    {
        muster.run(arguments).failed("there is no ledger in");
    }
    assert!(!muster.has_ledger());
}

#[test]
fn a_file_of_the_log_that_is_no_database_is_refused_and_left_alone() {
    if is_without_files("a file that is no database") {
        return;
    }
    let muster = Muster::small();
    let log = muster.data().join("log.db");
    let text = "these are a few notes, not a database. ".repeat(200);
    for file in ["log.db-wal", "log.db-shm"] {
        let _ = fs::remove_file(muster.data().join(file));
    }
    fs::write(&log, &text).unwrap();
    for arguments in [
        &["org", "list"][..],
        &["import", &muster.file("small.json", SMALL)],
        &["serve", "--listen", "127.0.0.1:0"],
        &["doctor"],
    ] {
        muster.run(arguments).failed("log.db");
    }
    assert_eq!(fs::read_to_string(&log).unwrap(), text);
}

#[test]
fn a_database_that_cannot_be_used_is_named_and_its_url_is_to_be_checked() {
    if is_without_database("a database that cannot be used") {
        return;
    }
    let muster = Muster::new();
    let database = muster.database.as_ref().unwrap();
    let nowhere = database.url().replace("/muster_test_", "/nowhere_");
    let closed = "postgres://127.0.0.1:1/ledger";
    for (url, place, says) in [
        (nowhere.as_str(), "nowhere_", "--database-url"),
        (closed, "ledger on 127.0.0.1:1", "cannot be opened"),
    ] {
        for arguments in [
            &["import", &muster.file("small.json", SMALL)][..],
            &["serve", "--listen", "127.0.0.1:0"],
            &["user", "add", "a@example.com"],
            &["org", "list"],
            &["doctor"],
        ] {
            let mut command = muster.command(arguments);
            let ran = Ran::of(command.env("MUSTER_DATABASE_URL", url)).failed(says);
            assert!(ran.stderr.contains(place), "{}", ran.stderr);
        }
    }
    assert!(!muster.has_ledger());
}

#[test]
fn a_schema_of_another_program_is_refused_and_left_alone() {
    if is_without_database("a schema of another program") {
        return;
    }
    let muster = Muster::new();
    let database = muster.database.as_ref().unwrap();
    database.run_blocking(
        "CREATE SCHEMA log; CREATE TABLE log.events (note text); \
         INSERT INTO log.events VALUES ('these are a few notes')",
    );
    for arguments in [
        &["org", "list"][..],
        &["import", &muster.file("small.json", SMALL)],
        &["serve", "--listen", "127.0.0.1:0"],
        &["doctor"],
    ] {
        muster.run(arguments).failed("another program's: name another database");
    }
    assert_eq!(database.run_blocking("SELECT note FROM log.events"), ["these are a few notes"]);
}

/// The limit on the size of a file stands for a disk that is full. Whatever was written until then is whole, and when
/// there is room again, the same import completes it.
#[test]
fn a_full_disk_is_an_error_and_leaves_nothing_half_written() {
    if is_without_files("a disk that is full under the files of the ledger") {
        return;
    }
    for kilobytes in [0, 40, 200, 600] {
        let muster = Muster::new();
        // The unit is 512 bytes or 1,024, as the shell likes.
        let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec $M import {EXAMPLE}");
        let ran = muster.shell(&script);
        assert_eq!(ran.code, Some(1), "{kilobytes} KiB: {ran:#?}");
        assert!(ran.stderr.starts_with("muster: ") && !ran.stderr.contains("panicked"), "{}", ran.stderr);
        assert!(ran.stderr.contains("make room on it and run the same command again"), "{}", ran.stderr);
        muster.run(&["import", EXAMPLE]).done();
        muster.run(&["doctor"]).done();
    }
}

//! What goes wrong around a backup: two at once, keys that change under it, what it must not touch.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use super::{
    Muster,
    backup::{empty_with_the_key_of, example_to_restore, export, restored},
    muster::names,
};
use crate::support::is_without_files;

/// "mustfill" in ASCII, as whoever fills a database holds it.
const FILL_LOCK: i64 = 0x6d75_7374_6669_6c6c;

#[test]
fn two_backups_into_one_directory_are_not_mixed() {
    let muster = Muster::small();
    let backup = muster.path("backup");
    let unfinished = muster.path("backup.unfinished");
    fs::create_dir(&unfinished).unwrap();
    let another = fs::File::open(&unfinished).unwrap();
    another.lock().unwrap();
    muster.run(&["backup", &backup]).failed("another muster backs up into");
    drop(another);
    muster.run(&["backup", &backup]).done();
    restored(&muster, &backup, &[]);
}

#[test]
fn two_restores_into_one_place_are_not_mixed() {
    let muster = Muster::small();
    let backup = muster.path("backup");
    muster.run(&["backup", &backup]).done();
    let (there, key) = empty_with_the_key_of(&muster);
    let restore = || there.run(&["restore", &backup, "--master-key-file", &key]);
    match &there.database {
        None => {
            fs::create_dir_all(there.data()).unwrap();
            let another = fs::File::create(there.data().join("serve.lock")).unwrap();
            another.lock().unwrap();
            restore().failed("another muster, process");
        }
        Some(database) => {
            tokio::runtime::Runtime::new().unwrap().block_on(async {
                use sqlx::Connection as _;
                let mut another = sqlx::PgConnection::connect(database.url()).await.unwrap();
                let lock = sqlx::query("SELECT pg_advisory_lock($1)").bind(FILL_LOCK);
                lock.execute(&mut another).await.unwrap();
                tokio::task::block_in_place(|| restore().failed("another muster copies or restores into"));
            });
        }
    }
    restore().done();
}

/// A draft that was begun under the old master key is begun anew, or nobody could open its keys.
#[test]
fn the_master_key_may_be_rotated_between_two_tries_of_a_backup() {
    let muster = Muster::small();
    let backup = muster.path("backup");
    muster.run(&["backup", &backup]).done();
    let unfinished = muster.path("backup.unfinished");
    fs::rename(&backup, &unfinished).unwrap();
    let log = rusqlite::Connection::open(Path::new(&unfinished).join("log/log.db")).unwrap();
    log.execute("UPDATE deployment SET hash_key = NULL", []).unwrap();
    drop(log);
    muster.run(&["keys", "rotate"]).done();
    muster.run(&["backup", &backup]).done();
    let (there, key, _) = restored(&muster, &backup, &[]);
    assert_eq!(export(&there, Some(&key)), export(&muster, None));
}

#[test]
fn keys_of_another_backup_are_refused() {
    let muster = Muster::small();
    let (old, new) = (muster.path("old"), muster.path("new"));
    muster.run(&["backup", &old]).done();
    muster.run(&["user", "add", "dave@example.com"]).done();
    muster.run(&["backup", &new]).done();
    fs::copy(format!("{old}/keys/keys.db"), format!("{new}/keys/keys.db")).unwrap();
    let (there, key) = empty_with_the_key_of(&muster);
    there
        .run(&["restore", &new, "--master-key-file", &key])
        .failed("are those of another backup: put the files of one backup together");
    there.run(&["restore", &old, "--master-key-file", &key]).done();
}

/// Whether a restore copies what it restores from.
fn begun(muster: &Muster) -> bool {
    muster.data().join("restoring").exists() || !names(&muster.temporary_files()).is_empty()
}

/// Whoever waits no longer is told how it goes on, at whichever stage it was.
#[test]
fn a_restore_that_is_interrupted_says_so_and_goes_on_where_it_was() {
    let (muster, backup, there, key) = example_to_restore();
    let restore = ["restore", &backup, "--master-key-file", &key];
    let ran = there.interrupted_when(|| begun(&there), &restore);
    ran.failed("cut off: the same command goes on where it was");
    for pause in (20..).step_by(20).map(Duration::from_millis) {
        let ran = there.interrupted_after(pause, &restore);
        match ran.code {
            Some(0) => break,
            // Before it listens to signals.
            None => {}
            Some(_) if ran.stderr.contains("there is a ledger in ") => break,
            Some(_) => drop(ran.failed("cut off: the same command goes on where it was")),
        }
    }
    assert_eq!(export(&there, Some(&key)), export(&muster, None));
    there.run(&["doctor", "--master-key-file", &key]).done();
}

/// It may be on something that cannot be written, and an older muster may have to read it again.
#[test]
fn a_backup_stays_as_it_is_when_it_is_restored() {
    let muster = Muster::small();
    let backup = muster.path("backup");
    muster.run(&["backup", &backup]).done();
    let before = files(Path::new(&backup));
    let (there, _, _) = restored(&muster, &backup, &[]);
    assert_eq!(files(Path::new(&backup)), before);
    if !is_without_files("a data directory in which nothing is left") {
        let data = there.data().join("restoring");
        assert!(!data.exists(), "{} holds the keys of the backup", data.display());
    }
}

/// What a restore put on record is not put there twice by a later one with the same receipts, when the row may be somebody
/// else's.
#[test]
fn receipts_that_were_applied_before_a_backup_are_known_after_it() {
    let muster = Muster::small();
    let first = muster.path("first");
    muster.run(&["backup", &first]).done();
    let bob = muster.run(&["user", "erase", "bob", "--json"]).done().stdout;
    let carol = muster.run(&["user", "erase", "--email", "carol@example.com", "--json"]).done().stdout;
    let receipts = muster.file("receipts.json", &format!("{bob}{carol}"));
    let (there, key, _) = restored(&muster, &first, &["--receipts", &receipts]);
    let second = there.path("second");
    there.run(&["backup", &second, "--master-key-file", &key]).done();
    let (again, other_key, restored) = restored(&muster, &second, &["--receipts", &receipts]);
    let erasures = restored["erasures"].as_array().unwrap();
    assert!(erasures.len() == 2 && erasures.iter().all(|erasure| erasure["how"] == "known"), "{restored}");
    assert_eq!(export(&again, Some(&other_key)), export(&there, Some(&key)));
}

/// The account and the rows that the receipt names, and nobody who was invited by an address that is not shown to be his.
#[test]
fn a_receipt_erases_what_it_names() {
    let muster = Muster::small();
    let backup = muster.path("backup");
    muster.run(&["backup", &backup]).done();
    let bob = muster.run(&["user", "erase", "bob", "--json"]).done().json();
    let mut receipt = bob;
    receipt["invitees"] = serde_json::json!([]);
    let receipts = muster.file("receipts.json", &receipt.to_string());
    let (there, key, _) = restored(&muster, &backup, &["--receipts", &receipts]);
    let text = export(&there, Some(&key));
    assert!(text.contains("UserErased") && !text.contains("InviteeErased"), "{text}");
    assert!(text.contains("carol@example.com"));
}

/// Each file of a directory.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
    found
}

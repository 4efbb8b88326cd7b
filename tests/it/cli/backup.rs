//! `muster backup` and `muster restore`.

use std::{fs, path::Path, process::Stdio, time::Duration};

use serde_json::{Value, json};

use super::{EXAMPLE, Muster, Ran, SMALL, Serving, muster::names};
use crate::support::{Random, is_without_files, seed};

/// A place without a ledger that has the master key of `other`.
pub(super) fn empty_with_the_key_of(other: &Muster) -> (Muster, String) {
    let muster = Muster::new();
    let file = muster.path("the.key");
    fs::copy(other.master_key(), &file).unwrap();
    (muster, file)
}

/// The example organization, its backup, and a place to restore it into with the key that opens it.
pub(super) fn example_to_restore() -> (Muster, String, Muster, String) {
    let muster = Muster::new();
    muster.run(&["import", EXAMPLE]).done();
    let backup = muster.path("backup");
    muster.run(&["backup", &backup]).done();
    let (there, key) = empty_with_the_key_of(&muster);
    (muster, backup, there, key)
}

/// Restores into a place of its own; the flag for the master key is to be given from then on.
pub(super) fn restored(of: &Muster, backup: &str, flags: &[&str]) -> (Muster, String, Value) {
    let (muster, key) = empty_with_the_key_of(of);
    let ran = muster.run(&[&["restore", backup, "--master-key-file", &key, "--json"], flags].concat()).done();
    (muster, key, ran.json())
}

pub(super) fn export(muster: &Muster, key: Option<&str>) -> String {
    let flags = key.map_or(vec![], |key| vec!["--master-key-file", key]);
    muster.run(&[&["events", "export"][..], &flags].concat()).done().stdout
}

#[test]
fn what_was_backed_up_is_restored_as_it_was() {
    let muster = Muster::small();
    muster.run(&["user", "erase", "--email", "carol@example.com"]).done();
    let backup = muster.path("backup");
    let taken = muster.run(&["backup", &backup, "--json"]).done().json();
    let digest = &muster.run(&["doctor", "--json"]).done().json()["digest"];
    assert_eq!((&taken["digest"], &taken["position"]), (digest, &json!(muster.head())));
    assert_eq!(taken["keys"], json!({"living": 2, "erased": 1}));
    assert_eq!(names(Path::new(&backup)), ["backup.json", "keys", "log"]);
    assert_eq!(names(&Path::new(&backup).join("keys")), ["README.txt", "keys.db"]);
    assert_eq!(names(&Path::new(&backup).join("log")), ["README.txt", "blobs.db", "log.db"]);

    let (there, key, restored) = restored(&muster, &backup, &[]);
    assert_eq!((&restored["digest"], &restored["events"]), (digest, &taken["position"]));
    assert_eq!(export(&there, Some(&key)), export(&muster, None));
    there.run(&["doctor", "--master-key-file", &key]).done();
    let incarnation = |ran: Ran| ran.json()["incarnation"].clone();
    assert_ne!(
        incarnation(there.run(&["doctor", "--json", "--master-key-file", &key]).done()),
        incarnation(muster.run(&["doctor", "--json"]).done()),
    );
    there.run(&["user", "add", "dave@example.com", "--master-key-file", &key]).done();
    there
        .run(&["user", "add", "bob@example.com", "--master-key-file", &key])
        .failed("an address of the account");
}

#[test]
fn a_backup_is_whole_or_not_there_and_never_overwrites() {
    let muster = Muster::small();
    let backup = muster.path("backup");
    fs::create_dir(&backup).unwrap();
    muster.run(&["backup", &backup]).done().says("the same at both ends").says("is in neither");
    muster.run(&["backup", &backup]).failed("is there already and not empty");
    muster.run(&["backup", &muster.file("a-file", "")]).failed("a-file");
    muster.run(&["backup", "/proc/nowhere/backup"]).failed("/proc/nowhere");
    Muster::new().run(&["backup", &muster.path("another")]).failed("there is no ledger in");
    // Begun by a process that ended in the middle.
    let unfinished = muster.path("next.unfinished");
    muster.run(&["backup", &muster.path("next")]).done();
    fs::rename(muster.path("next"), &unfinished).unwrap();
    fs::remove_file(Path::new(&unfinished).join("log/log.db")).unwrap();
    muster.run(&["user", "add", "dave@example.com"]).done();
    muster.run(&["backup", &muster.path("next")]).done();
    assert!(!Path::new(&unfinished).exists());
    restored(&muster, &muster.path("next"), &[]);
    // Begun by a process that ended between its last event and the new name.
    fs::rename(muster.path("next"), &unfinished).unwrap();
    fs::remove_file(Path::new(&unfinished).join("backup.json")).unwrap();
    muster.run(&["user", "add", "erin@example.com"]).done();
    muster.run(&["backup", &muster.path("next")]).done();
    let (there, key, _) = restored(&muster, &muster.path("next"), &[]);
    assert_eq!(export(&there, Some(&key)), export(&muster, None));
}

#[test]
fn a_backup_is_taken_while_a_server_writes() {
    let muster = Muster::small();
    let mut serving = Serving::start(&mut muster.command(&["serve", "--listen", "127.0.0.1:0"]));
    serving.url();
    let mut importing =
        muster.command(&["import", EXAMPLE]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut taken = 0;
    while importing.try_wait().unwrap().is_none() {
        muster.run(&["backup", &muster.path(&format!("backup-{taken}"))]).done();
        taken += 1;
    }
    serving.stop();
    assert!(taken > 0, "the import was over before a backup was begun");
    for backup in 0..taken {
        let (there, key, _) = restored(&muster, &muster.path(&format!("backup-{backup}")), &[]);
        let text = export(&there, Some(&key));
        assert!(
            export(&muster, None).starts_with(&text),
            "backup {backup} is not the beginning of the history"
        );
        there.run(&["doctor", "--master-key-file", &key]).done();
    }
}

#[test]
fn what_does_not_belong_together_is_not_restored() {
    let muster = Muster::small();
    let (old, new) = (muster.path("old"), muster.path("new"));
    muster.run(&["backup", &old]).done();
    muster.run(&["user", "add", "dave@example.com"]).done();
    muster.run(&["backup", &new]).done();
    let (there, key) = empty_with_the_key_of(&muster);
    let restore = |backup: &str, key: &str| there.run(&["restore", backup, "--master-key-file", key]);
    restore(&there.path("nowhere"), &key).failed("there is no backup.json in it");
    let other = there.path("other.key");
    there.run(&["keys", "new", &other]).done();
    restore(&new, &other).failed("--master-key-file");
    restore(&new, &there.path("no.key")).failed("there is no master key file");
    let made = names(&there.data());
    assert!(made.is_empty() || made == ["serve.lock"], "{made:?}");

    fs::copy(format!("{old}/log/log.db"), format!("{new}/log/log.db")).unwrap();
    restore(&new, &key).failed("put the files of one backup together");
    there.run(&["doctor", "--master-key-file", &key]).failed("is not whole");
    fs::remove_file(format!("{new}/keys/keys.db")).unwrap();
    restore(&new, &key).failed("keys.db is gone from it");
    restore(&old, &key).done();
    there.run(&["doctor", "--master-key-file", &key]).done();
}

#[test]
fn a_ledger_is_not_overwritten_and_a_server_is_named() {
    let muster = Muster::small();
    let backup = muster.path("backup");
    muster.run(&["backup", &backup]).done();
    let before = export(&muster, None);
    muster.run(&["restore", &backup]).failed("there is a ledger in");
    if !is_without_files("a server that holds its data directory") {
        let mut serving = Serving::start(&mut muster.command(&["serve", "--listen", "127.0.0.1:0"]));
        serving.url();
        muster.run(&["restore", &backup]).failed(&format!("process {}", serving.pid()));
        serving.stop();
    }
    assert_eq!(export(&muster, None), before);
}

/// Killed wherever it is, the same command goes on; until it is done, nobody takes what is there for a ledger.
#[test]
fn a_restore_that_is_killed_goes_on_where_it_was() {
    let (muster, backup, there, key) = example_to_restore();
    let restore = ["restore", &backup, "--master-key-file", &key];
    let temporary = there.temporary_files();
    let mut random = Random::of(seed(), 0);
    // At last it is let go on.
    if !(0..12).any(|_| there.killed_after(random.pause(Duration::from_millis(300)), &restore)) {
        there.run(&restore).done_now_or_before();
    }
    assert_eq!(export(&there, Some(&key)), export(&muster, None));
    there.run(&["doctor", "--master-key-file", &key]).done();
    assert_eq!(
        names(&temporary),
        [""; 0],
        "nothing is left of what was restored from, the keys least of all"
    );
}

#[test]
fn erasures_since_the_backup_are_in_force_again() {
    let muster = Muster::small();
    let backup = muster.path("backup");
    muster.run(&["backup", &backup]).done();
    let bob = muster.run(&["user", "erase", "bob", "--json"]).done().stdout;
    let carol = muster.run(&["user", "erase", "--email", "carol@example.com", "--json"]).done().stdout;
    let receipts = muster.file("receipts.json", &format!("{bob}{carol}"));
    let (there, key, restored) = restored(&muster, &backup, &["--receipts", &receipts]);
    let how: Vec<_> =
        restored["erasures"].as_array().unwrap().iter().map(|erasure| &erasure["how"]).collect();
    assert_eq!(how, ["recorded", "recorded"]);
    let text = export(&there, Some(&key));
    for gone in ["bob@example.com", "Bob", "carol@example.com"] {
        assert!(!text.contains(gone), "{gone} is in {text}");
    }
    assert!(text.contains("alice@example.com") && text.contains("[erased]"));
    assert!(text.contains("MemberRemoved") && text.contains("InviteeErased"), "the policies followed");
    there.run(&["doctor", "--master-key-file", &key]).done();
    for (text, says) in [("{", "it is not JSON"), ("[7]", "receipt 1 is none")] {
        let bad = muster.file("bad.json", text);
        let (elsewhere, key) = empty_with_the_key_of(&muster);
        let flags = ["restore", &backup, "--master-key-file", &key, "--receipts", &bad];
        elsewhere.run(&flags).misunderstood(says);
    }
}

/// The ownership was passed on after the backup; in it, he is the only one. What he was is gone, and it is said.
#[test]
fn whose_erasure_cannot_be_on_record_again_cannot_be_read_all_the_same() {
    let muster = Muster::small();
    let backup = muster.path("backup");
    muster.run(&["backup", &backup]).done();
    let alice = muster.run(&["user", "list", "--json"]).done().json();
    let mut users = alice.as_array().unwrap().iter();
    let id = users.find(|user| user["username"] == "alice").unwrap()["id"].as_str().unwrap();
    let receipt = json!({
        "id": "01893cd2-1b5a-7000-8000-000000000001", "position": 999, "leaf": "00", "subject": format!("user:{id}"),
    });
    let receipts = muster.file("receipts.json", &receipt.to_string());
    let (there, key) = empty_with_the_key_of(&muster);
    let flags = ["restore", &backup, "--master-key-file", &key, "--receipts", &receipts];
    let refused = there.run(&flags).failed("the keys of user:");
    assert!(refused.stderr.contains("remaining owner"), "{}", refused.stderr);
    let text = export(&there, Some(&key));
    assert!(!text.contains("alice@example.com") && text.contains("bob@example.com"), "{text}");
}

#[test]
fn letters_that_waited_are_parked_and_sent_when_it_is_asked_for() {
    let muster = Muster::new();
    muster.run(&["import", &muster.file("small.json", SMALL), "--send-invites"]).done();
    let backup = muster.path("backup");
    muster.run(&["backup", &backup]).done();
    let (there, key, restored) = restored(&muster, &backup, &[]);
    assert_eq!(restored["lettersParked"], 1);
    let letters =
        |flags: &[&str]| there.run(&[&["letters"], flags, &["--master-key-file", &key]].concat()).done();
    let listed = letters(&["list", "--json"]).json();
    assert_eq!(listed[0]["status"], "parked");
    letters(&["show", listed[0]["id"].as_str().unwrap()]).says("restored from a backup");
    letters(&["retry", "--all"]).says("1 letter will be sent again");
    assert_eq!(muster.run(&["letters", "list", "--json"]).done().json()[0]["status"], "queued");
}

/// The wrapped key of a subject, from the keys in a file.
fn wrapped_key(keys: &Path, subject: &str) -> Vec<u8> {
    let connection = rusqlite::Connection::open(keys).unwrap();
    let query = "SELECT bytes FROM wrapped_keys JOIN person_keys USING (number) WHERE subject = ?1";
    connection.query_row(query, [subject], |row| row.get(0)).unwrap()
}

/// A backup has the keys of who was erased later; what is restored from it, with the receipt, has them in no file.
#[test]
fn no_file_of_a_restored_ledger_holds_the_key_of_who_was_erased() {
    if is_without_files("files that are searched") {
        return;
    }
    let muster = Muster::small();
    let backup = muster.path("backup");
    muster.run(&["backup", &backup]).done();
    let keys = Path::new(&backup).join("keys/keys.db");
    let ids: Vec<_> = ["alice", "bob"]
        .map(|name| {
            let users = muster.run(&["user", "list", "--json"]).done().json();
            let found = users.as_array().unwrap().iter().find(|user| user["username"] == name).unwrap();
            format!("user:{}", found["id"].as_str().unwrap())
        })
        .to_vec();
    let [alice, bob] = [&ids[0], &ids[1]].map(|subject| wrapped_key(&keys, subject));
    let receipt = muster.run(&["user", "erase", "bob", "--json"]).done().stdout;
    let receipts = muster.file("receipts.json", &receipt);
    let (there, _, _) = restored(&muster, &backup, &["--receipts", &receipts]);
    let files: Vec<_> =
        names(&there.data()).iter().map(|name| fs::read(there.data().join(name)).unwrap()).collect();
    let found =
        |bytes: &[u8]| files.iter().any(|file| file.windows(bytes.len()).any(|window| window == bytes));
    assert!(found(&alice), "the files are searched");
    assert!(!found(&bob));
    for name in ["log/log.db", "log/blobs.db", "keys/keys.db"] {
        let file = fs::read(Path::new(&backup).join(name)).unwrap();
        assert!(!file.windows(12).any(|window| window == b"@example.com"), "{name} says who somebody is");
    }
}

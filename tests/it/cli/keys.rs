//! `muster keys`.

use std::{fs, path::PathBuf};

use super::{Muster, SMALL, Serving, muster::names};

fn key_and_directory(muster: &Muster) -> (PathBuf, PathBuf) {
    let file = muster.master_key();
    let directory = file.parent().unwrap().to_path_buf();
    (file, directory)
}

#[test]
fn a_new_master_key_is_private_and_never_overwrites() {
    let muster = Muster::new();
    let file = muster.path("the.key");
    muster.run(&["keys", "new", &file]).done().says("readable by you only");
    let before = fs::read(&file).unwrap();
    muster.run(&["keys", "new", &file]).failed("never overwritten");
    assert_eq!(fs::read(&file).unwrap(), before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let import = ["import", &muster.file("small.json", SMALL), "--master-key-file", &file];
    muster.run(&import).done();
    assert!(!muster.data().join("master.key").exists());
    muster.run(&["user", "list", "--master-key-file", &file]).done().says("alice@example.com");
    muster.run(&["user", "list"]).failed("--master-key-file");
}

#[test]
fn a_wrong_master_key_is_refused_by_every_verb() {
    let muster = Muster::small();
    let wrong = muster.path("wrong.key");
    muster.run(&["keys", "new", &wrong]).done();
    let head = muster.head();
    for arguments in [
        &["org", "list"][..],
        &["events", "list"],
        &["import", &muster.file("small.json", SMALL)],
        &["serve", "--listen", "127.0.0.1:0"],
        &["keys", "check"],
        &["doctor"],
    ] {
        muster.run(&[arguments, &["--master-key-file", &wrong]].concat()).failed("--master-key-file");
    }
    assert_eq!(muster.head(), head);
}

#[test]
fn every_key_is_opened_once() {
    let muster = Muster::small();
    muster.run(&["keys", "check"]).done().says("3 keys of persons opened");
    let found = muster.run(&["keys", "check", "--json"]).done().json();
    assert_eq!(found["living"], 3);
}

#[test]
fn a_rotation_keeps_everything_readable_and_the_old_key_for_old_backups() {
    let muster = Muster::small();
    let (file, directory) = key_and_directory(&muster);
    let before = fs::read(&file).unwrap();
    let mut serving = Serving::start(&mut muster.command(&["serve", "--listen", "127.0.0.1:0"]));
    serving.url();
    muster.run(&["keys", "rotate"]).done().says("The one before is kept in");
    assert_ne!(before, fs::read(&file).unwrap());
    let kept: Vec<_> = names(&directory).into_iter().filter(|name| name.starts_with("master.key.")).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(fs::read(directory.join(&kept[0])).unwrap(), before);
    muster.run(&["user", "list"]).done().says("alice@example.com");
    muster.run(&["user", "add", "dave@example.com"]).done();
    serving.stop();
    muster.run(&["doctor"]).done();
}

/// The keys were wrapped anew, and then the power went out before the new file had its place.
#[test]
fn a_rotation_that_was_cut_off_is_completed_by_the_next() {
    let muster = Muster::small();
    let (file, directory) = key_and_directory(&muster);
    let before = fs::read(&file).unwrap();
    muster.run(&["keys", "rotate"]).done();
    fs::rename(&file, directory.join("master.key.next")).unwrap();
    fs::write(&file, before).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    muster.run(&["user", "list"]).failed("--master-key-file");
    muster.run(&["keys", "rotate"]).done();
    muster.run(&["user", "list"]).done().says("alice@example.com");
    assert!(!names(&directory).contains(&"master.key.next".to_owned()));
}

//! The file of the master key: how it is made, and what is refused.

use std::{fs, path::Path, sync::Arc};

use muster::sealing::{MasterKey, MasterSource, SealingError};
use tempfile::TempDir;

use super::{Keys, Store};

fn refusal(path: &Path) -> String {
    let text = MasterKey::read(path).unwrap_err().to_string();
    assert!(text.contains(path.to_str().unwrap()), "the file is not named: {text}");
    text
}

/// Writes a file that only its owner may read.
fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::write(path, content).unwrap();
    #[cfg(unix)]
    set_mode(path, 0o600);
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn a_new_file_is_read_back_and_never_overwritten() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("master.key");
    let made = MasterKey::create_new(&path).unwrap();
    assert_eq!(MasterKey::read(&path).unwrap().id(), made.id());
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.ends_with('\n') && text.trim_end().len() == 64, "{} bytes", text.len());
    let refused = MasterKey::create_new(&path).unwrap_err().to_string();
    assert!(refused.contains("never overwritten"), "{refused}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "a draft was left behind");
    let shown = format!("{made:?} {:?}", MasterSource::Key(made.clone()));
    assert!(!shown.contains(&text[..8]), "the key was printed");
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("master.key");
    MasterKey::create_new(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for mode in [0o640, 0o604, 0o660, 0o601, 0o777] {
        set_mode(&path, mode);
        let text = refusal(&path);
        assert!(text.contains("chmod 600"), "{text}");
    }
    set_mode(&path, 0o400);
    assert!(MasterKey::read(&path).is_ok());
}

#[test]
fn what_is_no_master_key_is_refused_with_what_to_mend() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("master.key");
    assert!(refusal(&path).contains("there is no master key file"));
    assert!(refusal(directory.path()).contains("is a directory"));
    let digits = "0123456789abcdef".repeat(4);
    for (content, what) in [
        (String::new(), "holds 0 characters where 64 are needed"),
        ("\n".into(), "holds 0 characters"),
        (digits[1..].into(), "holds 63 characters"),
        (digits.clone() + "0\n", "holds 65 characters"),
        (digits.repeat(1_000), "holds at least 256 characters"),
        (digits.replace('f', "g"), "something else than hexadecimal digits"),
        (digits.replace('f', "\u{0}"), "something else than hexadecimal digits"),
    ] {
        write(&path, &content);
        let text = refusal(&path);
        assert!(text.contains(what), "{text}");
        assert!(!text.contains(&digits[..8]), "the key was printed: {text}");
    }
    write(&path, [0xFF; 64]);
    assert!(refusal(&path).contains("something else than hexadecimal digits"));
    for content in [digits.clone(), digits.clone() + "\r\n", digits.to_uppercase()] {
        write(&path, content);
        assert!(MasterKey::read(&path).is_ok());
    }
    let nowhere = directory.path().join("no such directory/master.key");
    let text = MasterKey::create_new(&nowhere).unwrap_err().to_string();
    assert!(text.contains("cannot be written"), "{text}");
}

pub(super) async fn the_first_run_makes_the_file_and_later_ones_need_it(store: Store) {
    let keys = Keys::new(store).await;
    let file = keys.path("master.key");
    let first_run = || MasterSource::FileMadeOnFirstRun(file.clone());
    let hash = keys.open_with(first_run()).await.unwrap().hash("x");
    assert_eq!(keys.open_with(first_run()).await.unwrap().hash("x"), hash);

    fs::remove_file(&file).unwrap();
    let text = keys.open_with(first_run()).await.unwrap_err().to_string();
    assert!(text.contains("there is no master key file"), "{text}");
    assert!(!file.exists(), "a new key would open nothing");
}

pub(super) async fn a_named_file_must_be_there(store: Store) {
    let keys = Keys::new(store).await;
    let file = keys.path("named.key");
    let refused = keys.open_with(MasterSource::File(file.clone())).await;
    assert!(matches!(refused, Err(SealingError::Unusable(_))), "{refused:?}");
    assert!(!file.exists());
}

pub(super) async fn many_first_runs_at_once_agree(store: Store) {
    let keys = Arc::new(Keys::new(store).await);
    let runs = (0..16).map(|_| {
        let keys = Arc::clone(&keys);
        tokio::spawn(async move {
            let source = MasterSource::FileMadeOnFirstRun(keys.path("master.key"));
            keys.open_with(source).await.unwrap().hash("x")
        })
    });
    let hashes: Vec<_> = futures_util::future::join_all(runs).await.into_iter().map(Result::unwrap).collect();
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
}

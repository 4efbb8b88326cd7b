//! A wrong master key is refused; a new one takes the place of the old.

use std::sync::Arc;

use muster::{
    clock::SystemClock,
    sealing::{KeyRing, MasterKey, MasterSource, SealingError, Unsealed},
};

use super::{Keys, PLANTED, seal, user, value};

#[tokio::test]
async fn a_wrong_master_key_is_refused_by_name() {
    let keys = Keys::new();
    seal(&keys.open().await, user(7), PLANTED).await;
    let wrong = MasterKey::generate();
    let refused = keys.open_with(&wrong).await.unwrap_err();
    let (needed, given) = (keys.master.id().to_owned(), wrong.id().to_owned());
    assert_eq!(refused, SealingError::WrongMasterKey { needed, given });
    assert!(refused.to_string().contains("--master-key-file"));
    assert!(keys.open_with(&keys.master).await.is_ok());
}

#[tokio::test]
async fn an_altered_check_value_is_refused() {
    let keys = Keys::new();
    keys.open().await;
    keys.database().execute_batch("UPDATE deployment SET master_check = zeroblob(80)").unwrap();
    let refused = keys.open_with(&keys.master).await.unwrap_err();
    assert!(matches!(&refused, SealingError::Unusable(text) if text.contains("check value")), "{refused}");
}

#[tokio::test]
async fn after_a_rotation_the_new_master_key_opens_and_the_old_does_not() {
    let keys = Keys::new();
    let ring = keys.open().await;
    let (sealed, gone) = (seal(&ring, user(7), PLANTED).await, seal(&ring, user(8), PLANTED).await);
    let (hash, digest) = (ring.hash("x"), ring.token_digest("x"));
    ring.erase(user(8)).await.unwrap();
    let old: Vec<u8> = keys
        .database()
        .query_row("SELECT bytes FROM wrapped_keys WHERE number = 1", [], |row| row.get(0))
        .unwrap();
    let new = MasterKey::generate();
    ring.rotate(new.clone()).await.unwrap();
    assert!(!keys.contain(&old), "the old wrapping is still in a file");

    assert!(matches!(keys.open_with(&keys.master).await, Err(SealingError::WrongMasterKey { .. })));
    let other = keys.open_with(&new).await.unwrap();
    for ring in [&ring, &other] {
        assert_eq!(ring.unseal(&sealed).await, Ok(value(PLANTED)));
        assert_eq!(ring.unseal(&gone).await, Ok(Unsealed::Erased));
        assert_eq!((ring.hash("x"), ring.token_digest("x")), (hash.clone(), digest.clone()));
    }
    let later = seal(&ring, user(9), PLANTED).await;
    assert_eq!(other.unseal(&later).await, Ok(value(PLANTED)));
    assert_eq!(other.check().await.unwrap().faults, [] as [String; 0]);
}

/// Otherwise it would write keys that nobody opens any more.
#[tokio::test]
async fn a_process_with_the_old_master_key_makes_no_keys() {
    let keys = Keys::new();
    let (here, there) = (keys.open().await, keys.open().await);
    let sealed = seal(&there, user(7), PLANTED).await;
    here.rotate(MasterKey::generate()).await.unwrap();
    assert_eq!(there.unseal(&sealed).await, Ok(value(PLANTED)), "what is in memory stays readable");
    let refused = there.sealer(user(8)).await;
    assert!(matches!(refused, Err(SealingError::WrongMasterKey { .. })), "{refused:?}");
    let refused = there.rotate(MasterKey::generate()).await;
    assert!(matches!(refused, Err(SealingError::WrongMasterKey { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_process_goes_on_when_the_new_master_key_takes_the_place_of_its_file() {
    let keys = Keys::new();
    let path = keys.directory.path().join("keys.db");
    let (file, new_file) = (keys.directory.path().join("master.key"), keys.directory.path().join("new.key"));
    let open = |source| KeyRing::open_sqlite(&path, source, Arc::new(SystemClock));
    let serving = open(MasterSource::FileMadeOnFirstRun(file.clone())).await.unwrap();
    let rotating = open(MasterSource::File(file.clone())).await.unwrap();
    let sealed = seal(&rotating, user(7), PLANTED).await;

    rotating.rotate(MasterKey::create_new(&new_file).unwrap()).await.unwrap();
    assert!(matches!(serving.sealer(user(8)).await, Err(SealingError::WrongMasterKey { .. })));
    std::fs::rename(&new_file, &file).unwrap();
    assert_eq!(serving.unseal(&sealed).await, Ok(value(PLANTED)));
    assert_eq!(rotating.unseal(&seal(&serving, user(8), PLANTED).await).await, Ok(value(PLANTED)));
}

//! A wrong master key is refused; a new one takes the place of the old.

use muster::sealing::{MasterKey, MasterSource, SealingError, Unsealed};

use super::{Keys, PLANTED, Store, seal, user, value};

pub(super) async fn a_wrong_master_key_is_refused_by_name(store: Store) {
    let keys = Keys::new(store).await;
    seal(&keys.open().await, user(7), PLANTED).await;
    let wrong = MasterKey::generate();
    let refused = keys.open_with(wrong.clone()).await.unwrap_err();
    let (needed, given) = (keys.master.id().to_owned(), wrong.id().to_owned());
    assert_eq!(refused, SealingError::WrongMasterKey { needed, given });
    assert!(refused.to_string().contains("--master-key-file"));
    assert!(keys.open_with(keys.master.clone()).await.is_ok());
}

pub(super) async fn an_altered_check_value_is_refused(store: Store) {
    let keys = Keys::new(store).await;
    keys.open().await;
    let alter = "UPDATE deployment SET master_check = (SELECT bytes FROM deployment_keys LIMIT 1)";
    keys.session().await.execute(alter).await.unwrap();
    let refused = keys.open_with(keys.master.clone()).await.unwrap_err();
    assert!(matches!(&refused, SealingError::Unusable(text) if text.contains("check value")), "{refused}");
}

pub(super) async fn after_a_rotation_the_new_master_key_opens_and_the_old_does_not(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let (sealed, gone) = (seal(&ring, user(7), PLANTED).await, seal(&ring, user(8), PLANTED).await);
    let (hash, digest) = (ring.hash("x"), ring.token_digest("x"));
    ring.erase(user(8)).await.unwrap();
    let old = keys.wrapped_bytes().await.remove(0);
    let new = MasterKey::generate();
    ring.rotate(new.clone()).await.unwrap();
    assert!(!keys.files().await.contain(&old), "the old wrapping is still in a file");

    assert!(matches!(keys.open_with(keys.master.clone()).await, Err(SealingError::WrongMasterKey { .. })));
    let other = keys.open_with(new).await.unwrap();
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
pub(super) async fn a_process_with_the_old_master_key_makes_no_keys(store: Store) {
    let keys = Keys::new(store).await;
    let (here, there) = (keys.open().await, keys.open().await);
    let sealed = seal(&there, user(7), PLANTED).await;
    here.rotate(MasterKey::generate()).await.unwrap();
    assert_eq!(there.unseal(&sealed).await, Ok(value(PLANTED)), "what is in memory stays readable");
    let refused = there.sealer(user(8)).await;
    assert!(matches!(refused, Err(SealingError::WrongMasterKey { .. })), "{refused:?}");
    let refused = there.rotate(MasterKey::generate()).await;
    assert!(matches!(refused, Err(SealingError::WrongMasterKey { .. })), "{refused:?}");
}

pub(super) async fn a_process_goes_on_when_the_new_master_key_takes_the_place_of_its_file(store: Store) {
    let keys = Keys::new(store).await;
    let (file, new_file) = (keys.path("master.key"), keys.path("new.key"));
    let serving = keys.open_with(MasterSource::FileMadeOnFirstRun(file.clone())).await.unwrap();
    let rotating = keys.open_with(MasterSource::File(file.clone())).await.unwrap();
    let sealed = seal(&rotating, user(7), PLANTED).await;

    rotating.rotate(MasterKey::create_new(&new_file).unwrap()).await.unwrap();
    assert!(matches!(serving.sealer(user(8)).await, Err(SealingError::WrongMasterKey { .. })));
    std::fs::rename(&new_file, &file).unwrap();
    assert_eq!(serving.unseal(&sealed).await, Ok(value(PLANTED)));
    assert_eq!(rotating.unseal(&seal(&serving, user(8), PLANTED).await).await, Ok(value(PLANTED)));
}

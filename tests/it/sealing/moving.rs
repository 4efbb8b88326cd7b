//! Keys on their way into another store: a copy, a backup, what is put back from one.

use muster::sealing::{
    MasterKey, SealingError, Subject, Unsealed,
    moving::{MovedKeys, Wrapping, hash_key_id, move_keys},
};

use super::{Keys, PLANTED, Store, invitee, seal, user, value};

pub(super) async fn what_was_sealed_is_read_where_its_key_was_moved(store: Store) {
    let (here, there) = (Keys::new(store).await, Keys::new(store).await);
    let ring = here.open().await;
    let (sealed, gone) = (seal(&ring, user(7), PLANTED).await, seal(&ring, user(8), PLANTED).await);
    ring.erase(user(8)).await.unwrap();
    let (from, to) = (here.store().await, there.store().await);
    for _ in 0..2 {
        let moved = move_keys(&*from, &*to, &Wrapping::AsTheyAre).await.unwrap();
        assert_eq!(moved, MovedKeys { living: 1, erased: 1 });
    }
    assert_eq!(hash_key_id(&*to).await.unwrap(), Some(ring.hash_key_id().to_owned()));
    let arrived = there.open_with(here.master.clone()).await.unwrap();
    assert_eq!(arrived.unseal(&sealed).await.unwrap(), value(PLANTED));
    assert_eq!(arrived.unseal(&gone).await.unwrap(), Unsealed::Erased);
    assert_eq!(arrived.hash("x"), ring.hash("x"));
    assert_eq!(arrived.token_digest("x"), ring.token_digest("x"));
    assert_eq!(arrived.check().await.unwrap().faults, [""; 0]);
}

pub(super) async fn keys_are_wrapped_anew_on_their_way(store: Store) {
    let (here, there) = (Keys::new(store).await, Keys::new(store).await);
    let ring = here.open().await;
    let sealed = seal(&ring, user(7), PLANTED).await;
    let (from, to) = (here.store().await, there.store().await);
    let wrapping = Wrapping::between(here.master.clone(), there.master.clone());
    move_keys(&*from, &*to, &wrapping).await.unwrap();
    let arrived = there.open().await;
    assert_eq!(arrived.unseal(&sealed).await.unwrap(), value(PLANTED));
    assert_eq!(arrived.hash("x"), ring.hash("x"));
    for bytes in here.wrapped_bytes().await {
        assert!(!there.files().await.contain(&bytes), "as it was wrapped there");
    }
    assert!(matches!(there.open_with(here.master.clone()).await, Err(SealingError::WrongMasterKey { .. })));
    let wrong = Wrapping::between(MasterKey::generate(), there.master.clone());
    assert!(matches!(move_keys(&*from, &*to, &wrong).await, Err(SealingError::WrongMasterKey { .. })));
}

/// Also what was sealed for the invited, whom an erasure there finds by the link that came along.
pub(super) async fn what_is_destroyed_meanwhile_is_destroyed_there_when_it_is_moved_again(store: Store) {
    let (here, there) = (Keys::new(store).await, Keys::new(store).await);
    let ring = here.open().await;
    let (one, two) = (seal(&ring, user(7), PLANTED).await, seal(&ring, invitee(5), PLANTED).await);
    let (three, four) = (seal(&ring, user(9), PLANTED).await, seal(&ring, user(7), "more").await);
    ring.link(muster_events::id::MemberId::new(5).unwrap(), muster_events::id::UserId::new(9).unwrap())
        .await
        .unwrap();
    let (from, to) = (here.store().await, there.store().await);
    move_keys(&*from, &*to, &Wrapping::AsTheyAre).await.unwrap();
    let wrapped = there.wrapped_bytes().await.remove(0);
    let arrived = there.open_with(here.master.clone()).await.unwrap();
    assert_eq!(arrived.unseal(&one).await.unwrap(), value(PLANTED));

    ring.erase(user(7)).await.unwrap();
    let moved = move_keys(&*from, &*to, &Wrapping::AsTheyAre).await.unwrap();
    assert_eq!(moved, MovedKeys { living: 2, erased: 1 });
    arrived.refresh().await.unwrap();
    for gone in [&one, &four] {
        assert_eq!(arrived.unseal(gone).await.unwrap(), Unsealed::Erased);
    }
    assert!(!there.files().await.contain(&wrapped), "its bytes are still in a file");
    let Subject::User(_) = user(9) else { panic!("a user is one") };
    arrived.erase(user(9)).await.unwrap();
    for gone in [&two, &three] {
        assert_eq!(arrived.unseal(gone).await.unwrap(), Unsealed::Erased, "the link came along");
    }
    assert_eq!(ring.unseal(&two).await.unwrap(), value(PLANTED), "and nothing goes back");
}

pub(super) async fn keys_of_another_deployment_are_not_mixed_in(store: Store) {
    let (here, there) = (Keys::new(store).await, Keys::new(store).await);
    seal(&here.open().await, user(7), PLANTED).await;
    there.open().await;
    let refused =
        move_keys(&*here.store().await, &*there.store().await, &Wrapping::AsTheyAre).await.unwrap_err();
    assert!(refused.to_string().contains("other keys are there already"), "{refused}");
    assert_eq!(there.wrapped_bytes().await.len(), 0);
}

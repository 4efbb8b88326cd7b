//! Destroying keys: whose, how thoroughly, and how soon everyone knows.

use std::time::Duration;

use muster::{
    clock::stopwatch,
    sealing::{ERASED, Subject, Unsealed},
};
use muster_events::id::{MemberId, UserId};

use super::{Keys, PLANTED, Store, invitee, seal, user, value};

pub(super) async fn what_is_erased_is_erased_for_good_and_others_are_untouched(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let (own, other) = (seal(&ring, user(7), PLANTED).await, seal(&ring, user(8), PLANTED).await);
    assert_eq!(ring.erase(user(7)).await, Ok(1));
    assert_eq!(ring.unseal(&own).await, Ok(Unsealed::Erased), "in this process at once");
    assert_eq!(ring.unseal(&other).await, Ok(value(PLANTED)));
    assert_eq!(ring.erase(user(7)).await, Ok(0), "nothing is left to erase");
    assert_eq!(ring.erase(user(9)).await, Ok(0), "nobody");
    let later = keys.open().await;
    assert_eq!(later.unseal(&own).await, Ok(Unsealed::Erased));
    let mut documents = [serde_json::to_value([own, other]).unwrap()];
    assert_eq!(later.unseal_json(&mut documents).await, Ok(vec![]));
    assert_eq!(documents[0], serde_json::json!([ERASED, PLANTED]));
    let check = later.check().await.unwrap();
    assert_eq!((check.living, check.erased, check.faults.len()), (1, 1, 0));
}

pub(super) async fn who_is_sealed_for_after_an_erasure_gets_a_new_key(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let before = seal(&ring, invitee(5), PLANTED).await;
    ring.erase(invitee(5)).await.unwrap();
    let after = seal(&ring, invitee(5), PLANTED).await;
    assert_ne!(before.key, after.key);
    assert_eq!(ring.unseal(&before).await, Ok(Unsealed::Erased));
    assert_eq!(ring.unseal(&after).await, Ok(value(PLANTED)));
    assert_eq!(ring.erase(invitee(5)).await, Ok(1));
    assert_eq!(ring.unseal(&after).await, Ok(Unsealed::Erased));
}

pub(super) async fn erasing_a_user_covers_the_invitations_that_he_accepted(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let own = seal(&ring, user(7), PLANTED).await;
    let accepted = [seal(&ring, invitee(1), PLANTED).await, seal(&ring, invitee(2), PLANTED).await];
    let strangers = seal(&ring, invitee(3), PLANTED).await;
    for member in [1, 2, 2] {
        ring.link(MemberId::new(member).unwrap(), UserId::new(7).unwrap()).await.unwrap();
    }
    assert_eq!(ring.erase(user(7)).await, Ok(3));
    for envelope in accepted.iter().chain([&own]) {
        assert_eq!(ring.unseal(envelope).await, Ok(Unsealed::Erased));
    }
    assert_eq!(ring.unseal(&strangers).await, Ok(value(PLANTED)));
}

pub(super) async fn erasing_an_invitee_leaves_the_user(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let own = seal(&ring, user(7), PLANTED).await;
    let accepted = seal(&ring, invitee(1), PLANTED).await;
    ring.link(MemberId::new(1).unwrap(), UserId::new(7).unwrap()).await.unwrap();
    assert_eq!(ring.erase(invitee(1)).await, Ok(1));
    assert_eq!(ring.unseal(&accepted).await, Ok(Unsealed::Erased));
    assert_eq!(ring.unseal(&own).await, Ok(value(PLANTED)));
}

/// Enough keys for pages to split; erased in an order that leaves gaps everywhere; then no file has a trace of the
/// erased ones, while all others open.
pub(super) async fn no_file_holds_the_bytes_of_an_erased_key(store: Store) {
    let keys = Keys::new(store).await;
    let (ring, reader) = (keys.open().await, keys.open().await);
    let mut envelopes = Vec::new();
    for number in 1..=300 {
        // Subjects in no order of theirs, so that the pages of the index split in the middle.
        let subject: Subject = user(number * 7_919 % 100_003);
        envelopes.push((subject, seal(&ring, subject, PLANTED).await));
    }
    reader.unseal(&envelopes[0].1).await.unwrap();
    let wrapped = keys.wrapped_bytes().await;
    assert_eq!(wrapped.len(), 300);
    assert!(keys.files().await.contain(&wrapped[0]), "the search itself does not find anything");
    let is_erased = |index: usize| index.is_multiple_of(3) || (100..150).contains(&index);
    for (index, (subject, _)) in envelopes.iter().enumerate() {
        if is_erased(index) {
            assert_eq!(ring.erase(*subject).await, Ok(1));
        }
    }
    let (later, files) = (keys.open().await, keys.files().await);
    for (index, ((_, envelope), bytes)) in envelopes.iter().zip(&wrapped).enumerate() {
        let expected = if is_erased(index) { Unsealed::Erased } else { value(PLANTED) };
        assert_eq!(later.unseal(envelope).await, Ok(expected), "key {index}");
        assert_eq!(files.contain(bytes), !is_erased(index), "key {index}");
    }
}

/// A process was killed between the commit of an erasure and the removal of what it overwrote: whoever opens the keys
/// next does the rest.
pub(super) async fn an_erasure_that_was_cut_off_is_completed_at_the_next_start(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    seal(&ring, user(7), PLANTED).await;
    let bytes = keys.wrapped_bytes().await.remove(0);
    let mut session = keys.session().await;
    let overwrite = match store {
        Store::Sqlite => "PRAGMA secure_delete = on; BEGIN; UPDATE wrapped_keys SET bytes = zeroblob(72)",
        Store::Postgres => "BEGIN; UPDATE wrapped_keys SET bytes = decode(repeat('00', 72), 'hex')",
    };
    session.execute(overwrite).await.unwrap();
    let rest =
        "UPDATE person_keys SET erased_at = 1; UPDATE deployment SET erasures = 1, destructions = 1; COMMIT";
    session.execute(rest).await.unwrap();
    assert!(keys.files().await.contain(&bytes), "there is something left to do");
    keys.open().await;
    assert!(!keys.files().await.contain(&bytes));
}

/// A backup, say, that reads while a person is erased: the erasure is in force, but says that it is not complete.
pub(super) async fn an_erasure_that_cannot_remove_the_bytes_says_so_and_can_be_repeated(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let envelope = seal(&ring, user(7), PLANTED).await;
    let bytes = keys.wrapped_bytes().await.remove(0);
    let mut reader = keys.session().await;
    reader.execute("BEGIN; SELECT count(*) FROM wrapped_keys").await.unwrap();
    let text = ring.erase(user(7)).await.unwrap_err().to_string();
    assert!(text.contains("do it again"), "{text}");
    assert_eq!(ring.unseal(&envelope).await, Ok(Unsealed::Erased));
    reader.execute("COMMIT").await.unwrap();
    assert_eq!(ring.erase(user(7)).await, Ok(0));
    assert!(!keys.files().await.contain(&bytes));
}

pub(super) async fn an_erasure_elsewhere_is_known_once_it_was_asked_for(store: Store) {
    let keys = Keys::new(store).await;
    let (here, there) = (keys.open().await, keys.open().await);
    let own = seal(&here, user(7), PLANTED).await;
    assert_eq!(there.unseal(&own).await, Ok(value(PLANTED)));
    here.erase(user(7)).await.unwrap();
    there.refresh().await.unwrap();
    assert_eq!(there.unseal(&own).await, Ok(Unsealed::Erased));
    let again = seal(&there, user(7), PLANTED).await;
    assert_ne!(again.key, own.key);
}

/// Nobody calls `refresh` here: uses alone notice it, from 250 ms after the erasure on for certain.
pub(super) async fn an_erasure_elsewhere_is_noticed_within_250_ms(store: Store) {
    let keys = Keys::new(store).await;
    let (here, there) = (keys.open().await, keys.open().await);
    let own = seal(&here, user(7), PLANTED).await;
    assert_eq!(there.unseal(&own).await, Ok(value(PLANTED)));
    here.erase(user(7)).await.unwrap();
    let erased_at = stopwatch();
    loop {
        let asked = stopwatch();
        if there.unseal(&own).await == Ok(Unsealed::Erased) {
            break;
        }
        assert!(asked.duration_since(erased_at) < Duration::from_millis(250), "still readable");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

//! What was tampered with is refused; what is lost is a fault, and no erasure.

use muster::sealing::SealingError;
use muster_events::personal::{EmailAddress, Envelope, PersonalVisitor};
use serde_json::json;

use super::{Keys, PLANTED, Store, seal, user, value};

fn is_tampered(opened: &Result<muster::sealing::Unsealed, SealingError>) -> bool {
    matches!(opened, Err(SealingError::Tampered { .. }))
}

pub(super) async fn an_envelope_is_not_taken_for_another(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let good = seal(&ring, user(7), PLANTED).await;
    let other_person = seal(&ring, user(8), PLANTED).await;
    let with = |change: fn(&mut Envelope)| {
        let mut envelope = good.clone();
        change(&mut envelope);
        envelope
    };
    let passed_off = [
        with(|envelope| envelope.sealed_for = "UserRegistered.username".into()),
        with(|envelope| envelope.sealed_for = "UserRenamed.name".into()),
        with(|envelope| envelope.sealed_for = "UserRegistered".into()),
        with(|envelope| envelope.sealed_for = "".into()),
        with(|envelope| envelope.sealed_for = "User.Registeredname".into()),
        with(|envelope| envelope.hash = Some(muster_events::personal::KeyedHash("".into()))),
        with(|envelope| envelope.sealed.insert(0, 'A')),
        with(|envelope| envelope.sealed = envelope.sealed.replace(|_: char| true, "!")),
        with(|envelope| envelope.sealed.clear()),
        with(|envelope| envelope.sealed.truncate(32)),
        Envelope { key: other_person.key, ..good.clone() },
    ];
    for envelope in passed_off {
        let opened = ring.unseal(&envelope).await;
        assert!(is_tampered(&opened), "{envelope:?} was opened: {opened:?}");
    }
    assert_eq!(ring.unseal(&good).await, Ok(value(PLANTED)));
}

/// A look-up by hash must not lead to another person's value.
pub(super) async fn a_hash_cannot_be_moved_to_another_envelope(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let own_key = ring.sealer(user(7)).await.unwrap();
    let sealed = |address: &str| {
        let mut email = ring.hashed(EmailAddress(address.into()));
        let Ok(()) = own_key.fields_of("EmailAdded").visit("email", &mut email);
        email.envelope().unwrap().clone()
    };
    let (own, other) = (sealed("a@example.com"), sealed("b@example.com"));
    assert_eq!(ring.unseal(&own).await, Ok(value("a@example.com")));
    assert!(is_tampered(&ring.unseal(&Envelope { hash: other.hash, ..own.clone() }).await));
    assert!(is_tampered(&ring.unseal(&Envelope { hash: None, ..own }).await));
}

pub(super) async fn every_changed_byte_is_noticed(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let good = seal(&ring, user(7), "x").await;
    for at in 0..good.sealed.len() {
        let mut sealed = good.sealed.clone().into_bytes();
        sealed[at] = if sealed[at] == b'A' { b'B' } else { b'A' };
        let envelope = Envelope { sealed: String::from_utf8(sealed).unwrap(), ..good.clone() };
        assert!(is_tampered(&ring.unseal(&envelope).await), "byte {at}");
    }
}

pub(super) async fn a_key_that_never_was_is_missing_and_not_erased(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let good = seal(&ring, user(7), PLANTED).await;
    for id in ["0123456789abcdef", "", "\u{0}", "' OR 1=1 --", &"k".repeat(100_000)] {
        let opened = ring.unseal(&Envelope { key: id.into(), ..good.clone() }).await;
        assert_eq!(opened, Err(SealingError::KeyMissing(id.into())));
    }
}

/// Somebody who may write the database puts one person's wrapped key into another's row.
pub(super) async fn a_key_in_another_persons_row_is_refused_and_named(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let good = seal(&ring, user(7), PLANTED).await;
    seal(&ring, user(8), PLANTED).await;
    let swap =
        "UPDATE wrapped_keys SET bytes = (SELECT bytes FROM wrapped_keys WHERE number = 2) WHERE number = 1";
    keys.session().await.execute(swap).await.unwrap();
    let fresh = keys.open().await;
    let opened = fresh.unseal(&good).await;
    assert!(matches!(&opened, Err(SealingError::Unusable(text)) if text.contains("user:7")), "{opened:?}");
    let check = fresh.check().await.unwrap();
    assert_eq!((check.living, check.erased, check.faults.len()), (1, 0, 1));
}

/// One damaged value, or a foreign object that looks like an envelope, does not hide the rest of a history.
pub(super) async fn what_cannot_be_opened_in_a_document_stays_and_is_named(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let good = serde_json::to_value(seal(&ring, user(7), PLANTED).await).unwrap();
    let foreign = json!({"key": "k", "for": "x", "sealed": "y"});
    let more = json!({"key": "k", "for": "x", "sealed": "y", "more": 1});
    let odd = json!({"key": 1, "for": "x", "sealed": "y"});
    let mut documents = [
        json!({"deep": [[{"in": good}], null, 1, "text"], "foreign": foreign, "more": more, "odd": odd}),
        good.clone(),
    ];
    let faults = ring.unseal_json(&mut documents).await.unwrap();
    assert_eq!(faults, [SealingError::KeyMissing("k".into())]);
    let opened =
        json!({"deep": [[{"in": PLANTED}], null, 1, "text"], "foreign": foreign, "more": more, "odd": odd});
    assert_eq!(documents, [opened, json!(PLANTED)]);
}

pub(super) async fn the_database_refuses_to_lose_a_tombstone(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    seal(&ring, user(7), PLANTED).await;
    ring.erase(user(7)).await.unwrap();
    for statement in ["DELETE FROM person_keys", "UPDATE person_keys SET erased_at = NULL"] {
        assert!(keys.session().await.execute(statement).await.is_err(), "{statement}");
    }
}

//! What is sealed, how, and what it opens to.

use muster::sealing::{SealingError, subject_of};
use muster_events::{
    event::Event,
    id::UserId,
    personal::{EmailAddress, Personal, UserName},
    recorded::{Actor, Metadata},
    user::UserEvent,
};

use super::{Keys, PLANTED, Store, invitee, seal, user, value};

pub(super) async fn what_was_sealed_is_read_back_by_another_process(store: Store) {
    let keys = Keys::new(store).await;
    let (here, there) = (keys.open().await, keys.open().await);
    for text in ["", "x", "nul \u{0} inside", "\u{1F511} Änne", &"long ".repeat(200_000)] {
        let envelope = seal(&here, user(7), text).await;
        assert_eq!(here.unseal(&envelope).await.unwrap(), value(text));
        assert_eq!(there.unseal(&envelope).await.unwrap(), value(text));
    }
}

pub(super) async fn the_same_value_never_looks_the_same_twice(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let (first, second) = (seal(&ring, user(7), PLANTED).await, seal(&ring, user(7), PLANTED).await);
    assert_eq!(first.key, second.key, "one person, one key");
    assert_ne!(first.sealed, second.sealed);
    assert_ne!(first.key, seal(&ring, user(8), PLANTED).await.key, "two persons, two keys");
}

pub(super) async fn an_event_is_sealed_field_by_field_and_can_then_be_written_down(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let mut event = Event::from(UserEvent::UserRegistered {
        username: ring.hashed(UserName("Canary".into())),
        name: Some(ring.hashed("Planted Canary".to_owned())),
        email: ring.hashed(EmailAddress(PLANTED.into())),
    });
    assert!(event.encode().is_err(), "an open value was written down");
    let stream = UserId::new(7).unwrap().into();
    assert_eq!(subject_of(&stream), Some(user(7)));
    ring.seal_event(&stream, &mut event).await.unwrap();

    let mut documents: [serde_json::Value; 1] = [serde_json::from_str(&event.encode().unwrap()).unwrap()];
    assert_eq!(documents[0]["email"]["for"], "UserRegistered.email");
    assert_eq!(documents[0]["email"]["hash"], ring.hash("email:planted.canary@example.com").to_string());
    assert_eq!(documents[0]["name"].get("hash"), None);
    assert_eq!(ring.unseal_json(&mut documents).await.unwrap(), []);
    let expected = serde_json::json!({"username": "Canary", "name": "Planted Canary", "email": PLANTED});
    assert_eq!(documents[0], expected);

    let sealed = event.clone();
    ring.seal_event(&stream, &mut event).await.unwrap();
    assert_eq!(event, sealed, "what is sealed was sealed again");
}

pub(super) async fn metadata_is_sealed_for_who_acted(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let id = UserId::new(7).unwrap();
    let mut metadata = Metadata::by(Actor::user(id, None));
    metadata.ip = Some(Personal::open("192.0.2.7".into(), None));
    metadata.user_agent = Some(Personal::open("curl/8".into(), None));
    ring.seal_metadata(&mut metadata, id).await.unwrap();
    let mut documents = [serde_json::to_value(&metadata).unwrap()];
    assert_eq!(documents[0]["ip"]["for"], "Metadata.ip");
    assert_eq!(documents[0]["user_agent"]["for"], "Metadata.user_agent");
    assert_eq!(documents[0]["ip"]["key"], ring.sealer(user(7)).await.unwrap().key_id());
    ring.unseal_json(&mut documents).await.unwrap();
    assert_eq!((&documents[0]["ip"], &documents[0]["user_agent"]), (&"192.0.2.7".into(), &"curl/8".into()));
}

pub(super) async fn what_holds_nothing_personal_makes_no_key(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let id = UserId::new(7).unwrap();
    ring.seal_metadata(&mut Metadata::by(Actor::user(id, None)), id).await.unwrap();
    let mut event = Event::from(UserEvent::SuperuserGranted {});
    ring.seal_event(&id.into(), &mut event).await.unwrap();
    assert_eq!(ring.check().await.unwrap().living, 0);
}

pub(super) async fn a_personal_value_in_nobodys_stream_is_refused(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    let mut event = Event::from(UserEvent::EmailAdded {
        email: ring.hashed(EmailAddress(PLANTED.into())),
        memberships: vec![],
    });
    let stream = muster_events::id::OrganizationId::new(9).unwrap().into();
    let refused = ring.seal_event(&stream, &mut event).await;
    assert!(matches!(refused, Err(SealingError::NoSubject(_))), "{refused:?}");
}

pub(super) async fn hashes_agree_between_processes_and_differ_between_purposes_and_deployments(store: Store) {
    let (keys, others) = (Keys::new(store).await, Keys::new(store).await);
    let (here, there, elsewhere) = (keys.open().await, keys.open().await, others.open().await);
    assert_eq!(here.hash("email:a@b.c"), there.hash("email:a@b.c"));
    assert_ne!(here.hash("email:a@b.c"), here.hash("email:a@b.d"));
    assert_ne!(here.hash("email:a@b.c"), elsewhere.hash("email:a@b.c"));
    assert_eq!(here.token_digest("secret"), there.token_digest("secret"));
    assert_eq!(here.request_hash(&[b"PUT", b"/x"]), there.request_hash(&[b"PUT", b"/x"]));
    assert_ne!(here.request_hash(&[b"PUT", b"/x"]), here.request_hash(&[b"PUT/", b"x"]));
    let hash = here.hash("same").to_string();
    let (_, hex) = hash.split_once(':').unwrap();
    assert_eq!(hex.len(), 64);
    assert_ne!(hex, here.request_hash(&[b"same"]));
    assert_ne!(hex, here.token_digest("same").0);
    assert_eq!(here.hashed(EmailAddress("A@B.c".into())).hash(), Some(&here.hash("email:a@b.c")));
}

/// Whatever another member, another generation, another deployment or a changed digit gives.
pub(super) async fn no_other_token_opens_an_invitation(store: Store) {
    let (keys, others) = (Keys::new(store).await, Keys::new(store).await);
    let (here, there, elsewhere) = (keys.open().await, keys.open().await, others.open().await);
    let member = |number: u64| muster_events::id::MemberId::new(number).unwrap();
    let invitations: Vec<_> = (1..=11)
        .flat_map(|number| [0, 1, 2, 11, u32::MAX].map(|generation| (member(number), generation)))
        .collect();
    for (id, generation) in &invitations {
        let token = here.invitation_token(*id, *generation);
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        assert!(token.len() == 64 && token.bytes().all(is_digit), "{token}");
        assert_eq!(token, there.invitation_token(*id, *generation));
        assert!(!elsewhere.is_invitation_token(*id, *generation, &token));
        for other in &invitations {
            let opens = there.is_invitation_token(other.0, other.1, &token);
            assert_eq!(
                opens,
                *other == (*id, *generation),
                "{other:?} with the token of {id:?} {generation}"
            );
        }
        for shown in ["", &token[1..], &format!("{token}0"), &token.to_uppercase(), &"0".repeat(64), "é"] {
            assert!(*shown == token || !here.is_invitation_token(*id, *generation, shown), "{shown}");
        }
        for place in 0..64 {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(!here.is_invitation_token(*id, *generation, &changed), "digit {place} was changed");
        }
    }
}

pub(super) async fn no_file_holds_what_was_sealed(store: Store) {
    let keys = Keys::new(store).await;
    let ring = keys.open().await;
    for number in 1..20 {
        let subject = if number % 2 == 0 { user(number) } else { invitee(number) };
        seal(&ring, subject, PLANTED).await;
        ring.hash(PLANTED);
        ring.token_digest(PLANTED);
    }
    let files = keys.files().await;
    assert!(files.contain(b"user:2"), "the search itself does not find anything");
    assert!(!files.contain(PLANTED.as_bytes()));
}

pub(super) async fn many_envelopes_are_opened_with_one_question(store: Store) {
    let keys = Keys::new(store).await;
    let here = keys.open().await;
    let mut envelopes = Vec::new();
    for number in 1..=50 {
        envelopes.push(seal(&here, user(number), &number.to_string()).await);
    }
    let there = keys.open().await;
    let opener = there.opener(&envelopes).await.unwrap();
    for (envelope, number) in envelopes.iter().zip(1..) {
        assert_eq!(opener.unseal(envelope), Ok(value(&i32::to_string(&number))));
    }
    let none = there.opener(&[]).await.unwrap();
    assert_eq!(none.unseal(&envelopes[0]), Err(SealingError::KeyMissing(envelopes[0].key.to_string())));
}

//! What is a person's is sealed, opens for those who hold the keys, and is gone when the key is.

mod damage;
mod erasure;
mod master_key;
mod processes;
mod rotation;

use std::{fs, path::Path, sync::Arc};

use muster::{
    clock::SystemClock,
    sealing::{KeyRing, MasterKey, SealingError, SqliteKeyStore, Subject, Unsealed, subject_of},
};
use muster_events::{
    event::Event,
    id::{MemberId, UserId},
    personal::{EmailAddress, Envelope, Personal, PersonalVisitor, UserName},
    recorded::{Actor, Metadata},
    user::UserEvent,
};
use tempfile::TempDir;

const PLANTED: &str = "Planted.Canary@Example.com";

/// A directory with keys, to be opened by as many processes as a test wants.
struct Keys {
    directory: TempDir,
    master: MasterKey,
}

impl Keys {
    fn new() -> Self {
        Self { directory: TempDir::new().unwrap(), master: MasterKey::generate() }
    }

    /// Another process, as far as keys are concerned: it shares nothing with others but the file.
    async fn open(&self) -> KeyRing {
        self.open_with(&self.master).await.unwrap()
    }

    async fn open_with(&self, master: &MasterKey) -> Result<KeyRing, SealingError> {
        let path = self.directory.path().join("keys.db");
        KeyRing::open_sqlite(&path, master.clone(), Arc::new(SystemClock)).await
    }

    /// The database itself, behind the back of all processes.
    fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.directory.path().join("keys.db")).unwrap()
    }

    /// Whether any file in the directory contains `bytes`.
    fn contain(&self, bytes: &[u8]) -> bool {
        let files = fs::read_dir(self.directory.path()).unwrap();
        files
            .map(|file| fs::read(file.unwrap().path()).unwrap())
            .any(|file| file.windows(bytes.len()).any(|window| window == bytes))
    }
}

fn user(number: u64) -> Subject {
    Subject::User(UserId::new(number).unwrap())
}

fn invitee(number: u64) -> Subject {
    Subject::Invitee(MemberId::new(number).unwrap())
}

/// `text` sealed for `subject` as a field of an event.
async fn seal(ring: &KeyRing, subject: Subject, text: &str) -> Envelope {
    let mut value = Personal::open(text.to_owned(), None);
    let sealer = ring.sealer(subject).await.unwrap();
    let Ok(()) = sealer.fields_of("UserRegistered").visit("name", &mut value);
    value.envelope().unwrap().clone()
}

fn value(text: &str) -> Unsealed {
    Unsealed::Value(text.into())
}

#[tokio::test]
async fn what_was_sealed_is_read_back_by_another_process() {
    let keys = Keys::new();
    let (here, there) = (keys.open().await, keys.open().await);
    for text in ["", "x", "nul \u{0} inside", "\u{1F511} Änne", &"long ".repeat(200_000)] {
        let envelope = seal(&here, user(7), text).await;
        assert_eq!(here.unseal(&envelope).await.unwrap(), value(text));
        assert_eq!(there.unseal(&envelope).await.unwrap(), value(text));
    }
}

#[tokio::test]
async fn the_same_value_never_looks_the_same_twice() {
    let keys = Keys::new();
    let ring = keys.open().await;
    let (first, second) = (seal(&ring, user(7), PLANTED).await, seal(&ring, user(7), PLANTED).await);
    assert_eq!(first.key, second.key, "one person, one key");
    assert_ne!(first.sealed, second.sealed);
    assert_ne!(first.key, seal(&ring, user(8), PLANTED).await.key, "two persons, two keys");
}

#[tokio::test]
async fn an_event_is_sealed_field_by_field_and_can_then_be_written_down() {
    let keys = Keys::new();
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

#[tokio::test]
async fn metadata_is_sealed_for_who_acted() {
    let keys = Keys::new();
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

#[tokio::test]
async fn what_holds_nothing_personal_makes_no_key() {
    let keys = Keys::new();
    let ring = keys.open().await;
    let id = UserId::new(7).unwrap();
    ring.seal_metadata(&mut Metadata::by(Actor::user(id, None)), id).await.unwrap();
    let mut event = Event::from(UserEvent::SuperuserGranted {});
    ring.seal_event(&id.into(), &mut event).await.unwrap();
    assert_eq!(ring.check().await.unwrap().living, 0);
}

#[tokio::test]
async fn a_personal_value_in_nobodys_stream_is_refused() {
    let keys = Keys::new();
    let ring = keys.open().await;
    let mut event = Event::from(UserEvent::EmailAdded {
        email: ring.hashed(EmailAddress(PLANTED.into())),
        memberships: vec![],
    });
    let stream = muster_events::id::OrganizationId::new(9).unwrap().into();
    let refused = ring.seal_event(&stream, &mut event).await;
    assert!(matches!(refused, Err(SealingError::NoSubject(_))), "{refused:?}");
}

#[tokio::test]
async fn hashes_agree_between_processes_and_differ_between_purposes_and_deployments() {
    let (keys, others) = (Keys::new(), Keys::new());
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

#[tokio::test]
async fn no_file_holds_what_was_sealed() {
    let keys = Keys::new();
    let ring = keys.open().await;
    for number in 1..20 {
        let subject = if number % 2 == 0 { user(number) } else { invitee(number) };
        seal(&ring, subject, PLANTED).await;
        ring.hash(PLANTED);
        ring.token_digest(PLANTED);
    }
    assert!(keys.contain(b"user:2"), "the search itself does not find anything");
    assert!(!keys.contain(PLANTED.as_bytes()));
}

#[tokio::test]
async fn many_envelopes_are_opened_with_one_question() {
    let keys = Keys::new();
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

fn database_error(opened: Result<SqliteKeyStore, SealingError>, path: &Path) -> String {
    let text = opened.unwrap_err().to_string();
    assert!(text.contains(path.to_str().unwrap()), "the file is not named: {text}");
    text
}

#[tokio::test]
async fn a_file_that_is_no_key_database_is_refused_and_left_as_it_is() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("keys.db");
    let opened = || SqliteKeyStore::open(&path);

    fs::write(&path, "a letter, not a database".repeat(500)).unwrap();
    let text = database_error(opened().await, &path);
    assert!(text.contains("does not hold the keys of muster"), "{text}");
    assert!(fs::read(&path).unwrap().starts_with(b"a letter"));

    fs::remove_file(&path).unwrap();
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE theirs (x)").unwrap();
    let text = database_error(opened().await, &path);
    assert!(text.contains("another program"), "{text}");

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let text = database_error(opened().await, &path);
    assert!(text.contains("is a directory"), "{text}");

    let nowhere = directory.path().join("no such directory/keys.db");
    let text = database_error(SqliteKeyStore::open(&nowhere).await, &nowhere);
    assert!(text.contains("check that its directory exists"), "{text}");

    let newer = directory.path().join("newer.db");
    drop(SqliteKeyStore::open(&newer).await.unwrap());
    let raw = rusqlite::Connection::open(&newer).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    let text = database_error(SqliteKeyStore::open(&newer).await, &newer);
    assert!(text.contains("newer muster"), "{text}");
}

//! What follows from an erasure: keys are destroyed whoever began it, memberships end, tokens are revoked.

use std::{fs, sync::Arc};

use muster::{
    deployment::Deployment,
    ledger::{CommandMeta, Ledger, Turn, operations::EraseAccount},
    sealing::Subject,
};
use muster_events::{member::InviteStatus, recorded::Actor};
use serde_json::json;

use super::{act, acted, after, assert_caused_by, types_after};
use crate::support::{World, is_without_files};

/// How many erasures on record have left keys.
async fn incomplete(ledger: &Ledger) -> usize {
    let erased = ledger.erasures().await.unwrap();
    ledger.incomplete_erasures(&erased).await.unwrap().len()
}

#[tokio::test]
async fn who_is_erased_is_in_no_organization_and_what_he_sent_ends() {
    let mut builder = World::acme_builder().await;
    builder.pending("acme", "kim", InviteStatus::Approved, Some("bob")).await;
    let world = builder.serve().await;
    let root = world.of("root");
    let erased = root.delete(&format!("/api/0/users/{}/", world.user("bob"))).await.expect(200).position();
    acted(&[&root], erased).await;
    // What a policy appended has its own consequences.
    acted(&[&root], world.head().await).await;
    let types = types_after(&world, erased).await;
    assert_eq!(types, ["InviteRevoked", "MemberRemoved", "MemberRemoved", "TokenRevoked"]);
    let events = after(&world.deployment, erased).await;
    let person = Actor::user(world.user("root"), Some(world.token("root-token")));
    let removed: Vec<_> =
        events.into_iter().filter(|event| event.event.event_type() != "InviteRevoked").collect();
    assert_caused_by(&world.deployment, &removed, erased, &person).await;
    let path = format!("{}events/?type=MemberRemoved", world.path("acme", "bob"));
    let told = world.of("alice").get(&path).await.expect(200).json();
    assert_eq!(told["events"][0]["payload"]["reason"], json!("account_erased"));
    let tokens = root.get("/api/0/api-tokens/").await.expect(200).json();
    let bob = json!(world.user("bob").to_string());
    let mut his = tokens.as_array().unwrap().iter().filter(|token| token["user"] == bob).peekable();
    assert!(his.peek().is_some() && his.all(|token| token["revoked"] == json!(true)), "{tokens}");
}

/// The process ended between the event and the destruction of the keys, and no policy ever ran there: the next one that
/// works completes it, wherever its checkpoint is.
#[tokio::test]
async fn an_erasure_that_was_cut_off_is_completed_by_whoever_starts_next() {
    let builder = World::acme_builder().await;
    let (deployment, bob) = (builder.deployment(), builder.user("bob"));
    let erase = EraseAccount::new(None, Some(bob), None);
    deployment.ledger.execute(&erase, &CommandMeta::system(), Turn::unkeyed()).await.unwrap();
    let subject = Subject::User(bob);
    assert!(deployment.ledger.keys().has_key(subject).await.unwrap(), "nothing was destroyed yet");
    assert_eq!(incomplete(&deployment.ledger).await, 1);
    let other = Arc::new(Deployment::open(&builder.place().options()).await.unwrap());
    act(&other).await;
    assert!(!deployment.ledger.keys().has_key(subject).await.unwrap());
    assert_eq!(incomplete(&deployment.ledger).await, 0);
    assert!(deployment.ledger.keys().has_key(Subject::User(builder.user("dana"))).await.unwrap());
}

/// Keys are put back from a backup that is older than the erasure, as an operator does who lost them.
#[tokio::test]
async fn keys_that_are_put_back_do_not_bring_anybody_back() {
    if is_without_files("a file with keys that is put back") {
        return;
    }
    let builder = World::acme_builder().await;
    let (place, bob) = (builder.place(), builder.user("bob"));
    let file = place.path().join("keys.db");
    let checkpointed = rusqlite::Connection::open(&file).unwrap();
    checkpointed.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(checkpointed);
    let backup = fs::read(&file).unwrap();
    let ledger = &builder.deployment().ledger;
    let erase = EraseAccount::new(None, Some(bob), None);
    ledger.execute(&erase, &CommandMeta::system(), Turn::unkeyed()).await.unwrap();
    ledger.complete_erasure_of_user(bob).await.unwrap().unwrap();
    assert_eq!(incomplete(ledger).await, 0);

    let other = tempfile::TempDir::new().unwrap();
    for entry in fs::read_dir(place.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_file() && !name.starts_with("keys.db") {
            fs::copy(&path, other.path().join(name)).unwrap();
        }
    }
    fs::write(other.path().join("keys.db"), backup).unwrap();
    let options = muster::deployment::DeploymentOptions::directory(other.path());
    let restored = Deployment::open(&options).await.unwrap();
    assert!(restored.ledger.keys().has_key(Subject::User(bob)).await.unwrap());
    act(&restored).await;
    assert!(!restored.ledger.keys().has_key(Subject::User(bob)).await.unwrap());
}

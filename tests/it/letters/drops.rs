use muster_events::letter::DropReason;
use serde_json::json;
use tokio::time::timeout;

use super::{LIMIT, dropped, letters, mails, queued, says_that_nothing_is_sent, settled};
use crate::support::{World, WorldBuilder};

const MEMBERS: &str = "/api/0/organizations/acme/members/";

/// A world whose letters cannot be written for now, and the directory that is in the way.
async fn held_up() -> (World, std::path::PathBuf) {
    held_up_in(World::acme_builder().await).await
}

async fn held_up_in(mut builder: WorldBuilder) -> (World, std::path::PathBuf) {
    builder.person("zoe").await;
    let (world, directory) = super::with_files(builder).await;
    std::fs::remove_dir(&directory).unwrap();
    (world, directory)
}

/// Lets letters be written again, and waits until none waits.
async fn released(world: &World, directory: &std::path::Path) {
    std::fs::create_dir(directory).unwrap();
    settled(world).await;
}

#[tokio::test]
async fn what_makes_no_sense_any_more_when_its_turn_comes_is_not_sent() {
    let (world, directory) = held_up().await;
    let alice = world.of("alice");
    let invite = async |email: &str| {
        let invited = alice.post(MEMBERS, &json!({ "email": email })).await.expect(201).json();
        invited["id"].as_str().unwrap().parse::<muster_events::id::MemberId>().unwrap()
    };
    let (revoked, replaced) = (invite("a@example.com").await, invite("b@example.com").await);
    let accepted = invite("zoe@example.com").await;
    queued(&world, 3).await;
    alice.delete(&format!("{MEMBERS}{revoked}/")).await.expect(204);
    let again = json!({"reinvite": true, "regenerate": true});
    alice.put(&format!("{MEMBERS}{replaced}/"), &again).await.expect(200);
    let token = world.deployment.ledger.keys().invitation_token(accepted, 1);
    let accept = format!("/api/0/accept-invite/{accepted}/{token}/");
    world.of("zoe").post(&accept, &json!({})).await.expect(204);
    says_that_nothing_is_sent(&world).await;
    released(&world, &directory).await;
    let mut why = dropped(&world).await;
    why.sort_by_key(|why| why.name());
    let expected =
        [DropReason::InvitationAccepted, DropReason::InvitationReplaced, DropReason::InvitationRevoked];
    assert_eq!(why, expected);
    let sent: Vec<_> = mails(&directory).into_iter().map(|mail| mail.to).collect();
    assert_eq!(sent, ["b@example.com"], "with the new token");
    let token = world.deployment.ledger.keys().invitation_token(replaced, 2);
    assert!(mails(&directory)[0].text.contains(&token));
}

#[tokio::test]
async fn a_request_that_was_answered_and_an_end_that_was_called_off_are_told_to_nobody() {
    let (world, directory) = held_up().await;
    let (acme, alice) = ("/api/0/organizations/acme/", world.of("alice"));
    let proposed = json!({"email": "y@example.com", "role": "member"});
    let request =
        world.of("bob").post(&format!("{acme}invite-requests/"), &proposed).await.expect(201).json();
    let request = request["id"].as_str().unwrap();
    // To both who may let somebody in.
    queued(&world, 2).await;
    alice.delete(&format!("{acme}invite-requests/{request}/")).await.expect(204);
    alice.delete(acme).await.expect(202);
    queued(&world, 3).await;
    alice.put(acme, &json!({"cancelDeletion": true})).await.expect(200);
    released(&world, &directory).await;
    let mut why = dropped(&world).await;
    why.sort_by_key(|why| why.name());
    assert_eq!(why, [DropReason::NotNeeded, DropReason::RequestAnswered, DropReason::RequestAnswered]);
    assert_eq!(mails(&directory).len(), 0);
}

/// Each letter tells of one request; what is asked for anew has one of its own.
#[tokio::test]
async fn an_end_that_was_called_off_and_asked_for_anew_is_told_once() {
    let (world, directory) = held_up().await;
    let (acme, alice) = ("/api/0/organizations/acme/", world.of("alice"));
    alice.delete(acme).await.expect(202);
    queued(&world, 1).await;
    alice.put(acme, &json!({"cancelDeletion": true})).await.expect(200);
    alice.delete(acme).await.expect(202);
    queued(&world, 2).await;
    released(&world, &directory).await;
    assert_eq!(dropped(&world).await, [DropReason::NotNeeded]);
    assert_eq!(mails(&directory).len(), 1);
}

/// One that is about somebody who cannot be read is parked with the reason; the others are sent.
#[tokio::test]
async fn a_letter_that_cannot_be_made_stands_in_nobodys_way() {
    let (world, directory) = held_up().await;
    for email in ["a@example.com", "b@example.com"] {
        let invited = world.of("alice").post(MEMBERS, &json!({ "email": email })).await.expect(201).json();
        if email == "a@example.com" {
            queued(&world, 1).await;
            let id: muster_events::id::MemberId = invited["id"].as_str().unwrap().parse().unwrap();
            world.place.poison(id.into()).await;
        }
    }
    queued(&world, 2).await;
    std::fs::create_dir(&directory).unwrap();
    let ends = async {
        loop {
            let letters = letters(&world).await;
            let mut last: Vec<_> = letters.values().map(|types| types.last().unwrap().clone()).collect();
            last.sort();
            if last == ["LetterParked", "LetterSent"] {
                return;
            }
        }
    };
    timeout(LIMIT, ends).await.expect("one stands in the way of the other");
    assert_eq!(mails(&directory)[0].to, "b@example.com");
}

/// Whoever is no longer one of those who get such letters when their turn comes, gets none.
#[tokio::test]
async fn who_was_deactivated_or_lost_the_right_meanwhile_is_told_nothing() {
    let (world, directory) = held_up().await;
    let acme = "/api/0/organizations/acme/";
    let proposed = json!({"email": "y@example.com", "role": "member"});
    world.of("bob").post(&format!("{acme}invite-requests/"), &proposed).await.expect(201);
    // To Alice, an owner, and Mallory, a manager.
    queued(&world, 2).await;
    world.of("alice").put(&world.path("acme", "mallory"), &json!({"orgRole": "member"})).await.expect(200);
    released(&world, &directory).await;
    assert_eq!(dropped(&world).await, [DropReason::RecipientLeft]);
    assert_eq!(mails(&directory)[0].to, "alice@example.com");

    std::fs::remove_dir_all(&directory).unwrap();
    world.of("alice").put(&world.path("acme", "mallory"), &json!({"orgRole": "manager"})).await.expect(200);
    let proposed = json!({"email": "z@example.com", "role": "member"});
    world.of("bob").post(&format!("{acme}invite-requests/"), &proposed).await.expect(201);
    queued(&world, 4).await;
    let mallory = format!("/api/0/users/{}/", world.user("mallory"));
    world.of("root").put(&mallory, &json!({"active": false})).await.expect(200);
    released(&world, &directory).await;
    assert_eq!(dropped(&world).await, [DropReason::RecipientLeft, DropReason::RecipientLeft]);
    let to: Vec<_> = mails(&directory).into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, ["alice@example.com"]);
}

#[tokio::test]
async fn for_who_has_no_account_yet_nobody_is_asked_to_let_him_on_a_team() {
    let closed = World::acme_with(&[("openMembership", json!(false))]).await;
    let (world, directory) = held_up_in(closed).await;
    let path = format!("{}teams/core/", world.path("acme", "ivan"));
    world.of("bob").post(&path, &json!({})).await.expect(202);
    queued(&world, 1).await;
    released(&world, &directory).await;
    let why = dropped(&world).await;
    assert!(!why.is_empty() && why.iter().all(|why| *why == DropReason::NotNeeded), "{why:?}");
    assert_eq!(mails(&directory).len(), 0);
}

/// What a newer version wrote into a letter is not known here: it is left to that version, and nobody waits for it.
#[tokio::test]
async fn a_letter_that_cannot_be_read_holds_up_no_other_letter_to_its_recipient() {
    let (world, directory) = held_up().await;
    let (path, again) = (world.path("acme", "ivan"), json!({"reinvite": true}));
    world.of("alice").put(&path, &again).await.expect(200);
    queued(&world, 1).await;
    let unreadable = *letters(&world).await.keys().next().unwrap();
    world.place.poison(unreadable.into()).await;
    world.of("alice").put(&path, &again).await.expect(200);
    queued(&world, 2).await;
    std::fs::create_dir(&directory).unwrap();
    let sent =
        async { while !letters(&world).await.values().any(|types| types.last().unwrap() == "LetterSent") {} };
    timeout(LIMIT, sent).await.expect("one stands in the way of the other");
    assert_eq!(mails(&directory).len(), 1);
}

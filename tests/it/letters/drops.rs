use muster_events::letter::DropReason;
use serde_json::json;
use tokio::time::timeout;

use super::{LIMIT, dropped, letters, mails, queued, says_that_nothing_is_sent, settled};
use crate::support::World;

const MEMBERS: &str = "/api/0/organizations/acme/members/";

/// A world whose letters cannot be written for now, and the directory that is in the way.
async fn held_up() -> (World, std::path::PathBuf) {
    let mut builder = World::acme_builder().await;
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

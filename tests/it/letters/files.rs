use std::{collections::BTreeSet, os::unix::fs::PermissionsExt as _, sync::Arc};

use muster::{
    deployment::Deployment,
    email::{Sender, Transport},
};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{BASE, LIMIT, Mail, letters, mails, settled, with_files};
use crate::support::World;

const ACME: &str = "/api/0/organizations/acme/";
const ADMINISTRATION: &str = "/api/0/organizations/acme/administration/";

fn only(mails: &[Mail]) -> &Mail {
    let [mail] = mails else { panic!("{} letters", mails.len()) };
    mail
}

#[tokio::test]
async fn an_invitation_is_sent_once_with_the_link_that_accepts_it() {
    let mut builder = World::acme_builder().await;
    builder.person("zoe").await;
    let (world, directory) = with_files(builder).await;
    let body = json!({"email": "Zoe@Example.com", "orgRole": "manager"});
    let path = format!("{ACME}members/?referrer=onboarding");
    let invited = world.of("alice").post(&path, &body).await.expect(201).json();
    let done = settled(&world).await;
    assert_eq!(done.values().collect::<Vec<_>>(), [&["LetterQueued", "LetterSent"]]);
    let mails = mails(&directory);
    let mail = only(&mails);
    assert_eq!(mail.to, "Zoe@Example.com");
    assert_eq!(mail.subject, "Join The acme in using muster");
    assert_eq!(mail.message_id, format!("{}@acme.example", done.keys().next().unwrap()));
    let id: muster_events::id::MemberId = invited["id"].as_str().unwrap().parse().unwrap();
    let token = world.deployment.ledger.keys().invitation_token(id, 1);
    let link = format!("{BASE}/accept/{id}/{token}/?referrer=onboarding");
    assert!(mail.text.contains(&link) && mail.text.contains("Alice invites you"), "{}", mail.text);
    assert!(mail.html.contains(&format!("href=\"{}\"", link.replace('/', "&#x2f;"))), "{}", mail.html);
    // The token is in the letter and nowhere else.
    let stored = world.place.everything_stored().await;
    assert!(!stored.windows(token.len()).any(|window| window == token.as_bytes()));
    world.of("zoe").post(&format!("/api/0/accept-invite/{id}/{token}/"), &json!({})).await.expect(204);
}

#[tokio::test]
async fn a_server_that_starts_again_sends_nothing_again() {
    let (world, directory) = with_files(World::acme_builder().await).await;
    world.of("alice").put(&world.path("acme", "ivan"), &json!({"reinvite": true})).await.expect(200);
    let before = settled(&world).await;
    assert_eq!(before.len(), 1);
    for file in std::fs::read_dir(&directory).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    let world = world.stopped().await;
    let mail = Some(super::options(Transport::Files(directory.clone())));
    let options = muster::http::ServeOptions { mail, ..Default::default() };
    let world = world.started(options).await;
    world.anonymous().get("/healthz").await.expect(200);
    assert_eq!(settled(&world).await, before);
    assert_eq!(mails(&directory).len(), 0);
}

/// What an import states sends nothing, and neither does an invitation whose sender wants no letter.
#[tokio::test]
async fn nobody_gets_a_letter_that_nobody_wanted() {
    let (world, _) = with_files(World::acme_builder().await).await;
    let body = json!({"email": "zoe@example.com", "sendInvite": false});
    world.of("alice").post(&format!("{ACME}members/"), &body).await.expect(201);
    world.of("alice").put(&world.path("acme", "bob"), &json!({"orgRole": "manager"})).await.expect(200);
    world.of("alice").delete(&world.path("acme", "dana")).await.expect(204);
    assert_eq!(settled(&world).await.len(), 0);
}

#[tokio::test]
async fn who_may_let_somebody_in_is_told_of_requests_each_once() {
    let (world, directory) = with_files(World::acme_builder().await).await;
    let proposed = json!({"email": "zoe@example.com", "role": "member"});
    world.of("bob").post(&format!("{ACME}invite-requests/"), &proposed).await.expect(201);
    settled(&world).await;
    let mails = mails(&directory);
    let told: BTreeSet<_> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(told, BTreeSet::from(["alice@example.com", "mallory@example.com"]));
    for mail in &mails {
        assert_eq!(mail.subject, "Access request to The acme");
        assert!(mail.text.contains("Bob proposes to invite zoe@example.com to The acme."), "{}", mail.text);
    }
}

#[tokio::test]
async fn who_may_put_somebody_on_a_team_is_told_and_then_he_is() {
    let builder = World::acme_with(&[("openMembership", json!(false))]).await;
    let (world, directory) = with_files(builder).await;
    let web = format!("{}teams/infra/", world.path("acme", "bob"));
    world.of("bob").post(&web, &json!({})).await.expect(202);
    settled(&world).await;
    let asked = mails(&directory);
    let told: BTreeSet<_> = asked.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(told, BTreeSet::from(["alice@example.com", "mallory@example.com"]));
    assert_eq!(asked[0].subject, "muster Access Request");
    assert!(
        asked[0].text.contains("Bob (bob@example.com) asks to be put on the team infra"),
        "{}",
        asked[0].text
    );
    let requests = world.of("alice").get(&format!("{ACME}access-requests/")).await.expect(200).json();
    let request = requests[0]["id"].as_str().unwrap();
    let answer = json!({"isApproved": true});
    world.of("alice").put(&format!("{ACME}access-requests/{request}/"), &answer).await.expect(204);
    settled(&world).await;
    let granted = mails(&directory);
    let to_bob = granted.iter().find(|mail| mail.to == "bob@example.com").unwrap();
    assert!(
        to_bob.text.contains("Your request to join the team infra of The acme was granted."),
        "{}",
        to_bob.text
    );
}

#[tokio::test]
async fn owners_are_told_that_their_organization_is_to_end() {
    let (world, directory) = with_files(World::acme_builder().await).await;
    world.of("alice").delete(ACME).await.expect(202);
    settled(&world).await;
    let mails = mails(&directory);
    let mail = only(&mails);
    assert_eq!(
        (mail.to.as_str(), mail.subject.as_str()),
        ("alice@example.com", "[muster] Organization Queued for Deletion")
    );
    assert!(
        mail.text.contains("alice (alice@example.com) has asked for The acme to be deleted, on 20"),
        "{}",
        mail.text
    );
}

#[tokio::test]
async fn members_are_told_what_they_lack_and_that_their_provider_is_gone() {
    let mut builder = World::acme_builder().await;
    builder.person_with("mia", |mia| mia.authenticators.clear()).await;
    builder.member("acme", "mia", "member", &[]).await;
    let (world, directory) = with_files(builder).await;
    world.of("alice").put(ACME, &json!({"require2FA": true})).await.expect(200);
    settled(&world).await;
    let required = mails(&directory);
    let mail = only(&required);
    assert_eq!(
        (mail.to.as_str(), mail.subject.as_str()),
        ("mia@example.com", "[muster] The acme Mandatory: Enable Two-Factor Authentication")
    );
    let id = world.member("acme", "mia");
    let token = world.deployment.ledger.keys().invitation_token(id, 1);
    assert!(mail.text.contains(&format!("{BASE}/accept/{id}/{token}/")), "{}", mail.text);

    world.of("alice").put(ACME, &json!({"require2FA": false})).await.expect(200);
    let root = world.of("root");
    root.put(ADMINISTRATION, &json!({"sso": {"provider": "okta", "name": "Okta"}})).await.expect(200);
    world.of("alice").put(&world.path("acme", "bob"), &json!({"reinvite": true})).await.expect(200);
    settled(&world).await;
    let linking = mails(&directory);
    let to_bob = linking.iter().find(|mail| mail.to == "bob@example.com").unwrap();
    assert!(to_bob.text.contains("alice@example.com asks you to link your account"), "{}", to_bob.text);
    root.put(ADMINISTRATION, &json!({"sso": Value::Null})).await.expect(200);
    settled(&world).await;
    let gone = mails(&directory).into_iter().filter(|mail| mail.text.contains("switched off single sign-on"));
    let told: Vec<_> = gone.map(|mail| mail.to).collect();
    let everybody = ["adam", "alice", "bob", "dana", "mallory"].map(|key| format!("{key}@example.com"));
    assert_eq!(told, everybody);
}

#[tokio::test]
async fn a_process_without_mail_queues_nothing() {
    let world = World::acme().await;
    world.of("alice").put(&world.path("acme", "ivan"), &json!({"reinvite": true})).await.expect(200);
    assert_eq!(letters(&world).await.len(), 0);
}

/// What rebuilds read models has no sender, and a sender finds in rebuilt ones what was sent.
#[tokio::test]
async fn read_models_that_are_built_again_send_nothing() {
    let (world, directory) = with_files(World::acme_builder().await).await;
    world.of("alice").put(&world.path("acme", "ivan"), &json!({"reinvite": true})).await.expect(200);
    settled(&world).await;
    let place = world.stop().await;
    std::fs::remove_dir_all(&directory).unwrap();
    place.lose_views().await;
    let deployment = Deployment::open(&place.options()).await.unwrap();
    let head = deployment.ledger.store().head().await.unwrap().position;
    let (runner, stop) = (deployment.runner(), CancellationToken::new());
    let read_models = runner.read_models();
    let running = tokio::spawn(runner.run(stop.clone()));
    read_models.wait_for(head, LIMIT).await.unwrap();
    assert!(!directory.exists(), "a rebuild writes no letter");
    let options = super::options(Transport::Files(directory.clone()));
    let sender = Sender::new(Arc::clone(&deployment.ledger), read_models, options).unwrap();
    let mut status = sender.status();
    let sending = tokio::spawn(sender.run(stop.clone()));
    timeout(LIMIT, status.wait_for(|status| status.works)).await.unwrap().unwrap();
    // It has looked once more than that it works.
    status.mark_unchanged();
    stop.cancel();
    for task in [running, sending] {
        task.await.unwrap();
    }
    assert_eq!(deployment.ledger.store().head().await.unwrap().position, head);
    assert_eq!(mails(&directory).len(), 0);
}

/// They hold links that open invitations.
#[tokio::test]
async fn letters_in_files_are_for_nobody_else() {
    let (world, directory) = with_files(World::acme_builder().await).await;
    world.of("alice").post(&format!("{ACME}members/"), &json!({"email": "a@example.com"})).await.expect(201);
    settled(&world).await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let letter = std::fs::read_dir(&directory).unwrap().next().unwrap().unwrap().path();
    assert_eq!(mode(&letter), 0o600);
}

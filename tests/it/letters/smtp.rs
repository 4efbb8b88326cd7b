//! Over a real mail server, with its faults.

use std::{collections::BTreeMap, time::Duration};

use metrics_exporter_prometheus::PrometheusBuilder;
use muster::{email::Transport, http::ServeOptions};
use muster_events::{
    event::Event,
    letter::{Letter, LetterEvent, LetterStatus},
    stream::{Position, StreamId},
};
use serde_json::json;

use super::{options, says_that_nothing_is_sent, settled};
use crate::support::{MailServer, World};

const MEMBERS: &str = "/api/0/organizations/acme/members/";
const CONNECTIONS: u32 = 4;

/// A world whose server sends letters to `mail`.
async fn served(mail: &MailServer) -> World {
    served_with(mail, ServeOptions::default()).await
}

async fn served_with(mail: &MailServer, serve: ServeOptions) -> World {
    let transport = Transport::Smtp { url: mail.url(), connections: CONNECTIONS };
    served_as(ServeOptions { mail: Some(options(transport)), ..serve }).await
}

async fn served_as(serve: ServeOptions) -> World {
    let world = World::acme_builder().await.serve_with(serve).await;
    let off = json!({"features": {"invite-members-rate-limits": false}});
    world.of("root").put("/api/0/organizations/acme/administration/", &off).await.expect(200);
    world
}

async fn invite(world: &World, email: &str) {
    world.of("alice").post(MEMBERS, &json!({ "email": email })).await.expect(201);
}

/// How each recipient's only letter ended, with the failed attempts before and the last reply code.
async fn ends(world: &World) -> BTreeMap<String, (LetterStatus, u32, Option<u16>)> {
    let store = world.deployment.ledger.store();
    let mut ends = BTreeMap::new();
    for id in settled(world).await.keys() {
        let stream = StreamId::from(*id);
        let letter = world.deployment.ledger.state::<Letter>(&stream).await.unwrap().state;
        let email = letter.letter.as_ref().unwrap().email.envelope().unwrap().clone();
        let to = world.deployment.ledger.keys().unseal(&email).await.unwrap().into_text();
        let events = store.read_stream(&stream, muster_events::stream::Sequence::ZERO, 100).await.unwrap();
        let code = |event: &Event| match event {
            Event::Letter(LetterEvent::LetterAttemptFailed { code, .. }) => Some(*code),
            _ => None,
        };
        let last = events.iter().rev().find_map(|stored| code(&stored.event().unwrap())).flatten();
        ends.insert(to, (letter.status, letter.attempts, last));
    }
    ends
}

#[tokio::test]
async fn what_the_server_says_decides_what_becomes_of_a_letter() {
    let mail = MailServer::start();
    let metrics = Some(PrometheusBuilder::new().install_recorder().unwrap());
    let world = served_with(&mail, ServeOptions { metrics, ..ServeOptions::default() }).await;
    for fault in ["good", "permanent", "temporary", "first", "slow", "drop", "lost"] {
        invite(&world, &format!("{fault}-1@example.com")).await;
    }
    let ends = ends(&world).await;
    let end = |fault: &str| ends[&format!("{fault}-1@example.com")];
    assert_eq!(end("good"), (LetterStatus::Sent, 0, None));
    assert_eq!(end("slow"), (LetterStatus::Sent, 0, None));
    assert_eq!(end("permanent"), (LetterStatus::Parked, 1, Some(550)));
    assert_eq!(end("temporary"), (LetterStatus::Parked, 3, Some(451)));
    assert_eq!(end("first"), (LetterStatus::Sent, 1, Some(451)));
    assert_eq!(end("drop"), (LetterStatus::Sent, 1, None));
    assert_eq!(end("lost"), (LetterStatus::Sent, 1, None));
    let mut taken: Vec<_> = mail.taken().into_iter().map(|taken| (taken.to, taken.id)).collect();
    taken.sort();
    let to: Vec<_> = taken.iter().map(|(to, _)| to.split('-').next().unwrap()).collect();
    assert_eq!(to, ["drop", "first", "good", "lost", "lost", "slow"]);
    assert_eq!(taken[3], taken[4], "the one duplicate can be recognized");
    let shown = async {
        loop {
            let text = world.anonymous().get("/metrics").await.expect(200).text;
            // Looked at every few seconds.
            if text.contains("muster_letters_parked 2\n") {
                return text;
            }
        }
    };
    let shown = tokio::time::timeout(super::LIMIT, shown).await.expect("parked letters are not shown");
    for (counter, count) in [("queued", 7), ("sent", 5), ("failed", 7)] {
        let line = format!("muster_letters_{counter}_total{{kind=\"organization.invite\"}} {count}\n");
        assert!(shown.contains(&line), "{line} is missing in {shown}");
    }
    assert!(
        shown.contains("muster_letters_waiting 0\n") && shown.contains("muster_letters_oldest_seconds 0\n")
    );
}

#[tokio::test]
async fn the_reason_is_kept_for_operators_and_sealed() {
    let mail = MailServer::start();
    let world = served(&mail).await;
    invite(&world, "permanent-1@example.com").await;
    settled(&world).await;
    let events = world.deployment.ledger.store().read_all(Position::ZERO, 10_000).await.unwrap();
    let failed = events.iter().find(|stored| stored.event_type == "LetterAttemptFailed").unwrap();
    let Event::Letter(LetterEvent::LetterAttemptFailed { text, .. }) = &*failed.event().unwrap() else {
        panic!("{failed:?}")
    };
    let text = world.deployment.ledger.keys().unseal(text.envelope().unwrap()).await.unwrap().into_text();
    assert!(text.contains("there is no permanent-1@example.com"), "{text}");
    let stored = world.place.everything_stored().await;
    let needle = b"permanent-1@example.com";
    assert!(!stored.windows(needle.len()).any(|window| window == needle));
}

#[tokio::test]
async fn a_recipients_letters_come_in_order_and_one_that_is_parked_holds_up_nobody() {
    let mail = MailServer::start();
    let world = served(&mail).await;
    let again = json!({"reinvite": true});
    for fault in ["first", "permanent", "good"] {
        let email = format!("{fault}-1@example.com");
        let invited = world.of("alice").post(MEMBERS, &json!({ "email": email })).await.expect(201).json();
        let path = format!("{MEMBERS}{}/", invited["id"].as_str().unwrap());
        for _ in 0..3 {
            world.of("alice").put(&path, &again).await.expect(200);
        }
    }
    let letters = settled(&world).await;
    assert_eq!(letters.len(), 12);
    assert_eq!(letters.values().filter(|types| types.last().unwrap() == "LetterParked").count(), 4);
    for recipient in ["first-1@example.com", "good-1@example.com"] {
        let places = in_order(&world, &mail, recipient).await;
        assert_eq!(places.len(), 4);
        assert!(places.is_sorted(), "{recipient}: {places:?}");
    }
}

/// The letters to a recipient as they were taken, each by its place in the order in which they were queued.
async fn in_order(world: &World, mail: &MailServer, recipient: &str) -> Vec<usize> {
    let all = world.deployment.ledger.store().read_all(Position::ZERO, 10_000).await.unwrap();
    let queued: Vec<_> = all.iter().filter(|stored| stored.event_type == "LetterQueued").collect();
    let place = |id: &str| queued.iter().position(|stored| stored.stream.aggregate_id == id).unwrap();
    let taken = mail.taken().into_iter().filter(|taken| taken.to == recipient);
    taken.map(|taken| place(taken.id.trim_matches(['<', '>']).split('@').next().unwrap())).collect()
}

/// An answer that comes too late is that to its own letter and to no other.
#[tokio::test]
async fn an_answer_that_comes_late_is_not_taken_for_that_to_the_next_letter() {
    let mail = MailServer::start();
    let transport = Transport::Smtp { url: mail.url(), connections: 1 };
    let mut mail_options = options(transport);
    mail_options.patience = Duration::from_millis(300);
    let world = served_as(ServeOptions { mail: Some(mail_options), ..ServeOptions::default() }).await;
    for to in ["late-1", "permanent-1", "late-2", "temporary-1", "good-1"] {
        invite(&world, &format!("{to}@example.com")).await;
    }
    let ends = ends(&world).await;
    let end = |to: &str| ends[&format!("{to}@example.com")];
    assert_eq!(end("late-1"), (LetterStatus::Sent, 1, None));
    assert_eq!(end("late-2"), (LetterStatus::Sent, 1, None));
    assert_eq!(end("permanent-1"), (LetterStatus::Parked, 1, Some(550)));
    assert_eq!(end("temporary-1"), (LetterStatus::Parked, 3, Some(451)));
    assert_eq!(end("good-1"), (LetterStatus::Sent, 0, None));
}

#[tokio::test]
async fn a_server_that_allows_few_connections_is_used_with_those() {
    let mail = MailServer::with_connections(2);
    let world = served(&mail).await;
    for number in 0..30 {
        invite(&world, &format!("good-{number}@example.com")).await;
    }
    let ends = ends(&world).await;
    assert_eq!(ends.len(), 30);
    assert!(ends.values().all(|end| *end == (LetterStatus::Sent, 0, None)), "{ends:?}");
}

#[tokio::test]
async fn while_the_server_is_down_requests_are_answered_and_letters_wait_for_it() {
    let mut mail = MailServer::start();
    let world = served(&mail).await;
    invite(&world, "good-0@example.com").await;
    settled(&world).await;
    let ask = async |from: usize| {
        let began = muster::clock::stopwatch();
        for number in from..from + 20 {
            invite(&world, &format!("good-{number}@example.com")).await;
        }
        began.elapsed()
    };
    let up = ask(1).await;
    settled(&world).await;
    mail.stop();
    let down = ask(21).await;
    assert!(down < up * 2 + Duration::from_millis(300), "{down:?} is much longer than {up:?}");
    let (path, again) = (world.path("acme", "ivan"), json!({"reinvite": true}));
    for _ in 0..5 {
        world.of("alice").put(&path, &again).await.expect(200);
    }
    says_that_nothing_is_sent(&world).await;
    mail.start_again();
    let letters = settled(&world).await;
    assert_eq!(letters.len(), 46);
    let places = in_order(&world, &mail, "ivan@example.com").await;
    assert!(places.len() == 5 && places.is_sorted(), "{places:?}");
    assert!(letters.values().all(|types| types.last().unwrap() == "LetterSent"), "{letters:?}");
    // While it was down no attempt was held against a letter; of those under way as it came back one may have been.
    let failed = letters.values().flatten().filter(|kind| *kind == "LetterAttemptFailed").count();
    assert!(failed <= usize::try_from(CONNECTIONS).unwrap(), "{failed} attempts failed: {letters:?}");
    assert_eq!(mail.taken().len(), 46, "none was sent twice");
}

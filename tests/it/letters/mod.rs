//! Letters, from the event that asks for them to what became of them: behind a real server, into files and to a real mail
//! server.

mod drops;
mod files;
mod kill;
mod smtp;
mod words;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use mail_parser::{Message, MessageParser};
use muster::{
    email::{MailOptions, Retries, Transport},
    http::ServeOptions,
};
use muster_events::{
    event::Event,
    letter::{LetterEvent, LetterId},
    stream::Position,
};
use tokio::time::timeout;

use crate::support::{World, WorldBuilder};

/// Within this everything that is awaited here has happened, also on a busy machine.
const LIMIT: Duration = Duration::from_mins(1);

/// Where links of letters begin.
const BASE: &str = "https://members.example.com";

fn options(transport: Transport) -> MailOptions {
    let retries =
        Retries { attempts: 3, first: Duration::from_millis(20), longest: Duration::from_millis(50) };
    MailOptions { retries, from: "muster <muster@acme.example>".into(), ..MailOptions::new(transport, BASE) }
}

/// A world whose server writes letters to files, and the directory where these are.
async fn with_files(builder: WorldBuilder) -> (World, PathBuf) {
    let directory = builder.place().path().join("mail");
    let mail = Some(options(Transport::Files(directory.clone())));
    let world = builder.serve_with(ServeOptions { mail, ..ServeOptions::default() }).await;
    let ready = async { while world.anonymous().get("/readyz").await.status != 200 {} };
    timeout(LIMIT, ready).await.expect("the server is not ready");
    (world, directory)
}

/// Every letter of the log, with the stored types of what happened to it, once none waits any more.
async fn settled(world: &World) -> BTreeMap<LetterId, Vec<String>> {
    let mut commits = world.deployment.ledger.store().commits();
    let ended = |types: &Vec<String>| {
        let last = types.last().map_or("", String::as_str);
        ["LetterSent", "LetterDropped", "LetterParked"].contains(&last)
    };
    let all = async {
        loop {
            commits.mark_unchanged();
            // In this order: what policies have queued by then is among the letters.
            if acted(world).await {
                let letters = letters(world).await;
                if letters.values().all(ended) {
                    return letters;
                }
            }
            let _ = timeout(Duration::from_millis(50), commits.changed()).await;
        }
    };
    timeout(LIMIT, all).await.expect("letters still wait")
}

/// Whether policies have looked at everything in the log but letters. How far they are is asked first: what they append
/// themselves is looked at, too.
async fn acted(world: &World) -> bool {
    let ready = world.anonymous().get("/readyz").await.json();
    let events = world.deployment.ledger.store().read_all(Position::ZERO, 100_000).await.unwrap();
    let last = events.iter().rev().find(|stored| stored.stream.aggregate_type != "letter").unwrap();
    ready["policies"]["position"].as_u64().is_some_and(|reached| reached >= last.position.0)
}

/// Waits until so many letters are in the log.
async fn queued(world: &World, count: usize) {
    let all = async { while letters(world).await.len() < count {} };
    timeout(LIMIT, all).await.expect("the letters are not queued");
}

/// Waits until the server says that the sender stands still, though it is ready.
async fn says_that_nothing_is_sent(world: &World) {
    let told = async {
        loop {
            let ready = world.anonymous().get("/readyz").await.expect(200).json();
            if ready["degraded"].to_string().contains("no letters are sent since") {
                return;
            }
        }
    };
    timeout(LIMIT, told).await.expect("nobody is told");
}

async fn letters(world: &World) -> BTreeMap<LetterId, Vec<String>> {
    let mut letters: BTreeMap<LetterId, Vec<String>> = BTreeMap::new();
    for stored in world.deployment.ledger.store().read_all(Position::ZERO, 100_000).await.unwrap() {
        if stored.stream.aggregate_type == "letter" {
            letters.entry(stored.stream.aggregate_id.parse().unwrap()).or_default().push(stored.event_type);
        }
    }
    letters
}

/// Why the letters of the log were dropped.
async fn dropped(world: &World) -> Vec<muster_events::letter::DropReason> {
    let events = world.deployment.ledger.store().read_all(Position::ZERO, 100_000).await.unwrap();
    let why = |event: &Event| match event {
        Event::Letter(LetterEvent::LetterDropped { why }) => Some(*why),
        _ => None,
    };
    events.iter().filter_map(|stored| why(&stored.event().unwrap())).collect()
}

/// What a letter in a file says.
struct Mail {
    to: String,
    subject: String,
    text: String,
    html: String,
    message_id: String,
}

/// The letters in a directory, by recipient.
fn mails(directory: &PathBuf) -> Vec<Mail> {
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let mut mails: Vec<_> = files.map(|file| read(&std::fs::read(file).unwrap())).collect();
    mails.sort_by(|a, b| (&a.to, &a.subject).cmp(&(&b.to, &b.subject)));
    mails
}

fn read(bytes: &[u8]) -> Mail {
    let message: Message<'_> = MessageParser::default().parse(bytes).unwrap();
    Mail {
        to: message.to().unwrap().first().unwrap().address().unwrap().to_owned(),
        subject: message.subject().unwrap().to_owned(),
        text: message.body_text(0).unwrap().into_owned(),
        html: message.body_html(0).unwrap().into_owned(),
        message_id: message.message_id().unwrap().to_owned(),
    }
}

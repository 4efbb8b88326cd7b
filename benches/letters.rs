//! Letters per second to a mail server on this machine, each from the log to the event that it was sent, against a plain
//! loop that hands the same number of messages to the same server in the same run.
//!
//!     cargo bench --bench letters
//!
//! The server answers everything with 250 and keeps nothing. The loop sends one message after the other, or as many at
//! once as the sender has connections; it looks nothing up, renders nothing, asks nobody and records nothing.

mod setting;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor, message::MultiPart,
    transport::smtp::PoolConfig,
};
use muster::{
    clock::stopwatch,
    email::{MailOptions, Sender, Transport},
    ledger::{
        CommandMeta, Turn,
        operations::{ImportMember, ImportedOrganization, MemberFact, Person, QueueLetter},
    },
};
use muster_events::{
    letter::{About, LetterId, LetterKind, NewLetter, Recipient},
    member::{InviteStatus, Member},
    roles::RoleId,
};
use setting::Setting;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

const LETTERS: usize = 4_000;
const ROUNDS: usize = 3;
const CONNECTIONS: u32 = 8;

#[tokio::main]
async fn main() {
    let taken = Arc::new(AtomicU64::new(0));
    let url = sink(&taken).await;
    println!(
        "{LETTERS} letters to a server on this machine over {CONNECTIONS} connections, SQLite; {ROUNDS} rounds."
    );
    println!("{:>12} {:>16} {:>10} {:>8} {:>16}", "loop", "loop, 8 at once", "sender", "", "of 8 at once");
    let (mut one, mut eight, mut ours) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let setting = queued().await;
        one.push(plain_loop(&url, 1).await);
        eight.push(plain_loop(&url, CONNECTIONS).await);
        ours.push(sender(&setting, &url, &taken).await);
    }
    let (one, eight, ours) = (setting::median(one), setting::median(eight), setting::median(ours));
    println!("{one:>12.0} {eight:>16.0} {ours:>10.0} {:>7.2}x {:>15.2}x", ours / one, ours / eight);
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn per_second(took: Duration) -> f64 {
    LETTERS as f64 / took.as_secs_f64()
}

/// A mail server that takes everything; counts what it took.
async fn sink(taken: &Arc<AtomicU64>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let taken = Arc::clone(taken);
    let serving = async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, Arc::clone(&taken)));
        }
    };
    tokio::spawn(serving);
    url
}

async fn talk(stream: TcpStream, taken: Arc<AtomicU64>) {
    stream.set_nodelay(true).unwrap();
    let mut stream = BufReader::new(stream);
    // Else it waits 40 ms before it says that it has the text of a message, and that would be all that is measured.
    let acknowledge = |stream: &BufReader<TcpStream>| {
        socket2::SockRef::from(stream.get_ref()).set_tcp_quickack(true).unwrap();
    };
    acknowledge(&stream);
    let _ = stream.write_all(b"220 sink\r\n").await;
    let (mut line, mut in_data) = (String::new(), false);
    loop {
        line.clear();
        if !matches!(stream.read_line(&mut line).await, Ok(1..)) {
            return;
        }
        acknowledge(&stream);
        let answer: &[u8] = match (in_data, line.trim_end()) {
            (true, ".") => {
                in_data = false;
                taken.fetch_add(1, Ordering::Relaxed);
                b"250 OK\r\n"
            }
            (true, _) => continue,
            (false, "DATA") => {
                in_data = true;
                b"354 go on\r\n"
            }
            (false, "QUIT") => return,
            (false, _) => b"250 OK\r\n",
        };
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}

/// A ledger in which that many invitations wait to be sent.
async fn queued() -> Arc<Setting> {
    let setting = Setting::new().await;
    let (ledger, meta) = (&setting.deployment.ledger, CommandMeta::import());
    let organization = ImportedOrganization { id: setting.organization, teams: BTreeMap::new() };
    let queue = async |number: usize| {
        let email = format!("invited-{number}@example.com");
        let person =
            Person::Pending { email, status: InviteStatus::Approved, inviter: None, expires_at: None };
        let fact = MemberFact { person, role: RoleId::new("member").unwrap(), teams: vec![], flags: vec![] };
        let import = ImportMember { organization: organization.clone(), fact };
        let id = ledger.execute(&import, &meta, Turn::unkeyed()).await.unwrap().done().unwrap().answer;
        let member = ledger.state::<Member>(&id.into()).await.unwrap().state;
        let to = Recipient::Invitee(id);
        let letter = NewLetter {
            kind: LetterKind::Invitation,
            organization: setting.organization,
            to,
            email: member.email.clone().unwrap(),
            about: About { member: Some(id), generation: Some(1), ..About::default() },
        };
        let queue = QueueLetter { id: LetterId::derive(uuid::Uuid::nil(), letter.kind, to), letter };
        ledger.execute(&queue, &meta, Turn::unkeyed()).await.unwrap();
    };
    stream::iter(0..LETTERS).for_each_concurrent(64, queue).await;
    setting
}

async fn plain_loop(url: &str, at_once: u32) -> f64 {
    let pool = PoolConfig::new().max_size(CONNECTIONS);
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).unwrap().pool_config(pool).build();
    let text = "x".repeat(600);
    let html = "x".repeat(3_000);
    let began = stopwatch();
    let send = async |number: usize| {
        let message = Message::builder()
            .from("muster <muster@localhost>".parse().unwrap())
            .to(format!("invited-{number}@example.com").parse().unwrap())
            .subject("Join Bench in using muster")
            .multipart(MultiPart::alternative_plain_html(text.clone(), html.clone()));
        transport.send(message.unwrap()).await.unwrap();
    };
    let at_once = usize::try_from(at_once).unwrap();
    stream::iter(0..LETTERS).for_each_concurrent(at_once, send).await;
    per_second(began.elapsed())
}

async fn sender(setting: &Setting, url: &str, taken: &AtomicU64) -> f64 {
    let transport = Transport::Smtp { url: url.to_owned(), connections: CONNECTIONS };
    let options = MailOptions::new(transport, "https://members.example.com");
    let runner = setting.deployment.runner();
    let read_models = runner.read_models();
    let following = CancellationToken::new();
    let runner = tokio::spawn(runner.run(following.clone()));
    let head = setting.deployment.ledger.store().head().await.unwrap().position;
    read_models.wait_for(head, Duration::from_mins(1)).await.unwrap();
    let sender = Sender::new(Arc::clone(&setting.deployment.ledger), read_models, options).unwrap();
    let (stop, before) = (CancellationToken::new(), taken.load(Ordering::Relaxed));
    let began = stopwatch();
    let sending = tokio::spawn(sender.run(stop.clone()));
    let all = before + u64::try_from(LETTERS).unwrap();
    while taken.load(Ordering::Relaxed) < all {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = began.elapsed();
    stop.cancel();
    sending.await.unwrap();
    following.cancel();
    runner.await.unwrap();
    per_second(took)
}

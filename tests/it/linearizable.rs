//! Each member is one register: whatever process is asked, a read sees the last change that was answered before it began,
//! and no change is lost. Many clients ask two processes on one database, or on one event store beside it, at once; an
//! independent checker has to find an order of all that they did that explains every answer.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::Method;
use serde_json::json;
use todc_utils::{
    Action::{self, Call, Response},
    History, Specification, WGLChecker,
};
use tokio::{task::JoinSet, time::timeout};

use crate::support::{Client, OWNER_TOKEN, Random, SharedLedger, TestDatabase, path_in_crowd, seed};

const CLIENTS: usize = 32;
const MEMBERS: usize = 4;
/// What each client does; a checker's work grows faster than the history.
const TURNS: usize = 30;
const ROLES: [&str; 3] = ["member", "manager", "owner"];
/// How long one request may take, with its repetitions.
const LIMIT: Duration = Duration::from_mins(1);

/// A member at one moment: the role, and the version in the `ETag`, which each change makes larger by one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Version {
    role: String,
    tag: u64,
}

/// What a client did.
#[derive(Clone)]
enum Done {
    /// Nothing yet: it has only asked.
    Asked,
    /// It has read this.
    Read(Version),
    /// It has set the role, which led to this version; none where the answer repeats an earlier one that was lost.
    Write { role: String, tag: Option<u64> },
}

impl fmt::Debug for Done {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => write!(out, "asks"),
            Self::Read(Version { role, tag }) => write!(out, "reads {role} {tag}"),
            Self::Write { role, tag } => write!(out, "sets {role} {tag:?}"),
        }
    }
}

/// A register that counts its changes.
struct Member;

impl Specification for Member {
    /// None until the first read, which is over before anything else begins.
    type State = Option<Version>;
    type Operation = Done;

    fn init() -> Self::State {
        None
    }

    fn apply(done: &Done, state: &Self::State) -> (bool, Self::State) {
        match (done, state) {
            (Done::Read(found), None) => (true, Some(found.clone())),
            (Done::Read(found), Some(now)) => (found == now, state.clone()),
            (Done::Write { role, tag }, Some(now)) => {
                let next = if *role == now.role { now.tag } else { now.tag + 1 };
                let is_next = tag.is_none_or(|tag| tag == next);
                (is_next, Some(Version { role: role.clone(), tag: next }))
            }
            (Done::Write { .. }, None) | (Done::Asked, _) => (false, state.clone()),
        }
    }
}

type Actions = Vec<(usize, Action<Done>)>;

fn is_linearizable(actions: Actions) -> bool {
    WGLChecker::<Member>::is_linearizable(History::from_actions(actions))
}

/// One member, and what was done with him by whom, in the order in which it began and ended.
#[derive(Debug)]
struct Register {
    path: String,
    actions: Mutex<Actions>,
}

impl Register {
    async fn read(&self, client: &Client, number: usize) {
        self.note(number, Call(Done::Asked));
        let answer = client.get(&self.path).await.expect(200);
        let role = answer.json()["orgRole"].as_str().unwrap().to_owned();
        let tag = tag(answer.header("etag")).unwrap();
        self.note(number, Response(Done::Read(Version { role, tag })));
    }

    /// Who is told to try again does so with the same key, or without one as before: nothing fails here, so that nothing
    /// was done. Either way it is one change, done at some moment until the answer.
    async fn write(&self, client: &Client, number: usize, key: Option<&str>, role: &str) {
        self.note(number, Call(Done::Asked));
        let answer = loop {
            let request = client.request(Method::PUT, &self.path).json(&json!({ "orgRole": role }));
            let request =
                key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
            let answer = Client::send(request).await;
            if answer.status != 503 {
                break answer.expect(200);
            }
        };
        // One that repeats an earlier answer shows the member as he is now.
        let is_first = answer.header("idempotent-replayed").is_none();
        let tag = tag(answer.header("etag")).filter(|_| is_first);
        assert!(tag.is_some() || !is_first, "a change without a version: {answer:?}");
        self.note(number, Response(Done::Write { role: role.to_owned(), tag }));
    }

    fn note(&self, number: usize, action: Action<Done>) {
        self.actions.lock().unwrap().push((number, action));
    }
}

fn tag(header: Option<&str>) -> Option<u64> {
    header?.trim_matches('"').parse().ok()
}

async fn ask(clients: [Client; 2], members: Arc<Vec<Register>>, number: usize, seed: u64) {
    let mut random = Random::of(seed, number as u64);
    for turn in 0..TURNS {
        let (client, member) = (&clients[random.below(2)], &members[random.below(MEMBERS)]);
        if random.below(2) == 0 {
            member.read(client, number).await;
        } else {
            let key = format!("client-{number}-turn-{turn}");
            // What changes nothing takes another way without a key.
            let key = (random.below(2) == 0).then_some(key.as_str());
            member.write(client, number, key, ROLES[random.below(ROLES.len())]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_member_is_one_register_whatever_process_is_asked() {
    let seed = seed();
    let database = TestDatabase::create().await;
    let (ledger, imported) = SharedLedger::with_crowd(database.url(), MEMBERS);
    let servers = [ledger.serve("127.0.0.1:0"), ledger.serve("127.0.0.1:0")];
    let clients = servers.each_ref().map(|server| Client::new(&server.base(), Some(OWNER_TOKEN)));
    let register = |number| Register { path: path_in_crowd(&imported, number), actions: Mutex::default() };
    let members: Arc<Vec<_>> = Arc::new((1..=MEMBERS).map(register).collect());
    for member in members.iter() {
        member.read(&clients[0], 0).await;
    }
    let mut all = JoinSet::new();
    for number in 0..CLIENTS {
        all.spawn(ask(clients.clone(), Arc::clone(&members), number, seed));
    }
    timeout(LIMIT, all.join_all()).await.expect("somebody is never answered");
    for member in members.iter() {
        let actions = member.actions.lock().unwrap().clone();
        println!("{}: {} requests", member.path, actions.len() / 2);
        assert!(is_linearizable(actions.clone()), "no order explains what was answered: {actions:#?}");
    }
}

fn read(role: &str, tag: u64) -> Action<Done> {
    Response(Done::Read(Version { role: role.into(), tag }))
}

fn wrote(role: &str, tag: u64) -> Action<Done> {
    Response(Done::Write { role: role.into(), tag: Some(tag) })
}

/// A history that begins with a member at version 1; whoever does something asks first.
fn history(rest: Actions) -> Actions {
    let mut actions = vec![(0, Call(Done::Asked)), (0, read("member", 1))];
    actions.extend(rest);
    actions
}

const ASK: Action<Done> = Call(Done::Asked);

#[test]
fn a_stale_read_is_refused() {
    let before = vec![(1, ASK), (1, wrote("manager", 2)), (2, ASK)];
    let stale = [before.clone(), vec![(2, read("member", 1))]].concat();
    assert!(!is_linearizable(history(stale)));
    let fresh = [before, vec![(2, read("manager", 2))]].concat();
    assert!(is_linearizable(history(fresh)));
}

#[test]
fn a_read_beside_a_change_may_see_it_or_not_but_not_first_see_it_and_then_not() {
    let seen = |first: Action<Done>, then: Action<Done>| {
        history(vec![(1, ASK), (2, ASK), (2, first), (2, ASK), (2, then), (1, wrote("manager", 2))])
    };
    let (old, new) = (|| read("member", 1), || read("manager", 2));
    assert!(is_linearizable(seen(old(), old())));
    assert!(is_linearizable(seen(old(), new())));
    assert!(is_linearizable(seen(new(), new())));
    assert!(!is_linearizable(seen(new(), old())));
}

#[test]
fn a_lost_change_is_refused() {
    let both = |first: u64, second: u64| {
        history(vec![(1, ASK), (2, ASK), (1, wrote("manager", first)), (2, wrote("owner", second))])
    };
    assert!(is_linearizable(both(2, 3)));
    assert!(is_linearizable(both(3, 2)));
    assert!(!is_linearizable(both(2, 2)));
}

//! What is measured on: one organization with an owner and members whose roles change, in a ledger of its own.

#![allow(dead_code, reason = "each bench uses its part")]

pub(crate) mod log;
pub(crate) mod postgres;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mimalloc::MiMalloc;
use muster::{
    database::Database,
    deployment::{Deployment, DeploymentOptions},
    ledger::{
        Caller, CommandMeta, Operation, RequestKey, Turn,
        operations::{
            ImportMember, ImportOrganization, IssueToken, MemberFact, Person, RegisterUser, Secret,
            UpdateMember,
        },
    },
};
use muster_events::{
    id::{MemberId, OrganizationId},
    member::MemberUpdate,
    roles::RoleId,
    stream::Position,
    token::TokenOwner,
};
use tempfile::TempDir;

/// That of the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How many members there are: at least one for each caller.
pub(crate) const MEMBERS: usize = 256;

/// The secret of the owner's token.
pub(crate) const TOKEN: &str = "bench-owner-token";

/// A ledger with an organization.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) organization: OrganizationId,
    pub(crate) members: Vec<MemberId>,
    pub(crate) caller: Caller,
    turns: Vec<AtomicU64>,
    commands: AtomicU64,
    pub(crate) directory: TempDir,
}

/// A directory on the disk that the build is on: a memory file system would make everything durable for nothing.
pub(crate) fn directory() -> TempDir {
    TempDir::new_in(PathBuf::from(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

async fn state<O: Operation>(deployment: &Deployment, fact: &O) -> O::Answer {
    let outcome = deployment.ledger.execute(fact, &CommandMeta::import(), Turn::unkeyed()).await;
    outcome.unwrap().done().unwrap().answer
}

fn person(number: usize) -> RegisterUser {
    RegisterUser {
        username: format!("person-{number}"),
        name: Some(format!("Person {number}")),
        emails: vec![(format!("person-{number}@example.com"), true)],
        authenticators: vec![],
        superuser: false,
        active: true,
        or_existing: false,
    }
}

impl Setting {
    /// On SQLite.
    pub(crate) async fn new() -> Arc<Self> {
        Self::on(None).await
    }

    /// On Postgres, or on SQLite.
    pub(crate) async fn on(database: Option<Database>) -> Arc<Self> {
        let directory = directory();
        let options = DeploymentOptions { database, ..DeploymentOptions::directory(directory.path()) };
        let deployment = Arc::new(Deployment::open(&options).await.unwrap());
        let fact = |user, role: &str| MemberFact {
            person: Person::User(user),
            role: RoleId::new(role).unwrap(),
            teams: vec![],
            flags: vec![],
        };
        let owner = state(&deployment, &person(0)).await;
        let organization = state(
            &deployment,
            &ImportOrganization {
                slug: "bench".into(),
                name: "Bench".into(),
                default_role: None,
                settings: vec![],
                features: vec![],
                sso: None,
                teams: vec![],
                owner: fact(owner, "owner"),
            },
        )
        .await;
        let token = deployment.ledger.new_token_id();
        let issue =
            IssueToken { token, owner: TokenOwner::User(owner), scopes: None, secret: Secret(TOKEN.into()) };
        state(&deployment, &issue).await;
        let mut members = vec![];
        for number in 1..=MEMBERS {
            let user = state(&deployment, &person(number)).await;
            let fact = fact(user, "member");
            members
                .push(state(&deployment, &ImportMember { organization: organization.clone(), fact }).await);
        }
        let caller = deployment.ledger.identify(TOKEN).await.unwrap().unwrap();
        let turns = (0..MEMBERS).map(|_| AtomicU64::new(0)).collect();
        let commands = AtomicU64::new(0);
        Arc::new(Self {
            deployment,
            organization: organization.id,
            members,
            caller,
            turns,
            commands,
            directory,
        })
    }

    /// The role that changes this member next, and the number of the command.
    pub(crate) fn next_role(&self, member: usize) -> (&'static str, u64) {
        let turn = self.turns[member].fetch_add(1, Ordering::Relaxed);
        let role = if turn.is_multiple_of(2) { "manager" } else { "member" };
        (role, self.commands.fetch_add(1, Ordering::Relaxed))
    }

    /// One PUT of a role, as the HTTP room asks for it.
    pub(crate) async fn command(&self, member: usize, keyed: bool) -> Position {
        let ledger = &self.deployment.ledger;
        let (role, number) = self.next_role(member);
        let key = keyed.then(|| RequestKey {
            actor: self.caller.actor().to_string(),
            key: ledger.keys().request_hash(&[b"key", &number.to_le_bytes()]),
            request: ledger.keys().request_hash(&[b"request", role.as_bytes()]),
            success: 200,
            refused: |_| 400,
        });
        let turn = ledger.begin(key).await;
        let operation = UpdateMember {
            caller: self.caller,
            organization: self.organization,
            member: self.members[member],
            if_match: None,
            address: None,
            changes: MemberUpdate {
                org_role: Some(role.to_owned()),
                has_other_keys: true,
                ..MemberUpdate::default()
            },
        };
        let executed = ledger.execute(&operation, &CommandMeta::by(self.caller.actor()), turn).await.unwrap();
        let done = executed.done().unwrap();
        assert!(done.changed_anything(), "the command changed nothing");
        done.position
    }
}

/// The middle one.
pub(crate) fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// How many a second.
pub(crate) fn rate(count: u64, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let count = count as f64;
    count / took.as_secs_f64()
}

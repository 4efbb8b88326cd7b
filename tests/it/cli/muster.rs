//! Runs the binary on a ledger of its own, in files or in Postgres.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread::sleep,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{TestDatabase, TestEventStore, on_event_store, on_postgres};

/// The example organization.
pub(super) const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/organization.json");

/// A small organization: an owner, a member with a team role, an invitation, tokens.
pub(super) const SMALL: &str = r#"{
    "users": [
        {"key": "alice", "email": "alice@example.com", "name": "Alice", "username": "alice", "verified": true},
        {"key": "bob", "email": "bob@example.com", "name": "Bob", "username": "bob"}
    ],
    "organizations": [{
        "slug": "acme", "name": "Acme", "teams": [{"slug": "core", "name": "Core"}],
        "members": [
            {"key": "alice", "user": "alice", "role": "owner"},
            {"key": "bob", "user": "bob", "role": "member", "teams": [{"team": "core", "role": "admin"}]},
            {"key": "carol", "email": "carol@example.com", "role": "member", "inviter": "alice"}
        ]
    }],
    "tokens": [
        {"token": "alice-token", "user": "alice"},
        {"token": "acme-token", "organization": "acme", "scopes": ["org:read"]}
    ]
}"#;

/// The binary, with a place for its ledger and a directory for files of the test.
#[derive(Debug)]
pub(super) struct Muster {
    directory: TempDir,
    pub(super) database: Option<TestDatabase>,
    pub(super) event_store: Option<TestEventStore>,
}

/// What a run left.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Muster {
    /// Without a ledger. The master key of one that is to be in a database is there, as it has to be.
    pub(super) fn new() -> Self {
        let database = if on_postgres() { Some(TestDatabase::create_blocking()) } else { None };
        let event_store = on_event_store().then(TestEventStore::start);
        let muster = Self { directory: TempDir::new().unwrap(), database, event_store };
        if muster.database.is_some() {
            fs::create_dir(muster.path("keys")).unwrap();
            muster.run(&["keys", "new", muster.master_key().to_str().unwrap()]).done();
        }
        muster
    }

    /// Without a ledger, and without a database whatever the store under test.
    pub(super) fn without_database() -> Self {
        Self { directory: TempDir::new().unwrap(), database: None, event_store: None }
    }

    /// Without a ledger, and with its log in an event store whatever the store under test.
    pub(super) fn with_event_store() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            database: None,
            event_store: Some(TestEventStore::start()),
        }
    }

    /// With the small organization.
    pub(super) fn small() -> Self {
        let muster = Self::new();
        muster.run(&["import", &muster.file("small.json", SMALL)]).done();
        muster
    }

    /// The data directory; it need not be there.
    pub(super) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Where the master key is; other files of keys may stand beside it.
    pub(super) fn master_key(&self) -> PathBuf {
        match &self.database {
            None => self.data().join("master.key"),
            Some(_) => self.directory.path().join("keys/master.key"),
        }
    }

    /// Whether anything of a ledger is there.
    pub(super) fn has_ledger(&self) -> bool {
        let schemas = "SELECT nspname::text FROM pg_namespace WHERE nspname IN ('log', 'keys', 'views')";
        self.data().exists()
            || self.database.as_ref().is_some_and(|database| !database.run_blocking(schemas).is_empty())
    }

    /// Where it keeps files for a while.
    pub(super) fn temporary_files(&self) -> PathBuf {
        self.directory.path().join("temporary")
    }

    /// Writes a file beside the data directory and gives its path.
    pub(super) fn file(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A path beside the data directory.
    pub(super) fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// The command, not yet run.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(env!("CARGO_BIN_EXE_muster"));
        command.args(arguments);
        command
    }

    /// A program with the settings that name the ledger, and none of whoever runs the tests.
    fn bare(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MUSTER_") {
                command.env_remove(name);
            }
        }
        let temporary = self.temporary_files();
        fs::create_dir_all(&temporary).unwrap();
        command.env("MUSTER_DATA", self.data()).env("TMPDIR", temporary);
        command.current_dir(self.directory.path()).stdin(Stdio::null());
        if let Some(event_store) = &self.event_store {
            command.env("MUSTER_EVENT_STORE", event_store.url());
        }
        if let Some(database) = &self.database {
            command
                .env("MUSTER_DATABASE_URL", database.url())
                .env("MUSTER_MASTER_KEY_FILE", self.master_key());
        }
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    /// Starts it and kills it after `pause`; whether it had ended well before.
    #[expect(clippy::disallowed_methods, reason = "nothing is waited for: the moment of the kill is drawn")]
    pub(super) fn killed_after(&self, pause: Duration, arguments: &[&str]) -> bool {
        let mut child = self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(pause);
        let is_done = child.try_wait().unwrap().is_some_and(|status| status.success());
        let _ = child.kill();
        child.wait().unwrap();
        is_done
    }

    /// Starts it and interrupts it after `pause`, as Ctrl-C does.
    #[expect(clippy::disallowed_methods, reason = "nothing is waited for: it is a moment like any other")]
    pub(super) fn interrupted_after(&self, pause: Duration, arguments: &[&str]) -> Ran {
        let is_then = || {
            sleep(pause);
            true
        };
        self.interrupted_when(is_then, arguments)
    }

    /// Starts it and interrupts it when `is_then`, which is asked again and again as long as it runs.
    pub(super) fn interrupted_when(&self, mut is_then: impl FnMut() -> bool, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while child.try_wait().unwrap().is_none() && !is_then() {}
        let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).stderr(Stdio::null()).status();
        Ran::ended_as(child.wait_with_output().unwrap())
    }

    /// Runs a script of the shell in which `$M` is the binary.
    pub(super) fn shell(&self, script: &str) -> Ran {
        let mut command = self.bare("sh");
        Ran::of(command.env("M", env!("CARGO_BIN_EXE_muster")).args(["-c", script]))
    }

    /// How many events the log has.
    pub(super) fn head(&self) -> u64 {
        self.run(&["events", "list", "--newest-first", "--limit", "1", "--json"]).done().json()["events"][0]
            ["position"]
            .as_u64()
            .unwrap()
    }

    /// What the members' events of these types say, oldest first: the payloads.
    pub(super) fn payloads(&self, types: &str) -> Vec<Value> {
        let listed = self.run(&["events", "list", "--type", types, "--json"]).done().json();
        listed["events"].as_array().unwrap().iter().map(|event| event["payload"].clone()).collect()
    }
}

impl Ran {
    pub(super) fn of(command: &mut Command) -> Self {
        Self::ended_as(command.output().unwrap())
    }

    fn ended_as(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// It did what it was asked.
    #[track_caller]
    pub(super) fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// Well, or there was nothing left to do: whoever was killed before had just ended.
    #[track_caller]
    pub(super) fn done_now_or_before(self) {
        if !self.stderr.contains("there is a ledger in ") {
            self.done();
        }
    }

    /// It refused or failed, and said so on stderr, in these words among others.
    #[track_caller]
    pub(super) fn failed(self, says: &str) -> Self {
        self.ended(1, says)
    }

    /// It was asked in a way that it does not understand, and said so.
    #[track_caller]
    pub(super) fn misunderstood(self, says: &str) -> Self {
        self.ended(2, says)
    }

    #[track_caller]
    fn ended(self, code: i32, says: &str) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(self.stderr.contains(says), "stderr does not say {says:?}: {self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        self
    }

    /// It printed this among other things.
    #[track_caller]
    pub(super) fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "stdout does not say {text:?}: {self:#?}");
        self
    }

    /// Stdout as JSON.
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// The names of the files in a directory; none when there is no such directory.
pub(super) fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return vec![] };
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

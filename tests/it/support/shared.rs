//! A ledger that processes of the real binary share: in a database, with or without its log in an event store, or in files.

use std::{
    collections::VecDeque,
    env,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};

use muster::deployment::DeploymentOptions;
use serde_json::Value;
use tempfile::TempDir;

use super::{TestEventStore, crowd::write_crowd, on_event_store};

/// Lines of the log of a process that are kept, to be shown when it fails.
const KEPT_LINES: usize = 40;

/// Where the ledger is, and the key that opens it.
#[derive(Debug)]
pub(crate) struct SharedLedger {
    /// The database; none for one in files.
    url: Option<String>,
    event_store: Option<TestEventStore>,
    directory: TempDir,
    /// How many servers were started.
    served: AtomicUsize,
}

impl SharedLedger {
    /// A ledger with a crowd of `members` in an empty database, but its log in an event store where that is what the tests
    /// are run with; and what its import has printed.
    pub(crate) fn with_crowd(url: &str, members: usize) -> (Self, Value) {
        Self::empty(Some(url.to_owned()), on_event_store().then(TestEventStore::start)).crowded(members)
    }

    /// The same in files, for one process after the other.
    pub(crate) fn in_files(members: usize) -> (Self, Value) {
        Self::empty(None, None).crowded(members)
    }

    fn empty(url: Option<String>, event_store: Option<TestEventStore>) -> Self {
        Self { url, event_store, directory: TempDir::new().unwrap(), served: AtomicUsize::default() }
    }

    fn crowded(self, members: usize) -> (Self, Value) {
        if self.url.is_some() {
            let made = bare().args(["keys", "new"]).arg(self.master_key()).output().unwrap();
            assert!(made.status.success(), "{made:?}");
        }
        let file = self.directory.path().join("crowd.json");
        write_crowd(&file, members);
        let imported = self.run(&["import", file.to_str().unwrap()]);
        assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
        let printed = serde_json::from_slice(&imported.stdout).unwrap();
        (self, printed)
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// With a log in an event store each has a mirror of its own, as on a machine of its own.
    fn data_of_server(&self) -> PathBuf {
        let number = self.served.fetch_add(1, Ordering::Relaxed);
        match &self.event_store {
            Some(_) => self.directory.path().join(format!("data-of-{number}")),
            None => self.data(),
        }
    }

    fn master_key(&self) -> PathBuf {
        self.directory.path().join("master.key")
    }

    /// What to open in this process.
    pub(crate) fn options(&self) -> DeploymentOptions {
        let database = self.url.as_ref().map(|url| url.parse().unwrap());
        let event_store = self.event_store.as_ref().map(TestEventStore::named);
        let master_key_file = database.is_some().then(|| self.master_key());
        let kept = DeploymentOptions::directory(self.data());
        DeploymentOptions { database, event_store, master_key_file, create: false, ..kept }
    }

    fn command(&self, arguments: &[&str], data: &Path) -> Command {
        let mut command = bare();
        command.args(arguments).arg("--data").arg(data);
        if let Some(url) = &self.url {
            command.args(["--database-url", url]).arg("--master-key-file").arg(self.master_key());
        }
        if let Some(event_store) = &self.event_store {
            command.args(["--event-store", &event_store.url()]);
        }
        command
    }

    /// Runs a verb to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments, &self.data()).output().unwrap()
    }

    /// Starts a server, and returns when it listens. For one that was there before, at the same address.
    pub(crate) fn serve(&self, listen: &str) -> Server {
        self.serve_with(listen, &[])
    }

    /// The same with more flags.
    pub(crate) fn serve_with(&self, listen: &str, flags: &[&str]) -> Server {
        // What it says about the lease on the read models is how the test knows who has it.
        let log = "muster::subscription::tenure=debug,warn";
        let arguments = [&["serve", "--listen", listen, "--log", log], flags].concat();
        let mut command = self.command(&arguments, &self.data_of_server());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Said::default());
        let hear = child.stderr.take().unwrap();
        thread::spawn({
            let said = Arc::clone(&said);
            move || said.hear(hear)
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let line = stdout.by_ref().lines().map_while(Result::ok).find(|line| line.contains(" at http://"));
        let Some(line) = line else { panic!("it does not serve: {said:?}") };
        // Until it ends, so that it never writes to nobody.
        thread::spawn(move || stdout.lines().map_while(Result::ok).for_each(drop));
        let address = line.split("http://").nth(1).unwrap().trim().to_owned();
        Server { child, address, said }
    }
}

/// The binary, with none of the settings of whoever runs the tests.
fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MUSTER_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// What a process has said in its log.
#[derive(Debug, Default)]
struct Said {
    epoch: AtomicU64,
    last: Mutex<VecDeque<String>>,
}

impl Said {
    fn hear(&self, stderr: ChildStderr) {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if line.contains("this process works from now on")
                && let Some(epoch) = line.split("epoch=").nth(1).and_then(|epoch| epoch.trim().parse().ok())
            {
                self.epoch.store(epoch, Ordering::SeqCst);
            }
            let mut last = self.last.lock().unwrap();
            if last.len() == KEPT_LINES {
                last.pop_front();
            }
            last.push_back(line);
        }
    }
}

/// A process that serves; killed when the test ends before.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    said: Arc<Said>,
}

impl Server {
    /// The last lease on the read models that it got, by its number.
    pub(crate) fn epoch(&self) -> u64 {
        self.said.epoch.load(Ordering::SeqCst)
    }

    /// Where a client finds it.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "it has ended by itself: {ended:?} {:?}", self.said);
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{} said at last: {:#?}", self.address, self.said);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

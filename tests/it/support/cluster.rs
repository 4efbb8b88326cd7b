//! A Postgres cluster of its own for a test that kills it.

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use muster::clock::random_bytes;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// How long it may take to start, recovery included.
const LIMIT: Duration = Duration::from_mins(1);
/// Between two looks at a server that starts.
const LOOK: Duration = Duration::from_millis(20);
/// Ports that are tried, below those that the operating system gives to those who do not ask for one.
const ATTEMPTS: usize = 20;

/// The cluster, with its files in a directory of its own; both are gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    programs: PathBuf,
    owner: Option<(u32, u32)>,
    port: u16,
    largest_file: Option<u64>,
    postmaster: Option<Child>,
    directory: TempDir,
}

impl Cluster {
    /// Makes it and starts it. A machine without the programs of the server fails the test: what was not tried did not
    /// pass.
    pub(crate) async fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("muster-cluster").tempdir().unwrap();
        let owner = owner();
        if let Some((user, group)) = owner {
            chown(directory.path(), Some(user), Some(group)).unwrap();
        }
        let mut cluster =
            Self { programs: programs(), owner, port: 0, largest_file: None, postmaster: None, directory };
        cluster.make();
        for _ in 0..ATTEMPTS {
            cluster.port = 20_000 + u16::from_le_bytes(random_bytes()) % 12_000;
            if cluster.try_start().await {
                return cluster;
            }
        }
        panic!("Postgres does not start: {}", cluster.log());
    }

    /// With the rights of a superuser.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// A connection past the product.
    pub(crate) async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.unwrap()
    }

    /// SIGKILL for the postmaster and all its processes: nothing is written any more, nobody is told.
    pub(crate) fn kill(&mut self) {
        let Some(mut postmaster) = self.postmaster.take() else { return };
        // Before, because an orphan is nobody's child. One that is missed ends by itself when it finds the postmaster gone.
        let children = children_of(postmaster.id());
        postmaster.kill().unwrap();
        postmaster.wait().unwrap();
        let _ = Command::new("sh").args(["-c", "kill -9 \"$@\"", "sh"]).args(children).output();
    }

    /// Starts again after [`Cluster::kill`]; returns when recovery is done and connections are taken.
    pub(crate) async fn start_again(&mut self) {
        // It refuses to start as long as a process of the last one has its memory.
        let started = timeout(LIMIT, async { while !self.try_start().await {} }).await;
        assert!(started.is_ok(), "Postgres does not start again: {}", self.log());
    }

    /// Writes a file that the server may read.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        if let Some((user, group)) = self.owner {
            chown(&path, Some(user), Some(group)).unwrap();
        }
        path
    }

    /// Sets a setting for the next start.
    pub(crate) async fn set(&self, setting: &str, value: &str) {
        let set = format!("ALTER SYSTEM SET {setting} = '{value}'");
        sqlx::query(&set).execute(&mut self.connection().await).await.unwrap();
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new("prlimit");
        command.arg(format!(
            "--fsize={}",
            self.largest_file.map_or("unlimited".into(), |bytes| bytes.to_string())
        ));
        command.arg(self.programs.join(name));
        command.current_dir(self.directory.path()).env("LC_ALL", "C").stdin(Stdio::null());
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    /// From the next start on no file may grow beyond this, in bytes, as on a disk that is full.
    pub(crate) fn limit_files(&mut self, largest: Option<u64>) {
        self.largest_file = largest;
    }

    fn make(&self) {
        let mut initdb = self.program("initdb");
        initdb.arg("--pgdata").arg(self.data()).args(["--username", "postgres", "--auth", "trust"]);
        let made = initdb.args(["--encoding", "UTF8", "--locale", "C", "--no-sync"]).output().unwrap();
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
    }

    /// False when it ends before it takes connections.
    async fn try_start(&mut self) -> bool {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.directory.path().join("log"));
        let mut postgres = self.program("postgres");
        postgres.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-k"]);
        postgres.arg(self.directory.path()).args(["-c", "listen_addresses=127.0.0.1"]);
        postgres.args(["-c", "max_connections=200", "-c", "fsync=on", "-c", "synchronous_commit=on"]);
        postgres.stdout(Stdio::null()).stderr(log.unwrap());
        let mut postmaster = postgres.spawn().unwrap();
        let url = self.url();
        let data = self.data();
        let started = timeout(LIMIT, async {
            while postmaster.try_wait().unwrap().is_none() {
                if serves(&url, &data).await {
                    return true;
                }
                sleep(LOOK).await;
            }
            false
        });
        let started = started.await.unwrap_or(false);
        self.postmaster = Some(postmaster);
        if !started {
            self.kill();
        }
        started
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let last: Vec<_> = log.lines().rev().take(40).collect();
            eprintln!("Postgres said at last, newest first: {last:#?}");
        }
        self.kill();
    }
}

/// Whether the server behind `url` takes connections, and is the one of `data` and no other at the same port.
async fn serves(url: &str, data: &Path) -> bool {
    let Ok(mut connection) = PgConnection::connect(url).await else { return false };
    let place = sqlx::query_scalar("SELECT current_setting('data_directory')");
    let place: Result<String, _> = place.fetch_one(&mut connection).await;
    place.is_ok_and(|place| fs::canonicalize(place).ok() == fs::canonicalize(data).ok())
}

/// A program of the server's package: where the server's own ones are, too, whatever links there are to these.
pub(crate) fn postgres_program(name: &str) -> PathBuf {
    let initdb = fs::canonicalize(programs().join("initdb")).unwrap();
    initdb.with_file_name(name)
}

/// Packages keep the programs of the server out of `PATH`, by version; the newest is taken.
fn programs() -> PathBuf {
    let in_path = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let mut of_packages: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|version| version.unwrap().path().join("bin"))
        .collect();
    of_packages.sort_by_key(|bin| {
        let version = bin.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        std::cmp::Reverse(version.and_then(|version| version.parse::<u32>().ok()))
    });
    let places = in_path.into_iter().chain(of_packages);
    let has_all = |place: &PathBuf| {
        // What stands in PATH may be a link; the programs look for their files beside what it points to.
        ["initdb", "postgres"].iter().all(|program| place.join(program).is_file())
    };
    places.into_iter().find(has_all).expect(
        "this test needs initdb and postgres, which the package postgresql brings: tests/run installs it",
    )
}

/// Whose the server is to be, user and group; nobody else's where it may be our own, but Postgres refuses to run as root.
fn owner() -> Option<(u32, u32)> {
    let number = |arguments: &[&str]| -> Option<u32> {
        let asked = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(asked.stdout).ok()?.trim().parse().ok()
    };
    if number(&["-u"]) != Some(0) {
        return None;
    }
    let of = |name| Some((number(&["-u", name])?, number(&["-g", name])?));
    let found = ["postgres", "nobody", "daemon"].into_iter().find_map(of);
    Some(found.expect("Postgres does not run as root, and there is no user postgres, nobody or daemon"))
}

/// The processes whose parent is `postmaster`, where the operating system shows them in `/proc`.
fn children_of(postmaster: u32) -> Vec<String> {
    let parent = format!(" {postmaster} ");
    let processes = fs::read_dir("/proc").into_iter().flatten().map_while(Result::ok);
    let is_child = |process: &fs::DirEntry| {
        let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        // "number (name) state parent ...", where the name may hold anything.
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.get(1..).is_some_and(|rest| rest.starts_with(&parent)))
    };
    let children = processes.filter(is_child);
    children.map(|process| process.file_name().to_string_lossy().into_owned()).collect()
}

//! Flags, variables and the configuration file.

use super::{Muster, Ran};
use crate::support::is_without_files;

#[test]
fn help_says_what_there_is_and_the_version_what_this_is() {
    let muster = Muster::new();
    let help = muster.run(&["--help"]).done();
    for verb in [
        "demo",
        "serve",
        "import",
        "events",
        "roles",
        "token",
        "user",
        "org",
        "invite-link",
        "keys",
        "migrate",
        "doctor",
    ] {
        assert!(help.stdout.contains(&format!("\n  {verb} ")), "{verb} is not explained: {}", help.stdout);
    }
    muster.run(&["--version"]).done().says("muster 0.1.0");
}

#[test]
fn what_is_not_understood_ends_with_2_and_says_what() {
    let muster = Muster::new();
    for (arguments, says) in [
        (&["serv"][..], "unrecognized subcommand 'serv'"),
        (&[], "Usage: muster"),
        (&["org", "list", "--jsn"], "unexpected argument '--jsn'"),
        (&["token", "revoke", "seven"], "\"seven\" is not an id"),
        (&["token", "issue"], "--user"),
        (&["serve", "--trusted-proxies", "10.0.0.0/8,everyone"], "\"everyone\" is no network"),
        (&["serve", "--max-head-bytes", "1"], "--max-head-bytes: at least 8192 are needed"),
        (&["serve", "--log", "muster=loud"], "--log: \"muster=loud\" is no filter"),
        (&["events", "list", "--limit", "0"], "--limit"),
        (&["--config", "nowhere.toml", "org", "list"], "--config: nowhere.toml cannot be read"),
        (
            &["org", "list", "--database-url", "mysql://localhost/x"],
            "--database-url is to be like postgres://",
        ),
        (&["org", "list", "--database-url", "postgres://localhost"], "the URL names no database"),
    ] {
        muster.run(arguments).misunderstood(says);
    }
    assert!(!muster.has_ledger());
}

#[test]
fn an_unknown_key_in_the_configuration_is_named_with_its_line() {
    let muster = Muster::new();
    let config = muster.file("muster.toml", "listen = \"127.0.0.1:0\"\nlissten = \"x\"\n");
    let ran = muster.run(&["--config", &config, "org", "list"]);
    ran.misunderstood("line 2: unknown key `lissten`, expected one of `data`");
}

/// Wherever it was given, and whether it can be used or not.
#[test]
fn the_password_of_a_database_is_never_printed() {
    let muster = Muster::without_database();
    let wrong = "postgres://muster:hunter2@127.0.0.1:none/ledger";
    let right = "postgres://muster:hunter2@127.0.0.1:1/ledger";
    let config = muster.file("muster.toml", &format!("database_url = \"{wrong}\"\n"));
    let mut by_variable = muster.command(&["org", "list"]);
    let mut by_help = muster.command(&["org", "list", "--help"]);
    let runs = [
        muster.run(&["org", "list", "--database-url", wrong]).misunderstood("--database-url"),
        muster.run(&["--config", &config, "org", "list"]).misunderstood("--database-url"),
        Ran::of(by_variable.env("MUSTER_DATABASE_URL", wrong)).misunderstood("--database-url"),
        Ran::of(by_help.env("MUSTER_DATABASE_URL", right)).done().says("MUSTER_DATABASE_URL"),
        muster.run(&["org", "list", "--database-url", right]).misunderstood("--master-key-file"),
        muster.run(&["keys", "rotate", "--database-url", right]).misunderstood("--master-key-file"),
    ];
    for ran in runs {
        assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"), "{ran:#?}");
    }
    let key = muster.path("shared.key");
    muster.run(&["keys", "new", &key, "--database-url", right]).done();
    assert!(!muster.has_ledger());
}

#[test]
fn a_flag_beats_a_variable_and_a_variable_beats_the_file() {
    let muster = Muster::small();
    // What names the ledger: the key in the file, the value; another one, and what is said of that.
    let (key, ledger, elsewhere, says) = match &muster.database {
        None => ("data", muster.data().to_str().unwrap().to_owned(), muster.path("elsewhere"), "elsewhere"),
        Some(database) => {
            let elsewhere = database.url().replace("/muster_test_", "/elsewhere_");
            ("database_url", database.url().to_owned(), elsewhere, "elsewhere_")
        }
    };
    let (flag, variable) = (format!("--{}", key.replace('_', "-")), format!("MUSTER_{}", key.to_uppercase()));
    let config = muster.file("muster.toml", &format!("{key} = \"{ledger}\"\n"));
    let mut by_file = muster.command(&["--config", &config, "org", "list"]);
    Ran::of(by_file.env_remove(&variable)).done().says("acme");
    let mut by_variable = muster.command(&["--config", &config, "org", "list"]);
    Ran::of(by_variable.env(&variable, &elsewhere)).failed(says);
    let mut by_flag = muster.command(&["--config", &config, &flag, &ledger, "org", "list"]);
    Ran::of(by_flag.env(&variable, &elsewhere)).done().says("acme");
}

#[test]
fn a_directory_in_the_configuration_is_beside_it_and_the_default_below_where_muster_was_started() {
    if is_without_files("the data directory") {
        return;
    }
    let muster = Muster::small();
    let config = muster.file("muster.toml", "data = \"data\"\n");
    let mut by_file = muster.command(&["--config", &config, "org", "list"]);
    Ran::of(by_file.env_remove("MUSTER_DATA").current_dir("/")).done().says("acme");
    let mut by_default = muster.command(&["org", "list"]);
    Ran::of(by_default.env_remove("MUSTER_DATA")).failed("no ledger in ./muster-data");
}

//! The walls between the rooms, and what keeps files readable. Each rule says why it is there; the manifests keep the
//! walls between the crates, this keeps those inside.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The most lines of a file: what one reads in one go.
const MAX_LINES: usize = 400;

/// A room: where it is, what of the own crate its files may name, and why no more.
struct Room {
    path: &'static str,
    may_use: &'static [&'static str],
    reason: &'static str,
}

const ROOMS: &[Room] = &[
    Room { path: "src/clock.rs", may_use: &[], reason: "time and randomness depend on nothing" },
    Room {
        path: "src/store",
        may_use: &["clock", "database"],
        reason: "the log knows no keys, no commands and no readers",
    },
    Room { path: "src/sealing", may_use: &["clock", "database"], reason: "keys are kept apart from the log" },
    Room {
        path: "src/blobs",
        may_use: &["clock", "database"],
        reason: "pictures are kept apart from the log",
    },
    Room {
        path: "src/ledger",
        may_use: &["clock", "store", "sealing"],
        reason: "nothing that a command decides may rest on a read model",
    },
    Room {
        path: "src/subscription",
        may_use: &["clock", "store"],
        reason: "a subscriber learns of an event by reading the log, and needs no keys",
    },
    Room {
        path: "src/policies",
        may_use: &["blobs", "clock", "ledger", "store", "subscription"],
        reason: "whatever follows from an event is a command, and is decided like one, or removes what is kept beside the log",
    },
    Room {
        path: "src/history",
        may_use: &["clock", "store", "sealing"],
        reason: "a history is a read of the log and changes nothing",
    },
    Room {
        path: "src/email",
        may_use: &["clock", "ledger", "sealing", "store", "subscription"],
        reason: "a letter is sent because of an event, and what became of it is one",
    },
    Room {
        path: "src/transfer",
        may_use: &["blobs", "clock", "deployment", "ledger", "policies", "sealing", "store", "subscription"],
        reason: "a ledger arrives as it was sent, and what is left to do is done by those who always do it",
    },
    Room { path: "src/audit", may_use: &[], reason: "an audit entry is a function of recorded events" },
    Room {
        path: "src/http",
        may_use: &[
            "audit",
            "blobs",
            "clock",
            "deployment",
            "email",
            "history",
            "ledger",
            "policies",
            "sealing",
            "store",
            "subscription",
        ],
        reason: "an endpoint parses, calls and shapes; verbs are composed elsewhere",
    },
];

/// A crate that only some files may name.
struct Kept {
    name: &'static str,
    within: &'static [&'static str],
    reason: &'static str,
}

const KEPT: &[Kept] = &[
    Kept {
        name: "cqrs_es",
        within: &["src/ledger/framework.rs", "tests/it/contract/postgres"],
        reason: "one line of contact with the framework",
    },
    Kept {
        name: "rusqlite",
        within: &[
            "src/database",
            "src/store/sqlite",
            "src/sealing/sqlite",
            "src/blobs/sqlite",
            "projections/database/filler.rs",
            "tests",
            "benches",
        ],
        reason: "the rest of the product does not know which database it runs on",
    },
    Kept {
        name: "lettre",
        within: &["src/email", "benches"],
        reason: "mail servers are spoken to in one place",
    },
    Kept { name: "minijinja", within: &["src/email"], reason: "what letters say is made in one place" },
    Kept {
        name: "image",
        within: &["src/http/avatars", "tests"],
        reason: "pictures that strangers send are read in one place, within limits",
    },
    Kept {
        name: "axum",
        within: &["src/http", "tests", "benches"],
        reason: "only the HTTP room speaks HTTP",
    },
    Kept { name: "tokio", within: &["src", "projections", "tests", "benches"], reason: "events are pure" },
    Kept {
        name: "sqlx",
        within: &[
            "projections",
            "src/database",
            "src/store/postgres",
            "src/sealing/postgres",
            "src/blobs/postgres",
            "tests",
            "benches",
        ],
        reason: "read models are reached through their queries, the log and the keys through their traits",
    },
    Kept {
        name: "postgres_es",
        within: &["src/store/postgres", "tests"],
        reason: "the rest of the product does not know which database it runs on",
    },
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    fn walk(path: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        if path.is_file() {
            if path.extension().is_some_and(|extension| extension == ending) {
                found.push(path.to_owned());
            }
            return;
        }
        for entry in fs::read_dir(path).unwrap() {
            walk(&entry.unwrap().path(), ending, found);
        }
    }
    let mut found = vec![];
    walk(&root().join(folder), ending, &mut found);
    assert!(!found.is_empty(), "there is no .{ending} file in {folder}: the rules check nothing");
    found
}

fn rust_files() -> Vec<PathBuf> {
    ["events", "projections", "src", "tests", "benches"]
        .into_iter()
        .flat_map(|room| files(room, "rs"))
        .collect()
}

fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The code of a file without its comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules of the own crate that `code` names, as `crate::module` or in a `use crate::{...}` tree.
fn own_modules(code: &str) -> Vec<String> {
    let mut found = vec![];
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => found.push(word(rest)),
            Some(tree) => found.extend(branches(tree)),
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first names of the branches of a `use` tree, whose opening brace has been read.
fn branches(tree: &str) -> Vec<String> {
    let (mut depth, mut found, mut starts) = (0, vec![], true);
    for (at, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts = true,
            c if starts && !c.is_whitespace() => {
                found.push(word(&tree[at..]));
                starts = false;
            }
            _ => {}
        }
    }
    found
}

#[test]
fn every_room_names_only_the_rooms_that_it_may() {
    let mut broken = vec![];
    for room in ROOMS {
        let own = room.path.trim_start_matches("src/").trim_end_matches(".rs");
        for file in files(room.path, "rs") {
            for module in own_modules(&code(&file)) {
                if module != own && !room.may_use.contains(&module.as_str()) {
                    broken.push(format!("{} names crate::{module}: {}", short(&file), room.reason));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn what_is_kept_in_one_place_is_named_nowhere_else() {
    let mut broken = vec![];
    for file in rust_files() {
        let (path, code) = (short(&file), code(&file));
        for kept in KEPT {
            let named = code.contains(&format!("{}::", kept.name)) && path != "tests/it/tidy.rs";
            if named && !kept.within.iter().any(|place| path.starts_with(place)) {
                broken.push(format!("{path} names {}: {}", kept.name, kept.reason));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_pure_room_has_no_dependency_that_does_something() {
    let manifest = fs::read_to_string(root().join("events/Cargo.toml")).unwrap();
    for effectful in ["tokio", "sqlx", "axum", "cqrs-es", "rusqlite", "reqwest", "getrandom", "rand"] {
        let named = manifest.lines().any(|line| {
            line.starts_with(&format!("{effectful}.")) || line.starts_with(&format!("{effectful} "))
        });
        assert!(!named, "events/Cargo.toml depends on {effectful}: events are values in and values out");
    }
}

#[test]
fn no_file_is_too_long_to_be_read_in_one_go() {
    let long = |file: &PathBuf| {
        let lines = fs::read_to_string(file).unwrap().lines().count();
        (lines > MAX_LINES).then(|| format!("{} has {lines} lines, more than {MAX_LINES}", short(file)))
    };
    let broken: Vec<_> = rust_files().iter().filter_map(long).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn nothing_is_left_unfinished_or_switched_off() {
    let marks = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[ig", "nore"),
        concat!("FIX", "ME"),
        concat!("dbg", "!("),
    ];
    let mut broken = vec![];
    for file in rust_files() {
        let text = fs::read_to_string(&file).unwrap();
        broken.extend(
            marks.iter().filter(|mark| text.contains(**mark)).map(|mark| format!("{}: {mark}", short(&file))),
        );
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn names_say_what_a_thing_is() {
    let empty = ["util", "utils", "helper", "helpers", "common", "misc", "manager", "processor", "service"];
    let broken: Vec<_> = rust_files()
        .iter()
        .filter(|file| {
            let parts =
                file.strip_prefix(root()).unwrap().iter().map(|part| part.to_string_lossy().into_owned());
            parts.into_iter().any(|part| empty.contains(&part.trim_end_matches(".rs")))
        })
        .map(|file| short(file))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_metric_is_in_the_readme_and_no_other() {
    let named = |text: &str| {
        let words = text.split(|letter: char| !letter.is_ascii_lowercase() && letter != '_');
        words.filter(|word| word.starts_with("muster_")).map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let recorded = |file: &PathBuf| {
        let text = code(file);
        let calls =
            ["counter!(", "gauge!(", "histogram!("].map(|call| text.split(call).skip(1).map(head).collect());
        calls
            .into_iter()
            .flat_map(|heads: Vec<String>| heads)
            .flat_map(|head| named(&head))
            .collect::<Vec<_>>()
    };
    let recorded: BTreeSet<_> = rust_files().iter().flat_map(recorded).collect();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let told: BTreeSet<_> = named(&readme).into_iter().filter(|name| is_metric(name)).collect();
    assert!(recorded.len() > 10, "the rule sees nothing");
    assert_eq!(recorded, told);
}

/// The first argument.
fn head(arguments: &str) -> String {
    arguments.split([',', ')']).next().unwrap_or_default().to_owned()
}

/// Whether a word can be the name of a metric, which ends in its unit or in what it counts.
fn is_metric(word: &str) -> bool {
    [
        "_total",
        "_seconds",
        "_events",
        "_waiting",
        "_parked",
        "_position",
        "_streams",
        "_target",
        "_differences",
    ]
    .iter()
    .any(|end| word.ends_with(end))
}

#[test]
fn the_rules_see_what_they_should() {
    assert_eq!(
        own_modules("use crate::{a::{b, c}, d, self::e};\nlet x = crate::f::g();"),
        ["a", "d", "self", "f"]
    );
    assert_eq!(own_modules("muster_crate::x(); pub(in crate::http) fn y() {}"), ["http"]);
}

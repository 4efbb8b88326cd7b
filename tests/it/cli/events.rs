//! `muster events`: reads of the log.

use serde_json::Value;

use super::{Muster, Serving};

#[test]
fn the_list_says_who_changed_what_from_what_to_what() {
    let muster = Muster::small();
    let listed = muster.run(&["events", "list", "--organization", "acme"]).done();
    assert!(listed.stdout.starts_with("POSITION  WHEN"), "{}", listed.stdout);
    let listed = listed.says("joined as").says("organization acme").says("carol@example.com");
    assert!(!listed.stdout.contains("alice@example.com"), "accounts belong to no organization");
    muster.run(&["events", "list", "--actor", "system"]).done().says("member < admin < manager < owner");
    muster.run(&["events", "list", "--type", "MemberRemoved"]).done().says("No event fits these filters.");
}

#[test]
fn pages_follow_each_other_without_a_gap() {
    let muster = Muster::small();
    let head = muster.head();
    let (mut seen, mut after) = (vec![], String::from("0"));
    loop {
        let page = muster.run(&["events", "list", "--json", "--limit", "7", "--after", &after]).done().json();
        seen.extend(
            page["events"].as_array().unwrap().iter().map(|event| event["position"].as_u64().unwrap()),
        );
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, (1..=head).collect::<Vec<_>>());
}

#[test]
fn a_filter_that_cannot_be_meant_is_named() {
    let muster = Muster::small();
    for (arguments, says) in [
        (["--type", "RoleChanged"], "--type: \"RoleChanged\" is no type of event; there are"),
        (["--actor", "alice"], "--actor: "),
        (["--from", "yesterday"], "--from: \"yesterday\" is not a time"),
        (["--after", "00000000-1"], "--after: "),
        (["--member", "bob"], "--member: "),
    ] {
        muster.run(&[&["events", "list"], &arguments[..]].concat()).misunderstood(says);
    }
    muster
        .run(&["events", "list", "--organization", "globex"])
        .failed("--organization: there is no organization");
}

#[test]
fn one_event_is_shown_with_all_that_is_stored_of_it() {
    let muster = Muster::small();
    let shown = muster.run(&["events", "show", "1"]).done();
    shown.says("RolesDefined, schema version 1").says("leaf");
    let listed = muster.run(&["events", "list", "--type", "UserRegistered", "--json"]).done().json();
    for expected in listed["events"].as_array().unwrap() {
        let position = expected["position"].to_string();
        let event = muster.run(&["events", "show", &position, "--json"]).done().json();
        assert_eq!(event, *expected);
        assert!(event["payload"]["email"].as_str().unwrap().ends_with("@example.com"), "{event}");
    }
    let beyond = (muster.head() + 1).to_string();
    muster
        .run(&["events", "show", &beyond])
        .failed(&format!("there is no event at position {beyond}; the last one"));
    muster.run(&["events", "show", "first"]).misunderstood("POSITION: ");
}

#[test]
fn an_export_has_every_event_once_as_ndjson_or_csv() {
    let muster = Muster::small();
    let head = usize::try_from(muster.head()).unwrap();
    let ndjson = muster.run(&["events", "export"]).done();
    let positions: Vec<_> = ndjson
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["position"].as_u64().unwrap())
        .collect();
    assert_eq!(positions, (1..=head as u64).collect::<Vec<_>>());
    let csv = muster.run(&["events", "export", "--format", "csv"]).done();
    assert_eq!(csv.stdout.lines().count(), head + 1);
    assert!(csv.stdout.starts_with("position,event_id,"));
    muster.run(&["events", "export", "--format", "xml"]).misunderstood("there are ndjson and csv");
}

/// More is exported than a pipe holds, so the writer meets a reader that is gone.
#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let muster = Muster::new();
    muster.run(&["import", super::EXAMPLE]).done();
    let ran = muster.shell("{ $M events export; echo \"code $?\" >&2; } | head -1");
    assert_eq!(ran.stdout.lines().count(), 1);
    assert_eq!(ran.stderr, "code 0\n");
}

#[test]
fn a_tail_shows_what_is_appended_by_others() {
    let muster = Muster::small();
    let tail = ["events", "tail", "--json", "--from-start", "--type", "UserRegistered"];
    let mut tail = Serving::start(&mut muster.command(&tail));
    tail.line("alice@example.com");
    muster.run(&["user", "add", "dave@example.com"]).done();
    let event: Value = serde_json::from_str(&tail.line("dave@example.com")).unwrap();
    assert_eq!(event["metadata"]["actor"]["kind"], "system");
    let (status, _) = tail.stop();
    assert_eq!(status.code(), Some(0));
    let mut tail = Serving::start(&mut muster.command(&["events", "tail", "--from-start"]));
    tail.line("system: account dave@example.com, registered as dave@example.com");
}

#[test]
fn how_an_organization_stood_is_shown_as_of_a_position_and_a_time() {
    let muster = Muster::small();
    let head = muster.head().to_string();
    let now =
        muster.run(&["events", "replay", "--to", &head, "--organization", "acme", "--json"]).done().json();
    let acme = &now["organizations"][0];
    assert_eq!((&acme["slug"], now["organizations"].as_array().unwrap().len()), (&"acme".into(), 1));
    assert!(acme["members"].to_string().contains("carol@example.com"), "{acme}");
    let shown = muster.run(&["events", "replay", "--to", &head]).done();
    shown.says("carol@example.com").says(&format!("That is how it stood after position {head}."));
    let before = muster.run(&["events", "replay", "--to", "1", "--json"]).done().json();
    assert_eq!(before["organizations"].as_array().unwrap().len(), 0);
    muster.run(&["events", "replay", "--to", "soon"]).misunderstood("--to: \"soon\" is neither a time");
    let beyond = ["events", "replay", "--to", "99999"];
    muster.run(&beyond).misunderstood("--to: position 99999 lies beyond the end of the log");
    muster
        .run(&["events", "replay", "--to", &head, "--organization", "x"])
        .failed("there was no organization x");
}

#[test]
fn what_changed_between_two_moments_is_said_with_who_did_it() {
    let muster = Muster::small();
    let head = muster.head().to_string();
    let said = muster.run(&["events", "diff", "1", &head, "--organization", "acme"]).done();
    said.says("carol@example.com").says("joined").says("import");
    let told = muster.run(&["events", "diff", "1", &head, "--json"]).done().json();
    let members = told[0]["difference"]["members"].as_array().unwrap();
    assert!(members.iter().any(|member| member["to"]["email"] == "carol@example.com"), "{told}");
    muster.run(&["events", "diff", &head, &head]).done().says("Nothing changed between positions");
    muster.run(&["events", "diff", &head, "1"]).misunderstood("FROM: is later than TO");
    muster.run(&["events", "diff", "1", "soon"]).misunderstood("TO: \"soon\" is neither a time");
}

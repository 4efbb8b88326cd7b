//! `muster user`.

use super::Muster;

#[test]
fn an_account_is_added_and_listed() {
    let muster = Muster::new();
    let added = muster
        .run(&["user", "add", "Ada@example.com", "--name", "Ada", "--superuser", "--json"])
        .done()
        .json();
    let listed = muster.run(&["user", "list", "--json"]).done().json();
    assert_eq!(listed[0]["id"], added["id"]);
    assert_eq!((&listed[0]["username"], &listed[0]["superuser"]), (&"Ada@example.com".into(), &true.into()));
    muster.run(&["user", "list"]).done().says("Ada@example.com").says("superuser, address not verified");
    muster
        .run(&["user", "add", "ada@EXAMPLE.com", "--username", "ada"])
        .failed("EMAIL: ada@EXAMPLE.com is an address of the account");
    muster
        .run(&["user", "add", "Ada@example.com"])
        .failed("EMAIL: Ada@example.com is an address of the account");
    muster
        .run(&["user", "add", "b@example.com", "--username", "ADA@example.com"])
        .failed("--username: ADA@example.com is the user name of another account");
    muster.run(&["user", "add", "nobody"]).misunderstood("EMAIL: \"nobody\" is no e-mail address");
    muster.run(&["user", "add", "c@example.com", "--name", " "]).misunderstood("--name: a name is needed");
}

#[test]
fn a_person_becomes_superuser_and_is_none_again() {
    let muster = Muster::small();
    muster.run(&["user", "superuser", "bob", "on"]).done().says("may do everything everywhere now");
    let again = muster.run(&["user", "superuser", "bob@example.com", "on", "--json"]).done().json();
    assert_eq!((&again["superuser"], &again["changed"]), (&true.into(), &false.into()));
    muster.run(&["user", "list"]).done().says("superuser");
    muster.run(&["user", "superuser", "bob", "off"]).done().says("is no superuser any more");
    muster.run(&["user", "superuser", "zoe", "on"]).failed("USER: there is no account");
    muster.run(&["user", "superuser", "bob", "maybe"]).misunderstood("maybe");
}

#[test]
fn a_long_list_has_pages() {
    let muster = Muster::small();
    muster.run(&["user", "list", "--limit", "1"]).done().says("go on with --offset 1");
    let rest = muster.run(&["user", "list", "--offset", "1"]).done().says("bob@example.com");
    assert!(!rest.stdout.contains("alice@example.com") && !rest.stdout.contains("--offset"));
    muster.run(&["user", "list", "--offset", "9"]).done().says("no rows this far");
}

/// A name may be anything; a terminal must not obey it.
#[test]
fn a_name_cannot_play_tricks_on_a_terminal() {
    let muster = Muster::new();
    muster.run(&["user", "add", "ada@example.com", "--name", "\u{1b}[2J"]).misunderstood("control character");
}

//! `muster roles`: roles are data.

use muster_events::{
    id::{MemberId, OrganizationId, UserId},
    member::MemberEvent,
    roles::RoleId,
};
use serde_json::json;

use super::{Muster, unreadable};

/// A roles file with a role that only reads.
const VIEWER: &str = r#"
default_org_role = "viewer"
[[org_role]]
id = "viewer"
name = "Viewer"
scopes = ["org:read", "member:read"]
[[org_role]]
id = "chief"
name = "Chief"
scopes = ["org:read", "org:write", "org:admin", "member:read", "member:write", "member:admin"]
[[team_role]]
id = "peer"
name = "Peer"
scopes = ["team:read"]
"#;

#[test]
fn roles_can_be_defined_for_a_ledger_that_does_not_exist_yet() {
    let muster = Muster::new();
    let file = muster.file("roles.toml", VIEWER);
    muster.run(&["roles", "check", &file]).done().says("viewer < chief");
    assert!(!muster.has_ledger());
    muster.run(&["roles", "apply", &file]).done().says("These roles are in force now");
    muster.run(&["roles", "apply", &file]).done().says("were in force already");
    assert_eq!(muster.head(), 2);
    muster.run(&["roles", "show"]).done().says("Viewer");
    assert_eq!(muster.run(&["roles", "show", "--json"]).done().json()["default_org_role"], "viewer");
    let organization = json!({
        "users": [{"key": "ada", "email": "ada@example.com"}],
        "organizations": [{"slug": "acme", "name": "Acme", "members": [{"key": "ada", "user": "ada", "role": "chief"}]}],
    });
    muster.run(&["import", &muster.file("import.json", &organization.to_string())]).done();
    muster.run(&["doctor"]).done();
}

#[test]
fn what_is_shown_as_a_file_can_be_applied() {
    let muster = Muster::small();
    let file = muster.run(&["roles", "show", "--toml"]).done().stdout;
    let bundled = muster.run(&["roles", "show", "--toml", "--bundled"]).done().stdout;
    assert_eq!(file, bundled);
    muster.run(&["roles", "apply", &muster.file("roles.toml", &file)]).done().says("were in force already");
}

#[test]
fn a_file_that_makes_no_sense_is_refused_with_the_entry_that_does_not() {
    let muster = Muster::new();
    for (text, says) in [
        (VIEWER.replace("default_org_role = \"viewer\"", "default_org_role = \"guest\""), "`guest`"),
        (VIEWER.replace("id = \"chief\"", "id = \"viewer\""), "org_role `viewer` is defined twice"),
        (VIEWER.replace("\"org:read\", \"member:read\"", "\"everything\""), "\"everything\""),
        (VIEWER.replace("name = \"Peer\"", "nam = \"Peer\""), "nam"),
        (VIEWER.replace("[[team_role]]", "[[team_role"), "line "),
        (String::new(), "default_org_role"),
    ] {
        let file = muster.file("roles.toml", &text);
        muster.run(&["roles", "check", &file]).failed(says);
        muster.run(&["roles", "apply", &file]).failed(says);
    }
    muster.run(&["roles", "check", "nowhere.toml"]).failed("nowhere.toml cannot be read");
    assert!(!muster.has_ledger());
}

#[test]
fn a_role_that_somebody_holds_cannot_vanish() {
    let muster = Muster::small();
    let head = muster.head();
    let ran = muster.run(&["roles", "apply", &muster.file("roles.toml", VIEWER)]);
    let ran = ran.failed("refused: Somebody holds");
    assert!(ran.stderr.contains("\"owner\"") && ran.stderr.contains("\"member\""), "{}", ran.stderr);
    assert_eq!(muster.head(), head);
}

/// The role that the event gives may be any.
#[tokio::test]
async fn roles_are_not_applied_while_a_member_cannot_be_read() {
    let muster = Muster::small();
    let organization = OrganizationId::new(1).unwrap();
    let event = MemberEvent::MemberAdded {
        organization,
        user: UserId::new(1).unwrap(),
        org_role: RoleId::new("member").unwrap(),
        addresses: vec![],
        ownership: None,
    };
    let position =
        unreadable::append(&muster, MemberId::new(1).unwrap().into(), organization, event.into()).await;
    let ran = muster.run(&["roles", "apply", &muster.file("roles.toml", VIEWER)]);
    ran.failed("the read model members has set member:1 aside: see what `muster doctor` says");
    assert_eq!(muster.head(), position.0);
}

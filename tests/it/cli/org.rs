//! `muster org`.

use super::Muster;

#[test]
fn an_organization_is_created_with_its_owner_and_listed() {
    let muster = Muster::new();
    muster.run(&["user", "add", "ada@example.com", "--username", "ada"]).done();
    let create = ["org", "create", "globex", "--owner", "ada", "--name", "Globex", "--json"];
    let created = muster.run(&create).done().json();
    let listed = muster.run(&["org", "list", "--json"]).done().json();
    assert_eq!((&listed[0]["id"], &listed[0]["members"]), (&created["id"], &1.into()));
    muster.run(&["org", "list"]).done().says("Globex");
    muster
        .run(&["org", "create", "globex", "--owner", "ada"])
        .failed("SLUG: The slug \"globex\" is already in use.");
    muster.run(&["org", "create", "Glo bex", "--owner", "ada"]).failed("refused: ");
    muster.run(&["org", "create", "initech", "--owner", "zoe"]).failed("--owner: there is no account");
    muster.run(&["org", "create", "initech"]).misunderstood("--owner");
    muster.run(&["doctor"]).done();
}

#[test]
fn an_empty_ledger_says_what_to_do() {
    let muster = Muster::new();
    muster.run(&["roles", "apply", &muster.file("roles.toml", &muster_roles())]).done();
    muster.run(&["org", "list"]).done().says("`muster org create` or `muster import`");
    muster.run(&["user", "list"]).done().says("`muster user add`");
    muster.run(&["token", "list"]).done().says("`muster token issue`");
}

fn muster_roles() -> String {
    Muster::new().run(&["roles", "show", "--bundled", "--toml"]).done().stdout
}

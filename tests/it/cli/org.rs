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

#[test]
fn an_organization_is_administered() {
    let muster = Muster::small();
    let org = |arguments: &[&str]| {
        let all: Vec<_> =
            ["org"].iter().chain(arguments).chain(&["--organization", "acme"]).copied().collect();
        muster.run(&all)
    };
    org(&["feature", "invite-team-roles", "on"]).done().says("the feature invite-team-roles is on.");
    org(&["feature", "invite-team-roles", "on"]).done().says("is on, as before");
    let on = org(&["sso", "on", "--provider", "okta", "--name", "Okta", "--json"]).done().json();
    assert_eq!((&on["changed"], &on["sso"]["name"]), (&true.into(), &"Okta".into()));
    org(&["member-flag", "bob", "sso:linked", "on"]).done().says("sso:linked");
    let bob = org(&["member-flag", "bob@example.com", "idp:provisioned", "on", "--json"]).done().json();
    let id = bob["member"].as_str().unwrap();
    org(&["member-flag", id, "idp:provisioned", "off"]).done().says("is off.");
    org(&["team-flag", "core", "idp:provisioned", "on"])
        .done()
        .says("idp:provisioned on the team core is on");
    org(&["sso", "off"]).done().says("single sign-on is off");
    org(&["team-flag", "core", "being-deleted", "on"]).done().says("being-deleted on the team core is on");
    let told = muster.run(&["events", "list", "--json"]).done().stdout;
    for (kind, times) in [
        ("FeatureSet", 1),
        ("SsoEnabled", 1),
        ("SsoLinked", 1),
        ("SsoDisabled", 1),
        ("MemberFlagSet", 1),
        ("MemberFlagCleared", 1),
        ("TeamFlagged", 2),
    ] {
        assert_eq!(told.matches(&format!("\"{kind}\"")).count(), times, "{kind}: {told}");
    }
}

#[test]
fn what_is_to_be_mended_is_named() {
    let muster = Muster::small();
    let of = |organization: &str, arguments: &[&str]| {
        let all: Vec<_> =
            ["org"].iter().chain(arguments).chain(&["--organization", organization]).copied().collect();
        muster.run(&all)
    };
    of("globex", &["feature", "team-roles", "off"]).failed("--organization: there is no organization globex");
    of("acme", &["feature", "flying", "on"])
        .misunderstood("NAME: \"flying\" is no feature; there are team-roles");
    of("acme", &["feature", "team-roles", "perhaps"]).misunderstood("perhaps");
    of("acme", &["sso", "on"]).misunderstood("--provider: ");
    of("acme", &["sso", "on", "--provider", "okta", "--name", " "]).misunderstood("--name: ");
    of("acme", &["sso", "on", "--provider", &"x".repeat(129)]).misunderstood("at most 128 characters");
    of("acme", &["sso", "off", "--provider", "okta"]).misunderstood("--provider");
    of("acme", &["member-flag", "zoe", "sso:linked", "on"]).failed("MEMBER: there is no account");
    of("acme", &["member-flag", "7", "sso:linked", "on"]).failed("MEMBER: there is no member 7");
    of("acme", &["member-flag", "bob", "loud", "on"]).misunderstood("FLAG: \"loud\" is no member flag");
    of("acme", &["team-flag", "web", "being-deleted", "on"]).failed("TEAM: there is no team web");
    of("acme", &["team-flag", "core", "loud", "on"]).misunderstood("loud");
}

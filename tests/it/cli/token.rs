//! `muster token`.

use super::Muster;

#[test]
fn a_token_is_issued_listed_and_revoked() {
    let muster = Muster::small();
    let issued = muster
        .run(&["token", "issue", "--user", "alice@example.com", "--scopes", "org:read,member:read", "--json"])
        .done()
        .json();
    let (id, secret) = (issued["id"].as_str().unwrap(), issued["token"].as_str().unwrap());
    assert!(secret.starts_with("muster_") && secret.len() > 64);
    let listed = muster.run(&["token", "list"]).done().says(id).says("member:read org:read");
    assert!(!listed.stdout.contains(secret));
    let of_organization = muster.run(&["token", "issue", "--organization", "acme"]).done();
    of_organization.says("shown this once");
    muster.run(&["token", "revoke", id]).done().says("is revoked");
    muster.run(&["token", "revoke", id]).done().says("was revoked already");
    let listed = muster.run(&["token", "list", "--json"]).done().json();
    let states: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .filter(|token| token["id"] == id)
        .map(|token| &token["revoked"])
        .collect();
    assert_eq!(states, [&serde_json::Value::Bool(true)]);
}

#[test]
fn what_does_not_exist_is_named_with_its_flag() {
    let muster = Muster::small();
    muster.run(&["token", "issue", "--user", "zoe"]).failed("--user: there is no account");
    muster
        .run(&["token", "issue", "--user", "7"])
        .failed("--user: there is no account with the id, address or user name \"7\"");
    muster
        .run(&["token", "issue", "--organization", "globex"])
        .failed("--organization: there is no organization globex");
    muster
        .run(&["token", "issue", "--organization", "42"])
        .failed("--organization: there is no organization 42");
    for scope in ["Everything", "member:raed"] {
        let refused = muster.run(&["token", "issue", "--user", "alice", "--scopes", scope]);
        refused.misunderstood(&format!("--scopes: no token can have the scope \"{scope}\"; there are "));
    }
    muster.run(&["token", "revoke", "7"]).failed("ID: there is no token 7");
}

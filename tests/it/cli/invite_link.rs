//! `muster invite-link`.

use super::Muster;

fn member(muster: &Muster, key: &str) -> String {
    let imported = muster.run(&["import", &muster.file("small.json", super::SMALL)]).done().json();
    imported["organizations"]["acme"]["members"][key].as_str().unwrap().to_owned()
}

#[test]
fn the_link_of_an_invitation_is_printed_and_is_the_same_every_time() {
    let muster = Muster::small();
    let carol = member(&muster, "carol");
    let printed = muster.run(&["invite-link", &carol]).done();
    let start = format!("http://127.0.0.1:8484/accept/{carol}/");
    let token = printed.stdout.trim().strip_prefix(&start).unwrap().strip_suffix('/').unwrap().to_owned();
    assert!(token.len() == 64 && token.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "{token}");
    let base = ["--base-url", "https://members.example.com/"];
    let json = muster.run(&[&["invite-link", &carol, "--json"], &base[..]].concat()).done().json();
    let link = format!("https://members.example.com/accept/{carol}/{token}/");
    assert_eq!((&json["id"], &json["link"]), (&carol.clone().into(), &link.into()));
    assert!(json["expires_at"].is_string());
    let base = ["--base-url", "members.example.com"];
    muster.run(&[&["invite-link", &carol], &base[..]].concat()).misunderstood("is no URL");
}

#[test]
fn what_is_no_open_invitation_has_no_link() {
    let muster = Muster::small();
    let bob = member(&muster, "bob");
    muster.run(&["invite-link", &bob]).failed("is a full member");
    muster.run(&["invite-link", "7"]).failed("MEMBER: there is no member 7");
    muster.run(&["invite-link", "carol"]).misunderstood("MEMBER");
    let expired = r#"{"users": [{"key": "zed", "email": "zed@example.com", "username": "zed"}], "organizations": [{
        "slug": "late", "name": "Late", "teams": [], "members": [
            {"key": "zed", "user": "zed", "role": "owner"},
            {"key": "eve", "email": "eve@example.com", "role": "member", "expiresAt": "2020-01-01T00:00:00Z"},
            {"key": "jo", "email": "jo@example.com", "role": "member", "inviteStatus": "requested_to_join"}
        ]}]}"#;
    let imported = muster.run(&["import", &muster.file("late.json", expired)]).done().json();
    let late = |key: &str| imported["organizations"]["late"]["members"][key].as_str().unwrap().to_owned();
    muster.run(&["invite-link", &late("eve")]).failed("ended at 2020-01-01T00:00:00");
    muster.run(&["invite-link", &late("jo")]).failed("is a request");
}

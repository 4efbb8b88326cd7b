//! What the entries of an audit log say: one request, one entry, in the words that clients know (behaviour.md 7.4, 11).

use serde_json::{Value, json};

use crate::support::World;

const ACME: &str = "/api/0/organizations/acme/";

/// The newest entries that the log has after the `before` older ones, the newest first.
async fn entries(world: &World, before: usize) -> Vec<Value> {
    let log = world.of("root").get(&format!("{ACME}audit-logs/")).await.expect(200).json();
    let rows = log["rows"].as_array().unwrap();
    rows[..rows.len() - before].to_vec()
}

/// Event and note of each of the entries that the next requests made, and these entries.
struct Notes<'a>(&'a World, usize);

impl<'a> Notes<'a> {
    async fn of(world: &'a World) -> Self {
        Self(world, entries(world, 0).await.len())
    }

    /// Fails unless exactly these entries are new, the newest first; gives them.
    async fn are(&mut self, expected: &[(&str, &str)]) -> Vec<Value> {
        let new = entries(self.0, self.1).await;
        let told: Vec<_> =
            new.iter().map(|row| (row["event"].as_str().unwrap(), row["note"].as_str().unwrap())).collect();
        assert_eq!(told, expected);
        self.1 += new.len();
        new
    }
}

#[tokio::test]
async fn settings_are_told_as_stored_with_what_they_were() {
    let world = World::acme().await;
    let (alice, mut notes) = (world.of("alice"), Notes::of(&world).await);
    let body = json!({"allowMemberInvite": false, "name": "Apex", "defaultRole": "manager"});
    alice.put(ACME, &body).await.expect(200);
    let edited = notes
        .are(&[(
            "org.edit",
            "edited the organization setting: name from The acme to Apex, default_role from member to manager, \
             disable_member_invite to True",
        )])
        .await;
    let changes = edited[0]["data"]["changes"].as_array().unwrap();
    for change in [
        json!({"field": "name", "from": "The acme", "to": "Apex"}),
        json!({"field": "allowMemberInvite", "from": true, "to": false}),
        json!({"field": "defaultRole", "from": "member", "to": "manager"}),
    ] {
        assert!(changes.contains(&change), "{change} is missing in {changes:#?}");
    }
    alice.put(ACME, &json!({"scrapeJavaScript": false})).await.expect(200);
    let first =
        notes.are(&[("org.edit", "edited the organization setting: scrapeJavaScript to False")]).await;
    let change = json!([{"field": "scrapeJavaScript", "from": true, "to": false}]);
    assert_eq!(first[0]["data"]["changes"], change, "what was never stored was the default");
    alice.put(ACME, &json!({"scrapeJavaScript": true})).await.expect(200);
    notes.are(&[("org.edit", "edited the organization setting: scrapeJavaScript from False to True")]).await;
    alice.put(ACME, &json!({"scrapeJavaScript": true})).await.expect(200);
    notes.are(&[]).await;
    let only = world.of("root").get(&format!("{ACME}audit-logs/?event=org.edit")).await.expect(200).json();
    assert_eq!(only["rows"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn an_end_that_is_called_off_is_told_as_that_and_not_as_an_edit() {
    let world = World::acme().await;
    let (alice, mut notes) = (world.of("alice"), Notes::of(&world).await);
    alice.delete(ACME).await.expect(202);
    notes.are(&[("org.remove", "removed the organization")]).await;
    alice.put(ACME, &json!({"cancelDeletion": true})).await.expect(200);
    notes.are(&[("org.restore", "restored the organization")]).await;
}

#[tokio::test]
async fn a_provider_comes_changes_and_goes() {
    let world = World::acme().await;
    let (root, mut notes) = (world.of("root"), Notes::of(&world).await);
    let administration = format!("{ACME}administration/");
    let sso = |name: &str, unlinked: bool| json!({"sso": {"provider": "okta", "name": name, "allowUnlinked": unlinked}});
    root.put(&administration, &sso("Okta", false)).await.expect(200);
    notes.are(&[("sso.enable", "enabled sso (okta)")]).await;
    root.put(&administration, &sso("Our Okta", true)).await.expect(200);
    let edited = "edited sso settings: name from Okta to Our Okta, allow_unlinked to True";
    let entry = notes.are(&[("sso.edit", edited)]).await;
    let changes = json!([
        {"field": "name", "from": "Okta", "to": "Our Okta"},
        {"field": "allowUnlinked", "from": false, "to": true},
    ]);
    assert_eq!(entry[0]["data"]["changes"], changes);
    let linked =
        json!({"members": [{"id": world.member("acme", "bob").to_string(), "flags": ["sso:linked"]}]});
    root.put(&administration, &linked).await.expect(200);
    notes.are(&[("sso-identity.link", "linked their account to a new identity")]).await;
    let other = json!({"sso": {"provider": "google", "name": "Google", "allowUnlinked": true}});
    root.put(&administration, &other).await.expect(200);
    let told = entries(&world, notes.1).await;
    let told: Vec<_> = told.iter().map(|row| row["note"].as_str().unwrap()).collect();
    assert!(told.ends_with(&["enabled sso (google)", "disabled sso (okta)"]), "{told:?}");
}

#[tokio::test]
async fn teams_and_who_comes_and_goes_are_told() {
    let world = World::acme().await;
    let (alice, bob, mut notes) = (world.of("alice"), world.of("bob"), Notes::of(&world).await);
    let web = format!("{}teams/web/", world.path("acme", "bob"));
    bob.post(&web, &json!({})).await.expect(201);
    notes.are(&[("member.join-team", "joined team web")]).await;
    bob.delete(&web).await.expect(200);
    notes.are(&[("member.leave-team", "left team web")]).await;
    alice.put("/api/0/teams/acme/web/", &json!({"name": "The web"})).await.expect(200);
    notes.are(&[("team.edit", "edited team web")]).await;
    alice.put(&world.path("acme", "ivan"), &json!({"reinvite": true})).await.expect(200);
    notes.are(&[("member.reinvite", "reinvited member ivan@example.com")]).await;
    let jo = world.member("acme", "jo");
    alice.delete(&format!("{ACME}invite-requests/{jo}/")).await.expect(204);
    notes.are(&[("invite-request.remove", "removed the invite request for jo@example.com")]).await;
    alice.delete("/api/0/teams/acme/infra/").await.expect(204);
    let told = entries(&world, notes.1).await;
    assert_eq!(told.last().unwrap()["note"], json!("removed team infra"));
    assert_eq!(told.last().unwrap()["event"], json!("team.remove"));
}

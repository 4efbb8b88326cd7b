//! The audit log.

use serde_json::{Value, json};

use crate::support::{Answer, Client, World};

const LOG: &str = "/api/0/organizations/acme/audit-logs/";

async fn rows(client: &Client, query: &str) -> Vec<Value> {
    let log = client.get(&format!("{LOG}{query}")).await.expect(200).json();
    log["rows"].as_array().unwrap().clone()
}

/// Event and text of each row.
fn told(rows: &[Value]) -> Vec<(&str, &str)> {
    rows.iter().map(|row| (row["event"].as_str().unwrap(), row["note"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_change_of_role_and_teams_is_one_edit_with_before_and_after() {
    let world = World::acme().await;
    let body = json!({"orgRole": "manager", "teams": ["core", "web"]});
    world.of("mallory").put(&world.path("acme", "bob"), &body).await.expect(200);
    let rows = rows(&world.of("alice"), "?per_page=2").await;
    assert_eq!(
        told(&rows),
        [
            ("member.edit", "edited member bob@example.com (role: manager, teams: core, web)"),
            ("member.join-team", "added bob@example.com to team web"),
        ]
    );
    let edit = &rows[0];
    let (mallory, bob) = (world.user("mallory").to_string(), world.user("bob").to_string());
    assert_eq!(
        (&edit["actor"]["id"], &edit["actor"]["email"], &edit["actor"]["name"]),
        (&json!(mallory), &json!("mallory@example.com"), &json!("Mallory"))
    );
    assert_eq!(edit["targetUser"]["id"], json!(bob));
    assert_eq!(edit["targetObject"]["id"], json!(world.member("acme", "bob").to_string()));
    assert_eq!(edit["ipAddress"], json!("127.0.0.1"));
    let data = &edit["data"];
    assert_eq!(
        data["changes"],
        json!([
            {"field": "orgRole", "from": "member", "to": "manager"},
            {"field": "teamRoles", "from": null, "to": {"teamSlug": "web", "role": null}},
        ])
    );
    for (field, value) in [
        ("email", json!("bob@example.com")),
        ("user", json!(bob)),
        ("teams_slugs", json!(["core", "web"])),
        ("has_global_access", json!(true)),
        ("role", json!("manager")),
        ("invite_status", json!("approved")),
    ] {
        assert_eq!(data[field], value, "{field}");
    }
    let join = &rows[1]["data"];
    assert_eq!(
        (&join["team_slug"], &join["email"], &join["is_active"], &join["member_id"]),
        (&json!("web"), &json!("bob@example.com"), &json!(true), &edit["targetObject"]["id"])
    );
}

#[tokio::test]
async fn the_role_on_a_single_team_is_told_with_the_team() {
    let world = World::acme().await;
    let (alice, bob) = (world.of("alice"), world.path("acme", "bob"));
    let body = json!({"teamRoles": [{"teamSlug": "core", "role": "admin"}]});
    alice.put(&bob, &body).await.expect(200);
    alice.put(&bob, &json!({"orgRole": "manager"})).await.expect(200);
    let newest = rows(&alice, "?per_page=2").await;
    let (plain, admin) =
        (json!({"teamSlug": "core", "role": null}), json!({"teamSlug": "core", "role": "admin"}));
    assert_eq!(
        newest[0]["data"]["changes"],
        json!([
            {"field": "orgRole", "from": "member", "to": "manager"},
            {"field": "teamRoles", "from": admin, "to": plain},
        ])
    );
    let data = &newest[1]["data"];
    assert_eq!(data["changes"], json!([{"field": "teamRoles", "from": plain, "to": admin}]));
    assert_eq!((&data["team_slug"], &data["team_role"]), (&json!("core"), &json!("admin")));
}

#[tokio::test]
async fn the_texts_are_those_that_clients_know() {
    let world = World::acme().await;
    let (alice, dana) = (world.of("alice"), world.path("acme", "dana"));
    alice.put(&dana, &json!({"teams": []})).await.expect(200);
    alice.put(&dana, &json!({"teams": []})).await.expect(200);
    alice.delete(&dana).await.expect(204);
    world.of("bob").delete("/api/0/organizations/acme/members/me/").await.expect(204);
    let newest = rows(&alice, "?per_page=6").await;
    assert_eq!(
        told(&newest),
        [
            ("member.remove", "left the organization"),
            ("member.remove", "removed member dana@example.com"),
            ("member.edit", "edited member dana@example.com (role: member, teams: N/A)"),
            ("member.leave-team", "removed dana@example.com from team web"),
            ("member.leave-team", "removed dana@example.com from team infra"),
            ("member.leave-team", "removed dana@example.com from team core"),
        ]
    );
    let removed = &newest[1];
    assert_eq!(removed["data"]["changes"][0], json!({"field": "orgRole", "from": "member", "to": null}));
    assert_eq!(removed["targetUser"]["email"], json!("dana@example.com"));
    let imported = rows(&alice, "").await;
    let imported = told(&imported);
    for entry in [
        ("org.create", "created the organization"),
        ("team.create", "created team core"),
        ("member.add", "add member bob@example.com"),
        ("member.invite", "invited member ivan@example.com"),
        ("invite-request.create", "request added to invite jo@example.com"),
    ] {
        assert!(imported.contains(&entry), "{entry:?} is missing in {imported:#?}");
    }
    assert!(imported.iter().filter(|(event, _)| *event == "member.add").count() == 5, "{imported:#?}");
    assert_eq!(imported[imported.len() - 1].0, "org.create", "what comes with a birth is a part of it");
}

#[tokio::test]
async fn what_changes_nothing_has_no_entry() {
    let world = World::acme().await;
    let before = rows(&world.of("alice"), "").await;
    world.of("alice").put(&world.path("acme", "bob"), &json!({})).await.expect(200);
    world.of("alice").put(&world.path("acme", "bob"), &json!({"orgRole": "member"})).await.expect(200);
    assert_eq!(rows(&world.of("alice"), "").await, before);
}

/// The path behind one direction of a `Link`, and whether there is anything there.
fn link(answer: &Answer, base: &str, rel: &str) -> (String, bool) {
    let entry = answer.header("link").unwrap().split(", ").find(|link| link.contains(rel)).unwrap();
    let url = entry.split(['<', '>']).nth(1).unwrap();
    (url.strip_prefix(base).unwrap().to_owned(), entry.contains("results=\"true\""))
}

#[tokio::test]
async fn the_link_header_leads_through_all_pages_and_back_while_the_log_grows() {
    let world = World::acme().await;
    let (alice, bob) = (world.of("alice"), world.path("acme", "bob"));
    for role in ["manager", "member", "manager"] {
        let body =
            json!({"orgRole": role, "teams": if role == "member" { vec!["core", "web"] } else { vec![] }});
        alice.put(&bob, &body).await.expect(200);
    }
    let whole = rows(&alice, "").await;
    assert!(whole.len() > 15);
    for size in [1, 2, 3, 4, 7] {
        let (mut seen, mut path, mut starts) = (vec![], format!("{LOG}?per_page={size}"), vec![]);
        loop {
            let answer = alice.get(&path).await.expect(200);
            let page = answer.json()["rows"].as_array().unwrap().clone();
            starts.push((seen.len(), link(&answer, alice.base(), "previous")));
            seen.extend(page);
            // What is new by then is on no later page.
            let role = if seen.len() % 2 == 0 { "member" } else { "manager" };
            alice.put(&world.path("acme", "adam"), &json!({"orgRole": role})).await;
            let (next, more) = link(&answer, alice.base(), "next");
            if !more {
                break;
            }
            path = next;
        }
        let known = seen.iter().position(|row| row == &whole[0]).unwrap();
        assert_eq!(seen[known..], whole, "pages of {size}");
        let back = starts.iter().skip(1).find(|(start, _)| *start >= size);
        let (start, (previous, there)) = back.unwrap();
        assert!(there, "there is something before row {start}");
        assert_eq!(rows_of(&alice, previous).await, seen[start - size..*start], "back from row {start}");
    }
}

async fn rows_of(client: &Client, path: &str) -> Vec<Value> {
    client.get(path).await.expect(200).json()["rows"].as_array().unwrap().clone()
}

#[tokio::test]
async fn filters_narrow_the_log() {
    let world = World::acme().await;
    let alice = world.of("alice");
    world.of("mallory").put(&world.path("acme", "bob"), &json!({"orgRole": "manager"})).await.expect(200);
    alice.put(&world.path("acme", "dana"), &json!({"teams": ["core"]})).await.expect(200);
    let whole = rows(&alice, "").await;
    for event in ["member.edit", "member.leave-team", "member.add", "team.create", "org.edit"] {
        let expected: Vec<_> = whole.iter().filter(|row| row["event"] == event).cloned().collect();
        assert_eq!(rows(&alice, &format!("?event={event}")).await, expected, "{event}");
    }
    let mallory = world.user("mallory").to_string();
    let by_mallory = rows(&alice, &format!("?actor={mallory}")).await;
    assert_eq!(by_mallory.len(), 1);
    assert_eq!(by_mallory[0]["actor"]["id"], json!(mallory));
    assert_eq!(rows(&alice, &format!("?actor={mallory}&event=member.add")).await, Vec::<Value>::new());
    assert_eq!(rows(&alice, "?event=no.such").await, Vec::<Value>::new());
    assert_eq!(rows(&alice, "?actor=garbage").await, whole, "what is no id is dropped");
    assert_eq!(rows(&alice, "?statsPeriod=1h").await, whole);
    assert_eq!(rows(&alice, "?statsPeriod=1h&start=2999-01-01T00:00:00Z").await, whole);
    assert_eq!(rows(&alice, "?start=2999-01-01T00:00:00").await, Vec::<Value>::new());
    assert_eq!(rows(&alice, "?end=2001-01-01").await, Vec::<Value>::new());
    let second = whole[1]["dateCreated"].as_str().unwrap();
    let until = rows(&alice, &format!("?end={second}")).await;
    assert!(until.contains(&whole[1]) && until.len() <= whole.len());
    let options = alice.get(LOG).await.json()["options"].clone();
    assert!(options.as_array().unwrap().contains(&json!("member.reinvite")));
}

#[tokio::test]
async fn what_makes_no_sense_is_named() {
    let world = World::acme().await;
    for (parameter, value) in [
        ("start", "yesterday"),
        ("end", "2026-13-01"),
        ("statsPeriod", "14y"),
        ("statsPeriod", "d"),
        ("per_page", "0"),
        ("per_page", "101"),
        ("cursor", "0:100:0"),
        ("cursor", "x"),
        ("consistency", "none"),
    ] {
        let refused = world.of("alice").get(&format!("{LOG}?{parameter}={value}")).await.expect(400).json();
        assert!(refused[parameter].is_array(), "{parameter}={value}: {refused}");
    }
    let backwards = "?start=2026-02-01&end=2026-01-01";
    assert!(world.of("alice").get(&format!("{LOG}{backwards}")).await.expect(400).json()["start"].is_array());
}

#[tokio::test]
async fn where_a_request_came_from_is_for_administrators() {
    let world = World::acme().await;
    world.of("mallory").put(&world.path("acme", "bob"), &json!({"orgRole": "manager"})).await.expect(200);
    for (client, shown) in [
        (world.of("alice"), json!("127.0.0.1")),
        (world.of("root"), json!("127.0.0.1")),
        (world.of("mallory"), Value::Null),
        (world.with("acme-integration"), Value::Null),
    ] {
        assert_eq!(rows(&client, "?per_page=1").await[0]["ipAddress"], shown, "{client:?}");
    }
}

#[tokio::test]
async fn nothing_of_another_organization_is_told() {
    let world = World::acme().await;
    world.of("alice").put(&world.path("acme", "bob"), &json!({"orgRole": "manager"})).await.expect(200);
    world.of("greta").get(LOG).await.expect(403);
    world.anonymous().get(LOG).await.expect(401);
    world.of("alice").get("/api/0/organizations/nowhere/audit-logs/").await.expect(404);
    let globex = "/api/0/organizations/globex/audit-logs/";
    let log = world.of("greta").get(globex).await.expect(200).json();
    let own = told(log["rows"].as_array().unwrap()).into_iter().map(|(event, _)| event.to_owned());
    assert_eq!(own.collect::<Vec<_>>(), ["member.add", "member.add", "team.create", "org.create"]);
    let alice = world.user("alice");
    let filtered = world.of("greta").get(&format!("{globex}?actor={alice}")).await.expect(200).json();
    assert_eq!(filtered["rows"], json!([]));
}

#[tokio::test]
async fn settings_are_told_under_the_names_that_clients_know() {
    let settings =
        [("require2FA", json!(true)), ("allowMemberInvite", json!(false)), ("openMembership", json!(false))];
    let world = World::acme_with(&settings).await.serve().await;
    let created = rows(&world.of("alice"), "?event=org.create").await;
    assert_eq!(created.len(), 1);
    let changes = created[0]["data"]["changes"].as_array().unwrap();
    assert!(changes.contains(&json!({"field": "require2FA", "from": false, "to": true})), "{changes:#?}");
    assert!(
        changes.contains(&json!({"field": "allowMemberInvite", "from": true, "to": false})),
        "{changes:#?}"
    );
}

#[tokio::test]
async fn a_long_log_is_read_to_its_end() {
    let world = World::acme().await;
    let (busy, bob) = (world.of("alice"), world.path("acme", "bob"));
    for round in 0..130 {
        let role = if round % 2 == 0 { "manager" } else { "member" };
        busy.put(&bob, &json!({"orgRole": role})).await.expect(200);
    }
    let first = busy.get(&format!("{LOG}?event=member.edit")).await.expect(200);
    let (next, more) = link(&first, busy.base(), "next");
    assert!(more);
    let rest = rows_of(&busy, &next).await;
    let all: Vec<_> = first.json()["rows"].as_array().unwrap().iter().chain(&rest).cloned().collect();
    assert_eq!(all.len(), 130);
    let alternates = |(at, row): (usize, &Value)| {
        let role = if at % 2 == 0 { "member" } else { "manager" };
        row["data"]["role"] == role && row["note"].as_str().unwrap().contains(role)
    };
    assert!(all.iter().enumerate().all(alternates), "each row tells the role of then");
}

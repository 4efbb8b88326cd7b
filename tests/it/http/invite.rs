//! POST members.

use muster_events::{
    member::{InviteStatus, MemberFlag},
    organization::Feature,
    token::TokenOwner,
};
use serde_json::{Value, json};

use crate::support::World;

const MEMBERS: &str = "/api/0/organizations/acme/members/";

#[tokio::test]
async fn an_invited_address_is_a_pending_member_and_is_shown_as_the_list_shows_it() {
    let world = World::acme().await;
    let (mallory, before) = (world.of("mallory"), world.head().await);
    let body = json!({"email": "Zoe@Example.com", "orgRole": "manager", "teams": ["web", "core"]});
    let answer = mallory.post(MEMBERS, &body).await.expect(201);
    let types = ["MemberInvited", "TeamAssigned", "TeamAssigned"];
    assert_eq!(world.types_after(before).await, types);
    assert_eq!((answer.position(), answer.header("etag")), (before + 3, Some("\"3\"")));
    let invited = answer.json();
    assert_eq!(
        [
            &invited["email"],
            &invited["name"],
            &invited["orgRole"],
            &invited["inviteStatus"],
            &invited["inviterName"]
        ],
        ["Zoe@Example.com", "Zoe@Example.com", "manager", "approved", "Mallory"]
    );
    assert_eq!(
        (&invited["user"], &invited["pending"], &invited["expired"]),
        (&Value::Null, &json!(true), &json!(false))
    );
    assert!(invited.get("teams").is_none() && invited.get("invite_link").is_none());
    let listed = mallory.get(MEMBERS).await.expect(200).json();
    assert!(listed.as_array().unwrap().contains(&invited), "{listed}");
    let path = format!("{MEMBERS}{}/", invited["id"].as_str().unwrap());
    let member = mallory.get(&path).await.expect(200);
    assert_eq!(
        (member.json()["teams"].clone(), member.header("etag")),
        (json!(["core", "web"]), Some("\"3\""))
    );
    let events = mallory.get(&format!("{path}events/")).await.expect(200).json();
    let payload = &events["events"][0]["payload"];
    assert_eq!(payload["generation"], json!(1));
    assert!(payload["counted"]["by"].as_str().unwrap().starts_with("user:"), "{payload}");
}

#[tokio::test]
async fn no_answer_and_no_event_holds_a_token() {
    let world = World::acme().await;
    let answer = world.of("alice").post(MEMBERS, &json!({"email": "zoe@example.com"})).await.expect(201);
    let id = answer.json()["id"].as_str().unwrap().parse().unwrap();
    let token = world.deployment.ledger.keys().invitation_token(id, 1);
    assert!(!answer.text.contains(&token));
    let events = world.of("alice").get("/api/0/organizations/acme/events/").await.expect(200).text;
    assert!(events.contains("MemberInvited") && !events.contains(&token));
}

#[tokio::test]
async fn a_repeated_key_invites_once() {
    let world = World::acme().await;
    let (alice, body) = (world.of("alice"), json!({"email": "zoe@example.com"}));
    let key = [("idempotency-key", "invite-1")];
    let first = alice.post_with(MEMBERS, &body, &key).await.expect(201);
    let head = world.head().await;
    let second = alice.post_with(MEMBERS, &body, &key).await.expect(201);
    assert_eq!((second.json(), second.position()), (first.json(), first.position()));
    assert_eq!((second.header("idempotent-replayed"), world.head().await), (Some("true"), head));
    alice.post_with(MEMBERS, &json!({"email": "zed@example.com"}), &key).await.expect(422);
}

#[tokio::test]
async fn all_field_errors_come_together() {
    let world = World::acme().await;
    let before = world.head().await;
    let body = json!({
        "email": "BOB@example.com",
        "orgRole": "owner",
        "role": "emperor",
        "teams": ["nowhere"],
        "teamRoles": [{"teamSlug": "core", "role": "captain"}],
        "sendInvite": "perhaps",
    });
    let refused = world.of("mallory").post(MEMBERS, &body).await.expect(400).json();
    assert_eq!(
        refused,
        json!({
            "email": ["The user BOB@example.com is already a member"],
            "orgRole": ["You do not have permission to set that org-level role"],
            "role": ["\"emperor\" is not a valid choice."],
            "teams": ["Invalid teams"],
            "teamRoles": ["Invalid team-role"],
            "sendInvite": ["Must be a valid boolean."],
        })
    );
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn malformed_bodies_are_field_errors_and_change_nothing() {
    let world = World::acme().await;
    let (alice, before) = (world.of("alice"), world.head().await);
    let required = alice.post(MEMBERS, &json!({})).await.expect(400).json();
    assert_eq!(required, json!({"email": ["This field is required."]}));
    for body in [
        json!({"email": null}),
        json!({"email": ""}),
        json!({"email": ["a@b.example"]}),
        json!({"email": "no address"}),
        json!({"email": "someone@QQ.com"}),
        json!({"email": format!("{}@example.com", "x".repeat(75))}),
        json!({"email": "a\u{0}@b.example"}),
        json!({"email": "a@b.example", "orgRole": null}),
        json!({"email": "a@b.example", "orgRole": 7}),
        json!({"email": "a@b.example", "orgRole": ["member"]}),
        json!({"email": "a@b.example", "teams": null}),
        json!({"email": "a@b.example", "teams": ["core", "core"]}),
        json!({"email": "a@b.example", "teams": ["fleet"]}),
        json!({"email": "a@b.example", "teamRoles": null}),
        json!({"email": "a@b.example", "teamRoles": ["core"]}),
        json!({"email": "a@b.example", "teamRoles": [{"teamSlug": "core"}]}),
        json!({"email": "a@b.example", "sendInvite": null}),
        json!({"email": "a@b.example", "role": "admin"}),
    ] {
        let refused = alice.post(MEMBERS, &body).await.expect(400).json();
        assert!(refused.as_object().unwrap().values().all(Value::is_array), "{body}: {refused}");
    }
    alice.post(MEMBERS, &json!([])).await.expect(400);
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn who_may_not_invite_is_told_so() {
    let settings = [("allowMemberInvite", json!(false))];
    let mut builder = World::acme_with(&settings).await;
    builder.person("sue").await;
    let suspended = [MemberFlag::MemberLimitRestricted];
    builder.member_with("acme", "sue", "manager", &[], &suspended).await;
    let world = builder.serve().await;
    let body = json!({"email": "zoe@example.com"});
    world.anonymous().post(MEMBERS, &body).await.expect(401);
    world.with("nobody's").post(MEMBERS, &body).await.expect(401);
    world.of("greta").post(MEMBERS, &body).await.expect(403);
    world.of("bob").post(MEMBERS, &body).await.expect(403);
    world.of("sue").post(MEMBERS, &body).await.expect(401);
    world.of("alice").post("/api/0/organizations/nowhere/members/", &body).await.expect(404);
    world.of("alice").post("/api/0/organizations/12345/members/", &body).await.expect(404);
    world.of("mallory").post(MEMBERS, &body).await.expect(201);
}

#[tokio::test]
async fn an_address_is_invited_once_in_each_organization() {
    let world = World::acme().await;
    let taken = |text: &str| json!({ "email": [text] });
    for (address, state) in
        [("Ivan@Example.COM", "has already been invited"), ("dana@example.com", "is already a member")]
    {
        let refused = world.of("alice").post(MEMBERS, &json!({ "email": address })).await.expect(400).json();
        assert_eq!(refused, taken(&format!("The user {address} {state}")));
    }
    let elsewhere = "/api/0/organizations/globex/members/";
    world.of("greta").post(elsewhere, &json!({"email": "ivan@example.com"})).await.expect(201);
}

#[tokio::test]
async fn a_request_goes_on_as_the_invitation_with_its_id() {
    let mut builder = World::acme_builder().await;
    builder.pending("acme", "rita", InviteStatus::RequestedToBeInvited, Some("bob")).await;
    let world = builder.serve().await;
    for key in ["jo", "rita"] {
        let before = world.head().await;
        let body = json!({"email": format!("{}@example.com", key.to_uppercase()), "teams": ["web"]});
        let invited = world.of("alice").post(MEMBERS, &body).await.expect(201).json();
        assert_eq!(invited["id"], json!(world.member("acme", key).to_string()));
        assert_eq!(
            (&invited["inviteStatus"], &invited["inviterName"]),
            (&json!("approved"), &json!("Alice"))
        );
        assert_eq!(world.types_after(before).await, ["MemberInvited", "TeamAssigned"]);
        let member = world.of("alice").get(&world.path("acme", key)).await.expect(200).json();
        assert_eq!(member["teams"], json!(["web"]));
    }
}

#[tokio::test]
async fn rules_about_roles_teams_and_tokens_are_said_in_their_own_words() {
    let settings = [("openMembership", json!(false))];
    let mut builder = World::acme_with(&settings).await;
    let acme = builder.deployment().ledger.find_organization("acme").await.unwrap();
    builder.token("inviter", TokenOwner::Organization(acme), Some(&["member:admin"])).await;
    builder
        .organization_with("mute", "greta", &[], |mute| mute.features = vec![(Feature::InviteMembers, false)])
        .await;
    let world = builder.serve().await;
    let body = |role: &str, team: &str| json!({"email": "zoe@example.com", "orgRole": role, "teams": [team]});
    let refused = world.of("bob").post(MEMBERS, &body("member", "web")).await.expect(400).json();
    assert_eq!(refused, json!({"detail": "You cannot assign members to teams you are not a member of."}));
    let refused = world.with("inviter").post(MEMBERS, &body("manager", "web")).await.expect(400).json();
    let text = "Integration tokens are restricted to inviting new members with the member role only.";
    assert_eq!(refused, json!([text]));
    let mute = "/api/0/organizations/mute/members/";
    let refused = world.of("greta").post(mute, &body("x", "web")).await.expect(403).json();
    assert_eq!(refused, json!({"organization": "Your organization is not allowed to invite members"}));
    let invited = world.with("inviter").post(MEMBERS, &body("member", "web")).await.expect(201).json();
    assert_eq!(invited["inviterName"], Value::Null);
    let own = json!({"email": "zed@example.com", "teams": ["core"]});
    world.of("bob").post(MEMBERS, &own).await.expect(201);
}

#[tokio::test]
async fn team_roles_are_given_where_invitations_give_them() {
    let mut builder = World::acme_builder().await;
    let on = |organization: &mut muster::ledger::operations::ImportOrganization| {
        organization.features = vec![(Feature::InviteTeamRoles, true)];
    };
    builder.organization_with("giving", "greta", &["fleet"], on).await;
    let world = builder.serve().await;
    let body =
        |team: &str| json!({"email": "zoe@example.com", "teamRoles": [{"teamSlug": team, "role": "admin"}]});
    for (organization, key, team, role) in
        [("acme", "alice", "web", Value::Null), ("giving", "greta", "fleet", json!("admin"))]
    {
        let members = format!("/api/0/organizations/{organization}/members/");
        let invited = world.of(key).post(&members, &body(team)).await.expect(201).json();
        let path = format!("{members}{}/", invited["id"].as_str().unwrap());
        let member = world.of(key).get(&path).await.expect(200).json();
        assert_eq!(member["teamRoles"], json!([{"teamSlug": team, "role": role}]));
    }
}

#[tokio::test]
async fn whether_a_letter_is_wanted_and_where_it_came_from_is_on_record() {
    let world = World::acme().await;
    let alice = world.of("alice");
    for (query, referrer) in
        [("?referrer=onboarding", json!("onboarding")), ("?referrer=%22%3E", Value::Null)]
    {
        let body = json!({"email": format!("zoe{}@example.com", query.len()), "sendInvite": "no"});
        let invited = alice.post(&format!("{MEMBERS}{query}"), &body).await.expect(201).json();
        let path = format!("{MEMBERS}{}/events/", invited["id"].as_str().unwrap());
        let payload = alice.get(&path).await.expect(200).json()["events"][0]["payload"].clone();
        assert_eq!((&payload["without_letter"], &payload["referrer"]), (&json!(true), &referrer));
    }
}

/// Twenty people invite one address at the same moment, each in letters of his own.
#[tokio::test(flavor = "multi_thread")]
async fn one_address_is_invited_once_however_many_try_at_once() {
    let world = World::acme().await;
    let alice = world.of("alice");
    for round in 0..5 {
        let before = world.head().await;
        let attempts = (0..20).map(|number| {
            let name: String = format!("contended-address-{round}")
                .chars()
                .enumerate()
                .map(|(at, c)| if (number >> (at % 5)) & 1 == 1 { c.to_ascii_uppercase() } else { c })
                .collect();
            let (alice, address) = (alice.clone(), format!("{name}@example.com"));
            async move { (alice.post(MEMBERS, &json!({ "email": address })).await, address) }
        });
        let answers = futures_util::future::join_all(attempts).await;
        let won = answers.iter().filter(|(answer, _)| answer.status == 201).count();
        assert_eq!(won, 1, "round {round}: {answers:?}");
        for (answer, address) in answers.iter().filter(|(answer, _)| answer.status != 201) {
            let text = format!("The user {address} has already been invited");
            assert_eq!((answer.status, answer.json()), (400, json!({ "email": [text] })));
        }
        assert_eq!(world.types_after(before).await, ["MemberInvited"]);
    }
}

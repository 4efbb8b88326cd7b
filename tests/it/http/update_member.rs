//! PUT member.

use serde_json::{Value, json};

use crate::support::World;

fn team_roles(member: &Value) -> Value {
    member["teamRoles"].clone()
}

#[tokio::test]
async fn a_role_that_makes_team_roles_redundant_clears_them_in_the_same_append() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let path = world.path("acme", "dana");
    let before = world.head().await;

    let answer = alice.put(&path, &json!({"orgRole": "manager"})).await.expect(200);

    let types = world.types_after(before).await;
    assert_eq!(types, ["OrgRoleChanged", "TeamRoleCleared", "TeamRoleCleared"]);
    assert_eq!(answer.position(), before + 3);
    let member = answer.json();
    assert_eq!(
        (&member["orgRole"], &member["role"], &member["roleName"]),
        (&json!("manager"), &json!("manager"), &json!("Manager"))
    );
    assert_eq!(member["teams"], json!(["core", "infra", "web"]));
    let none = json!([
        {"teamSlug": "core", "role": null},
        {"teamSlug": "infra", "role": null},
        {"teamSlug": "web", "role": null},
    ]);
    assert_eq!(team_roles(&member), none);

    let again = alice.put(&path, &json!({"orgRole": "manager"})).await.expect(200);
    assert_eq!(world.head().await, before + 3, "the same change again appended something");
    assert_eq!(again.position(), before + 3);
    assert_eq!(again.json(), member);
}

#[tokio::test]
async fn the_answer_to_a_change_is_what_a_read_shows_next() {
    let world = World::acme().await;
    let path = world.path("acme", "dana");
    let body = json!({"orgRole": "admin", "teamRoles": [{"teamSlug": "web", "role": "admin"}]});
    world.of("alice").put(&path, &body).await.expect(400);
    let body = json!({"orgRole": "manager", "teamRoles": [{"teamSlug": "web", "role": null}]});
    let changed = world.of("alice").put(&path, &body).await.expect(200);
    let read = world.of("alice").get(&path).await.expect(200);
    assert_eq!(changed.json(), read.json());
    assert_eq!(changed.header("etag"), read.header("etag"));
}

#[tokio::test]
async fn teams_that_are_not_named_stay_and_an_empty_list_clears_them() {
    let world = World::acme().await;
    let (alice, path) = (world.of("alice"), world.path("acme", "dana"));

    let untouched = alice.put(&path, &json!({})).await.expect(200).json();
    assert_eq!(untouched["teams"], json!(["core", "infra", "web"]));

    let some = json!({"teamRoles": [{"teamSlug": "core", "role": "contributor"}, {"teamSlug": "web", "role": "admin"}]});
    let replaced = alice.put(&path, &some).await.expect(200).json();
    assert_eq!(
        team_roles(&replaced),
        json!([{"teamSlug": "core", "role": "contributor"}, {"teamSlug": "web", "role": "admin"}])
    );

    let cleared = alice.put(&path, &json!({"teams": []})).await.expect(200).json();
    assert_eq!(cleared["teams"], json!([]));
}

#[tokio::test]
async fn all_field_errors_come_together() {
    let world = World::acme().await;
    let body = json!({
        "email": "bob@example.com",
        "orgRole": "emperor",
        "role": "owner",
        "teamRoles": [{"teamSlug": "core", "role": "captain"}],
        "reinvite": "perhaps",
    });
    let refused = world.of("mallory").put(&world.path("acme", "dana"), &body).await.expect(400);
    assert_eq!(
        refused.json(),
        json!({
            "email": ["The user bob@example.com is already a member"],
            "orgRole": ["\"emperor\" is not a valid choice."],
            "role": ["You do not have permission to set that org-level role"],
            "teamRoles": ["Invalid team-role"],
            "reinvite": ["Must be a valid boolean."],
        })
    );
}

#[tokio::test]
async fn malformed_fields_are_field_errors() {
    let world = World::acme().await;
    let (alice, path) = (world.of("alice"), world.path("acme", "dana"));
    let before = world.head().await;
    for body in [
        json!({"teamRoles": null}),
        json!({"teamRoles": {}}),
        json!({"teamRoles": ["core"]}),
        json!({"teamRoles": [{"teamSlug": "core"}]}),
        json!({"teamRoles": [{"role": "admin"}]}),
        json!({"teamRoles": [{"teamSlug": "core", "role": 7}]}),
        json!({"teamRoles": [{"teamSlug": "core", "role": null}, {"teamSlug": "core", "role": null}]}),
        json!({"teams": null}),
        json!({"teams": "core"}),
        json!({"teams": ["core", "core"]}),
        json!({"teams": ["nowhere"]}),
        json!({"teams": ["fleet"]}),
        json!({"teams": [{}]}),
        json!({"teams": ["co\u{0}re"]}),
        json!({"orgRole": ["manager"]}),
        json!({"orgRole": null}),
        json!({"orgRole": ""}),
        json!({"email": "no address"}),
        json!({"email": "someone@QQ.com"}),
        json!({"email": format!("{}@example.com", "x".repeat(70))}),
        json!({"regenerate": "maybe"}),
    ] {
        let refused = alice.put(&path, &body).await.expect(400).json();
        let (field, _) = body.as_object().unwrap().iter().next().unwrap();
        assert!(refused[field].is_array(), "{body} was answered with {refused}");
    }
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn refusals_have_the_words_that_clients_know() {
    let world = World::acme().await;
    let (alice, mallory, bob) = (world.of("alice"), world.of("mallory"), world.of("bob"));
    let detail = |text: &str| json!({ "detail": text });

    let own = alice.put(&world.path("acme", "alice"), &json!({"orgRole": "manager"})).await.expect(400);
    assert_eq!(own.json(), detail("You cannot make changes to your own role."));
    let higher = mallory.put(&world.path("acme", "alice"), &json!({"orgRole": "member"})).await.expect(403);
    let text = "You do not have permission to assign a role to the given user.";
    assert_eq!(higher.json(), json!({ "role": text }));
    let plain = bob.put(&world.path("acme", "dana"), &json!({"teams": []})).await.expect(403);
    assert_eq!(plain.json(), detail("You do not have permission to perform this action."));
    let retired = alice.put(&world.path("acme", "dana"), &json!({"orgRole": "admin"})).await.expect(400);
    assert_eq!(retired.json(), detail("The role 'admin' is deprecated and may no longer be assigned."));
    let machine =
        world.with("acme-integration").put(&world.path("acme", "dana"), &json!({})).await.expect(400);
    assert_eq!(machine.json(), detail("This endpoint is restricted to user tokens."));
    let mixed = json!({"reinvite": 1, "orgRole": "member"});
    alice.put(&world.path("acme", "ivan"), &mixed).await.expect(403);
}

#[tokio::test]
async fn a_refused_role_change_leaves_the_teams_alone() {
    let world = World::acme().await;
    let before = world.head().await;
    let body = json!({"orgRole": "member", "teams": ["web"]});
    world.of("mallory").put(&world.path("acme", "alice"), &body).await.expect(403);
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn the_only_owner_cannot_be_demoted_even_by_a_superuser() {
    let world = World::acme().await;
    let path = world.path("acme", "alice");
    let refused = world.of("root").put(&path, &json!({"orgRole": "member"})).await.expect(400);
    assert_eq!(refused.json(), json!(["An organization must have at least one owner"]));
    world.of("alice").put(&world.path("acme", "mallory"), &json!({"orgRole": "owner"})).await.expect(200);
    world.of("root").put(&path, &json!({"orgRole": "member"})).await.expect(200);
}

#[tokio::test]
async fn requests_to_join_are_not_found_and_invitations_can_be_changed() {
    let world = World::acme().await;
    let alice = world.of("alice");
    alice.put(&world.path("acme", "jo"), &json!({"orgRole": "manager"})).await.expect(404);
    let changed =
        alice.put(&world.path("acme", "ivan"), &json!({"orgRole": "manager"})).await.expect(200).json();
    assert_eq!(
        (&changed["pending"], &changed["user"], &changed["inviterName"]),
        (&json!(true), &Value::Null, &json!("Mallory"))
    );
}

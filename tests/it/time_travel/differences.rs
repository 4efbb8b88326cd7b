//! What changed between two moments.

use serde_json::{Value, json};

use super::MEMBERS;
use crate::support::{Client, World};

#[tokio::test]
async fn what_changed_between_two_moments_is_told_with_before_after_and_who_did_it() {
    let world = World::acme().await;
    let (alice, from) = (world.of("alice"), world.head().await);
    let (dana, bob) = (world.path("acme", "dana"), world.path("acme", "bob"));
    alice.put(&dana, &json!({"orgRole": "manager"})).await.expect(200);
    alice.delete(&bob).await.expect(204);
    let invited = alice.post(MEMBERS, &json!({"email": "new@example.com"})).await.expect(201).json();
    alice.put("/api/0/organizations/acme/", &json!({"name": "Acme & Sons"})).await.expect(200);
    alice.delete("/api/0/teams/acme/infra/").await.expect(204);
    // There and back again is no change.
    let mallory = world.path("acme", "mallory");
    alice.put(&mallory, &json!({"orgRole": "member"})).await.expect(200);
    alice.put(&mallory, &json!({"orgRole": "manager"})).await.expect(200);
    for on in [false, true] {
        alice.put("/api/0/organizations/acme/", &json!({"allowJoinRequests": on})).await.expect(200);
    }
    let to = world.head().await;
    let path = format!("/api/0/organizations/acme/diff/?from={from}&to={to}");
    let told = world.of("alice").get(&path).await.expect(200).json();
    let of = |id: &str| {
        let mut members = told["members"].as_array().unwrap().iter();
        members.find(|member| member["what"] == id).unwrap_or_else(|| panic!("{id} in {told}"))
    };
    let dana = of(&world.member("acme", "dana").to_string());
    assert_eq!(
        (&dana["change"], &dana["from"]["role"], &dana["to"]["role"]),
        (&json!("changed"), &json!("member"), &json!("manager"))
    );
    assert_eq!(dana["events"][0]["actor"]["id"], json!(world.user("alice").to_string()));
    assert_eq!(dana["events"][0]["type"], "OrgRoleChanged");
    let bob = of(&world.member("acme", "bob").to_string());
    assert_eq!((&bob["change"], &bob["to"]), (&json!("left"), &Value::Null));
    let new = of(invited["id"].as_str().unwrap());
    assert_eq!(
        (&new["change"], &new["from"], &new["to"]["email"]),
        (&json!("invited"), &Value::Null, &json!("new@example.com"))
    );
    let adam = world.member("acme", "adam").to_string();
    assert!(
        !told["members"].as_array().unwrap().iter().any(|member| member["what"] == adam.as_str()),
        "{told}"
    );
    assert_eq!(
        (told["organization"].as_array().unwrap().len(), &told["organization"][0]["what"]),
        (1, &json!("name")),
        "{told}"
    );
    assert_eq!(
        told["organization"][0]["events"].as_array().unwrap().len(),
        1,
        "only the one that renamed it"
    );
    assert_eq!(
        (&told["organization"][0]["from"], &told["organization"][0]["to"]),
        (&json!("The acme"), &json!("Acme & Sons"))
    );
    assert_eq!(
        (&told["teams"][0]["change"], &told["teams"][0]["from"]["slug"]),
        (&json!("deleted"), &json!("infra"))
    );
    world.of("alice").get(&format!("/api/0/organizations/acme/diff/?from={to}&to={from}")).await.expect(400);
    world.of("bob").get(&path).await.expect(403);
    let none = world
        .of("alice")
        .get(&format!("/api/0/organizations/acme/diff/?from={to}&to={to}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&none["members"], &none["teams"], &none["organization"]),
        (&json!([]), &json!([]), &json!([]))
    );
}

/// All pages of a difference, each with its `Link`.
async fn pages(client: &Client, path: &str) -> Vec<Value> {
    let (mut pages, mut next) = (vec![], path.to_owned());
    loop {
        let page = client.get(&next).await.expect(200);
        let link = page.header("link").unwrap().to_owned();
        pages.push(page.json());
        let (_, behind) = link.split_once(", ").unwrap();
        if behind.contains("results=\"false\"") {
            return pages;
        }
        let url = behind.split(['<', '>']).nth(1).unwrap();
        next = url.strip_prefix(client.base()).unwrap().to_owned();
    }
}

#[tokio::test]
async fn a_long_difference_comes_in_pages_that_are_of_one_moment() {
    let world = World::acme().await;
    let (alice, from) = (world.of("alice"), world.head().await);
    alice.put("/api/0/organizations/acme/", &json!({"name": "Acme & Sons"})).await.expect(200);
    alice.delete("/api/0/teams/acme/infra/").await.expect(204);
    for person in ["dana", "bob", "mallory"] {
        alice.put(&world.path("acme", person), &json!({"orgRole": "owner"})).await.expect(200);
    }
    let path = format!("/api/0/organizations/acme/diff/?from={from}");
    let whole = alice.get(&path).await.expect(200).json();
    let first = alice.get(&format!("{path}&per_page=2")).await.expect(200);
    assert_eq!(first.json()["to"], whole["to"]);
    alice.put(&world.path("acme", "adam"), &json!({"orgRole": "member"})).await.expect(200);
    let pages = pages(&alice, &format!("{path}&per_page=2&to={}", first.position())).await;
    assert!(pages.len() >= 2, "{pages:?}");
    for part in ["organization", "teams", "members"] {
        let all: Vec<_> = pages.iter().flat_map(|page| page[part].as_array().unwrap().clone()).collect();
        assert_eq!(Value::from(all), whole[part], "{part}");
        assert!(pages.iter().all(|page| page["to"] == whole["to"]));
    }
    let pinned = first.header("link").unwrap();
    assert!(
        pinned.contains(&format!("to={}", first.position())),
        "other pages are up to there, too: {pinned}"
    );
    for wrong in ["per_page=0", "per_page=1000", "cursor=x"] {
        alice.get(&format!("{path}&{wrong}")).await.expect(400);
    }
}

#[tokio::test]
async fn whose_account_was_closed_is_told_of_his_membership() {
    let world = World::acme().await;
    let (root, from) = (world.of("root"), world.head().await);
    let user = format!("/api/0/users/{}/", world.user("dana"));
    let told = async |from: u64| {
        let path = format!("/api/0/organizations/acme/diff/?from={from}");
        world.of("alice").get(&path).await.expect(200).json()["members"].clone()
    };
    root.put(&user, &json!({"active": false})).await.expect(200);
    let closed = told(from).await;
    assert_eq!(closed.as_array().unwrap().len(), 1, "{closed}");
    assert_eq!(
        (&closed[0]["what"], &closed[0]["change"], &closed[0]["events"][0]["type"]),
        (&json!(world.member("acme", "dana").to_string()), &json!("deactivated"), &json!("UserDeactivated"))
    );
    assert_eq!(closed[0]["events"][0]["actor"]["id"], json!(world.user("root").to_string()));
    let between = world.head().await;
    root.put(&user, &json!({"active": true})).await.expect(200);
    assert_eq!(told(between).await[0]["change"], "reactivated");
    assert_eq!(told(from).await, json!([]), "there and back again is no change");
}

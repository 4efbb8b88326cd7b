//! That answers are compared with the published schema, and that the comparison sees what it should. The comparison
//! itself is made by the client of all tests, with every answer.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, published};

#[test]
fn where_everything_is_checked_the_published_schema_is_there() {
    let required = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!required || published::file().is_file(), "there is no {}", published::file().display());
}

#[tokio::test]
async fn an_answer_that_differs_is_found() {
    let world = World::acme().await;
    let path = world.path("acme", "bob");
    let shown = world.of("alice").get(&path).await.expect(200).json();
    let Some(faults) = published::compare(&Method::GET, &path, 200, &shown) else {
        assert!(!published::file().is_file(), "nothing is published about {path}");
        return;
    };
    assert_eq!(faults, Vec::<String>::new());
    let differing: [fn(&mut Value); 4] = [
        |member| member["pending"] = json!("no"),
        |member| drop(member.as_object_mut().unwrap().shift_remove("inviteStatus")),
        |member| member["user"]["email"] = Value::Null,
        |member| member["user"] = json!({}),
    ];
    for differ in differing {
        let mut other = shown.clone();
        differ(&mut other);
        let faults = published::compare(&Method::GET, &path, 200, &other).unwrap();
        assert!(!faults.is_empty(), "{other:#}");
    }
}

//! The same event ids once more.

use eventstore::{CurrentRevision, ExpectedRevision};

use crate::support::{append, event, fill, found, server, with_id};

#[tokio::test]
async fn the_same_ids_at_the_same_revision_succeed_as_the_first_time() {
    let (double, client) = server().await;
    let events = || vec![with_id("One", 1), with_id("Two", 2)];
    let first = append(&client, "a", ExpectedRevision::NoStream, events()).await.unwrap();
    fill(&client, "a", &["Three"]).await;
    let again = append(&client, "a", ExpectedRevision::NoStream, events()).await.unwrap();
    assert_eq!((again.next_expected_version, again.position), (1, first.position));
    // One that was cut short there is the same append as far as it goes.
    let less = append(&client, "a", ExpectedRevision::Exact(0), vec![with_id("Two", 2)]).await.unwrap();
    assert_eq!(less.position, first.position);
    assert_eq!(double.log().written().len(), 3);
}

#[tokio::test]
async fn the_same_ids_at_another_revision_are_a_wrong_expected_version() {
    let (double, client) = server().await;
    append(&client, "a", ExpectedRevision::NoStream, vec![with_id("One", 1), with_id("Two", 2)])
        .await
        .unwrap();
    let moved = append(&client, "a", ExpectedRevision::Exact(0), vec![with_id("One", 1)]).await;
    assert_eq!(found(moved), CurrentRevision::Current(1));
    assert_eq!(double.log().written().len(), 2);
}

#[tokio::test]
async fn a_known_id_at_the_end_of_the_stream_is_appended_once_more() {
    // Nobody looks for an id when the expected revision is the current one.
    let (double, client) = server().await;
    append(&client, "a", ExpectedRevision::NoStream, vec![with_id("One", 1)]).await.unwrap();
    let twice = append(&client, "a", ExpectedRevision::Exact(0), vec![with_id("One", 1)]).await.unwrap();
    assert_eq!(twice.next_expected_version, 1);
    assert_eq!(double.log().stream("a").len(), 2);
}

#[tokio::test]
async fn known_ids_with_an_unknown_one_behind_them_are_a_wrong_expected_version() {
    let (double, client) = server().await;
    append(&client, "a", ExpectedRevision::NoStream, vec![with_id("One", 1)]).await.unwrap();
    for expected in [ExpectedRevision::NoStream, ExpectedRevision::Any, ExpectedRevision::StreamExists] {
        let more = append(&client, "a", expected, vec![with_id("One", 1), with_id("Two", 2)]).await;
        assert_eq!(found(more), CurrentRevision::Current(0));
    }
    assert_eq!(double.log().written().len(), 1);
}

#[tokio::test]
async fn with_any_revision_a_known_first_id_succeeds_wherever_it_stands() {
    let (double, client) = server().await;
    fill(&client, "a", &["Zero"]).await;
    let first = append(&client, "a", ExpectedRevision::Any, vec![with_id("One", 1)]).await.unwrap();
    fill(&client, "a", &["Two"]).await;
    for expected in [ExpectedRevision::Any, ExpectedRevision::StreamExists] {
        let again = append(&client, "a", expected, vec![with_id("One", 1)]).await.unwrap();
        assert_eq!((again.next_expected_version, again.position), (1, first.position));
    }
    assert_eq!(double.log().written().len(), 3);
}

#[tokio::test]
async fn with_any_revision_a_new_first_id_brings_known_ones_in_once_more() {
    let (double, client) = server().await;
    append(&client, "a", ExpectedRevision::Any, vec![with_id("One", 1)]).await.unwrap();
    append(&client, "a", ExpectedRevision::Any, vec![event("Two"), with_id("One", 1)]).await.unwrap();
    assert_eq!(double.log().stream("a").len(), 3);
}

#[tokio::test]
async fn another_stream_may_have_the_same_id() {
    let (double, client) = server().await;
    for stream in ["a", "b"] {
        append(&client, stream, ExpectedRevision::NoStream, vec![with_id("One", 1)]).await.unwrap();
    }
    assert_eq!(double.log().written().len(), 2);
}

//! Soft deletion, after which a stream goes on, and tombstones, after which none does.

use eventstore::{
    Client, CurrentRevision, DeleteStreamOptions, Error, ExpectedRevision, Position, ReadAllOptions,
    ReadStreamOptions, StreamPosition, TombstoneStreamOptions,
};

use crate::support::{append, event, fill, found, read, rest, server, soon, types, whole};

async fn delete(client: &Client, expected: ExpectedRevision) -> eventstore::Result<Option<Position>> {
    let options = DeleteStreamOptions::default().expected_revision(expected);
    soon(client.delete_stream("a", &options)).await
}

async fn tombstone(client: &Client, expected: ExpectedRevision) -> eventstore::Result<Option<Position>> {
    let options = TombstoneStreamOptions::default().expected_revision(expected);
    soon(client.tombstone_stream("a", &options)).await
}

#[tokio::test]
async fn a_soft_deleted_stream_is_not_found() {
    let (_double, client) = server().await;
    let last = fill(&client, "a", &["One", "Two"]).await.position;
    let deleted = delete(&client, ExpectedRevision::Exact(1)).await.unwrap().unwrap();
    assert!(deleted > last);
    let missing = whole(&client, "a").await;
    assert!(matches!(missing, Err(Error::ResourceNotFound)), "{missing:?}");
}

#[tokio::test]
async fn a_soft_deleted_stream_goes_on_at_its_next_revision() {
    for expected in [ExpectedRevision::Any, ExpectedRevision::NoStream, ExpectedRevision::Exact(1)] {
        let (_double, client) = server().await;
        fill(&client, "a", &["One", "Two"]).await;
        delete(&client, ExpectedRevision::Any).await.unwrap();
        let again = append(&client, "a", expected, vec![event("Three")]).await.unwrap();
        assert_eq!(again.next_expected_version, 2);
        let events = whole(&client, "a").await.unwrap();
        assert_eq!((types(&events), events[0].revision), (vec!["Three"], 2));
        // What was there before stays hidden in either direction.
        let backwards = ReadStreamOptions::default().backwards().position(StreamPosition::End);
        assert_eq!(types(&read(&client, "a", &backwards).await.unwrap()), ["Three"]);
    }
}

#[tokio::test]
async fn a_soft_deleted_stream_that_is_expected_to_exist_is_deleted() {
    let (_double, client) = server().await;
    fill(&client, "a", &["One"]).await;
    delete(&client, ExpectedRevision::Any).await.unwrap();
    let refused = append(&client, "a", ExpectedRevision::StreamExists, vec![event("Two")]).await;
    assert!(matches!(refused, Err(Error::ResourceDeleted)), "{refused:?}");
    let other = append(&client, "a", ExpectedRevision::Exact(7), vec![event("Two")]).await;
    assert_eq!(found(other), CurrentRevision::Current(0));
}

#[tokio::test]
async fn all_keeps_what_was_deleted_and_what_the_server_noted() {
    let (_double, client) = server().await;
    fill(&client, "a", &["One"]).await;
    delete(&client, ExpectedRevision::Any).await.unwrap();
    fill(&client, "a", &["Two"]).await;
    tombstone(&client, ExpectedRevision::Any).await.unwrap();
    let all = rest(soon(client.read_all(&ReadAllOptions::default())).await.unwrap()).await.unwrap();
    assert_eq!(types(&all), ["$UserCreated", "One", "$metadata", "Two", "$metadata", "$streamDeleted"]);
    assert_eq!(all[2].stream_id, "$$a");
    assert_eq!(all[4].data.as_ref(), br#"{"$tb":1}"#);
}

#[tokio::test]
async fn what_does_not_stand_as_expected_is_not_deleted() {
    let (double, client) = server().await;
    for missing in [ExpectedRevision::Any, ExpectedRevision::Exact(0)] {
        let refused = delete(&client, missing).await;
        assert!(
            matches!(&refused, Err(Error::Grpc { message, .. }) if message.contains("Actual version: -1"))
        );
    }
    fill(&client, "a", &["One"]).await;
    for refused in [
        delete(&client, ExpectedRevision::Exact(3)).await,
        tombstone(&client, ExpectedRevision::Exact(3)).await,
    ] {
        let Err(Error::Grpc { message, .. }) = refused else { panic!("{refused:?}") };
        assert!(message.contains("Expected version: 3, Actual version: 0"), "{message}");
    }
    assert_eq!(whole(&client, "a").await.unwrap().len(), 1);
    assert_eq!(double.log().events().len(), 2);
}

#[tokio::test]
async fn everything_about_a_tombstoned_stream_is_that_it_is_deleted() {
    let (_double, client) = server().await;
    fill(&client, "a", &["One"]).await;
    tombstone(&client, ExpectedRevision::Any).await.unwrap();
    for expected in [ExpectedRevision::Any, ExpectedRevision::NoStream, ExpectedRevision::Exact(0)] {
        let refused = append(&client, "a", expected, vec![event("Two")]).await;
        assert!(matches!(refused, Err(Error::ResourceDeleted)), "{refused:?}");
        assert!(matches!(delete(&client, expected).await, Err(Error::ResourceDeleted)));
        assert!(matches!(tombstone(&client, expected).await, Err(Error::ResourceDeleted)));
    }
    assert!(matches!(whole(&client, "a").await, Err(Error::ResourceDeleted)));
}

#[tokio::test]
async fn a_stream_that_never_was_can_be_tombstoned() {
    let (_double, client) = server().await;
    tombstone(&client, ExpectedRevision::NoStream).await.unwrap();
    let refused = append(&client, "a", ExpectedRevision::NoStream, vec![event("One")]).await;
    assert!(matches!(refused, Err(Error::ResourceDeleted)), "{refused:?}");
}

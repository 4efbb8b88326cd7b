//! Appends and their expected revisions.

use std::time::{Duration, SystemTime};

use eventstore::{CurrentRevision, Error, EventData, ExpectedRevision};
use eventstore_double::{Log, Setup};

use crate::support::{append, client, event, fill, found, server, types, whole};

#[tokio::test]
async fn the_first_event_of_a_stream_has_revision_0_and_the_next_ones_follow() {
    let (_double, client) = server().await;
    let first = append(&client, "a", ExpectedRevision::NoStream, vec![event("One")]).await.unwrap();
    assert_eq!(first.next_expected_version, 0);
    let second =
        append(&client, "a", ExpectedRevision::Exact(0), vec![event("Two"), event("Three")]).await.unwrap();
    assert_eq!(second.next_expected_version, 2);
    assert!(second.position > first.position);
    assert_eq!(types(&whole(&client, "a").await.unwrap()), ["One", "Two", "Three"]);
}

#[tokio::test]
async fn positions_grow_and_are_not_consecutive() {
    let (double, client) = server().await;
    fill(&client, "a", &["One", "Two"]).await;
    let position = fill(&client, "b", &["Three"]).await.position;
    let positions: Vec<_> = double.log().events().iter().map(|event| event.position).collect();
    assert!(positions.windows(2).all(|pair| pair[0] + 1 < pair[1]), "{positions:?}");
    // An append is answered with the position of its last event.
    assert_eq!(positions.last(), Some(&position.commit));
    assert_eq!(position.commit, position.prepare);
}

#[tokio::test]
async fn an_exact_revision_has_to_be_that_of_the_last_event() {
    let (_double, client) = server().await;
    fill(&client, "a", &["One", "Two"]).await;
    for wrong in [0, 2, u64::MAX / 2] {
        let refused = append(&client, "a", ExpectedRevision::Exact(wrong), vec![event("Late")]).await;
        assert_eq!(found(refused), CurrentRevision::Current(1));
    }
    let refused = append(&client, "b", ExpectedRevision::Exact(0), vec![event("Late")]).await;
    assert_eq!(found(refused), CurrentRevision::NoStream);
}

#[tokio::test]
async fn no_stream_is_refused_once_there_is_one() {
    let (double, client) = server().await;
    fill(&client, "a", &["One"]).await;
    let refused = append(&client, "a", ExpectedRevision::NoStream, vec![event("Late")]).await;
    assert_eq!(found(refused), CurrentRevision::Current(0));
    assert_eq!(double.log().written().len(), 1);
}

#[tokio::test]
async fn an_existing_stream_can_be_demanded() {
    let (_double, client) = server().await;
    let refused = append(&client, "a", ExpectedRevision::StreamExists, vec![event("Early")]).await;
    assert_eq!(found(refused), CurrentRevision::NoStream);
    fill(&client, "a", &["One"]).await;
    append(&client, "a", ExpectedRevision::StreamExists, vec![event("Two")]).await.unwrap();
}

#[tokio::test]
async fn an_append_without_events_checks_the_revision_and_writes_nothing() {
    let (double, client) = server().await;
    fill(&client, "a", &["One"]).await;
    let nothing = append(&client, "a", ExpectedRevision::Exact(0), vec![]).await.unwrap();
    assert_eq!(nothing.next_expected_version, 0);
    assert_eq!(
        found(append(&client, "a", ExpectedRevision::Exact(5), vec![]).await),
        CurrentRevision::Current(0)
    );
    assert_eq!(double.log().written().len(), 1);
}

#[tokio::test]
async fn more_than_a_mebibyte_is_refused() {
    let (double, client) = server().await;
    let half = || EventData::binary("Large", vec![0; 600 * 1024].into());
    append(&client, "a", ExpectedRevision::Any, vec![half()]).await.unwrap();
    let refused = append(&client, "a", ExpectedRevision::Any, vec![half(), half()]).await;
    assert!(
        matches!(&refused, Err(Error::Grpc { message, .. }) if message.contains("1048576")),
        "{refused:?}"
    );
    assert_eq!(double.log().written().len(), 1);
}

#[tokio::test]
async fn all_is_no_stream_to_append_to() {
    let (_double, client) = server().await;
    let refused = append(&client, "$all", ExpectedRevision::Any, vec![event("One")]).await;
    assert!(matches!(refused, Err(Error::AccessDenied)), "{refused:?}");
}

#[tokio::test]
async fn events_are_kept_as_proposed_and_created_when_the_clock_says() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    let double = Setup::new().on(Log::with_clock(move || time)).start().await;
    let client = client(&double.url());
    let proposed = EventData::binary("Bytes", vec![1, 2, 3].into()).metadata(vec![4].into());
    append(&client, "ä/stream", ExpectedRevision::Any, vec![proposed, event("Text")]).await.unwrap();
    let events = whole(&client, "ä/stream").await.unwrap();
    assert_eq!(
        (events[0].data.as_ref(), events[0].custom_metadata.as_ref()),
        ([1, 2, 3].as_ref(), [4].as_ref())
    );
    assert_eq!((events[0].is_json, events[1].is_json), (false, true));
    assert_eq!(events[1].as_json::<String>().unwrap(), "Text");
    assert_eq!(events[0].stream_id, "ä/stream");
    // In units of 100 nanoseconds; this client rounds them to seconds where it gives a time.
    assert_eq!(events[0].metadata["created"], "17000000001230000");
    assert_eq!(events[0].created.timestamp(), 1_700_000_000);
}

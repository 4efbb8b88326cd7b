//! Reads of a stream and of all, in either direction.

use eventstore::{Client, Error, Position, ReadAllOptions, ReadStreamOptions, RecordedEvent, StreamPosition};

use crate::support::{fill, read, rest, server, soon, types, whole};

async fn read_all(client: &Client, options: ReadAllOptions) -> eventstore::Result<Vec<RecordedEvent>> {
    rest(soon(client.read_all(&options)).await?).await
}

#[tokio::test]
async fn a_stream_is_read_forwards_from_a_revision_and_backwards_from_one() {
    let (_double, client) = server().await;
    fill(&client, "a", &["0", "1", "2", "3"]).await;
    let check = async |options: ReadStreamOptions, expected: &[&str]| {
        assert_eq!(types(&read(&client, "a", &options).await.unwrap()), expected);
    };
    // To set a position at either end also sets the direction, so the direction comes last.
    let forwards = |from| ReadStreamOptions::default().position(from).forwards();
    let backwards = |from| ReadStreamOptions::default().position(from).backwards();
    check(forwards(StreamPosition::Start), &["0", "1", "2", "3"]).await;
    check(forwards(StreamPosition::Position(2)), &["2", "3"]).await;
    check(forwards(StreamPosition::Position(1)).max_count(2), &["1", "2"]).await;
    check(forwards(StreamPosition::Position(9)), &[]).await;
    check(forwards(StreamPosition::End), &[]).await;
    check(backwards(StreamPosition::End), &["3", "2", "1", "0"]).await;
    check(backwards(StreamPosition::End).max_count(1), &["3"]).await;
    check(backwards(StreamPosition::Position(1)), &["1", "0"]).await;
    check(backwards(StreamPosition::Position(9)), &["3", "2", "1", "0"]).await;
    check(backwards(StreamPosition::Start), &["0"]).await;
}

#[tokio::test]
async fn a_stream_that_never_was_is_not_found() {
    let (_double, client) = server().await;
    let missing = whole(&client, "a").await;
    assert!(matches!(missing, Err(Error::ResourceNotFound)), "{missing:?}");
}

#[tokio::test]
async fn all_is_read_forwards_from_a_position_and_backwards_before_one() {
    let (double, client) = server().await;
    fill(&client, "a", &["1", "2"]).await;
    fill(&client, "b", &["3"]).await;
    let at = double.log().written()[1].position;
    let at = StreamPosition::Position(Position { commit: at, prepare: at });
    let check = async |options: ReadAllOptions, expected: &[&str]| {
        assert_eq!(types(&read_all(&client, options).await.unwrap()), expected);
    };
    let forwards = |from| ReadAllOptions::default().position(from).forwards();
    let backwards = |from| ReadAllOptions::default().position(from).backwards();
    check(forwards(StreamPosition::Start), &["$UserCreated", "1", "2", "3"]).await;
    check(forwards(at), &["2", "3"]).await;
    check(forwards(at).max_count(1), &["2"]).await;
    check(forwards(StreamPosition::End), &[]).await;
    check(backwards(StreamPosition::End).max_count(2), &["3", "2"]).await;
    check(backwards(at), &["1", "$UserCreated"]).await;
    check(backwards(StreamPosition::Start), &[]).await;
}

#[tokio::test]
async fn a_position_where_no_event_stands_is_refused() {
    let (double, client) = server().await;
    fill(&client, "a", &["1", "2"]).await;
    let between = double.log().written()[0].position + 1;
    let between = StreamPosition::Position(Position { commit: between, prepare: between });
    let refused = read_all(&client, ReadAllOptions::default().position(between)).await;
    assert!(
        matches!(&refused, Err(Error::ServerError(text)) if text.contains("InvalidPosition")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_position_behind_the_last_event_reads_nothing() {
    let (_double, client) = server().await;
    let last = fill(&client, "a", &["1"]).await.position.commit;
    let beyond = StreamPosition::Position(Position { commit: last + 10_000, prepare: last + 10_000 });
    assert_eq!(read_all(&client, ReadAllOptions::default().position(beyond)).await.unwrap().len(), 0);
}

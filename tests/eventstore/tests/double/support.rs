//! A client, events, and a limit for everything that is awaited.

use std::time::Duration;

use eventstore::{
    AppendToStreamOptions, BatchAppendClient, BatchAppendOptions, Client, CurrentRevision, Error, EventData,
    ExpectedRevision, ReadStream, ReadStreamOptions, RecordedEvent, Subscription, SubscriptionEvent,
    WriteResult,
};
use eventstore_double::Double;
use uuid::Uuid;

const LIMIT: Duration = Duration::from_secs(20);

/// Waits, but not for ever.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it happens within the limit")
}

pub(crate) fn client(url: &str) -> Client {
    Client::new(url.parse().expect("the address is one that clients understand")).expect("a client")
}

pub(crate) async fn server() -> (Double, Client) {
    let double = Double::start().await;
    let client = client(&double.url());
    (double, client)
}

/// An event whose id nobody else has.
pub(crate) fn event(event_type: &str) -> EventData {
    EventData::json(event_type, &event_type).expect("a text is JSON")
}

pub(crate) fn with_id(event_type: &str, id: u128) -> EventData {
    event(event_type).id(Uuid::from_u128(id))
}

pub(crate) async fn append(
    client: &Client,
    stream: &str,
    expected: ExpectedRevision,
    events: Vec<EventData>,
) -> eventstore::Result<WriteResult> {
    let options = AppendToStreamOptions::default().expected_revision(expected);
    soon(client.append_to_stream(stream, &options, events)).await
}

/// Appends one event of each type, whatever there is.
pub(crate) async fn fill(client: &Client, stream: &str, types: &[&str]) -> WriteResult {
    let events = types.iter().map(|event_type| event(event_type)).collect();
    append(client, stream, ExpectedRevision::Any, events).await.expect("whatever there is")
}

pub(crate) async fn rest(mut stream: ReadStream) -> eventstore::Result<Vec<RecordedEvent>> {
    let mut events = Vec::new();
    while let Some(event) = soon(stream.next()).await? {
        events.push(event.event.expect("links are not followed"));
    }
    Ok(events)
}

pub(crate) async fn read(
    client: &Client,
    stream: &str,
    options: &ReadStreamOptions,
) -> eventstore::Result<Vec<RecordedEvent>> {
    rest(soon(client.read_stream(stream, options)).await?).await
}

/// A stream from its first event on.
pub(crate) async fn whole(client: &Client, stream: &str) -> eventstore::Result<Vec<RecordedEvent>> {
    read(client, stream, &ReadStreamOptions::default()).await
}

pub(crate) async fn batch(client: &Client) -> BatchAppendClient {
    let batch = soon(client.batch_append(&BatchAppendOptions::default())).await;
    batch.expect("the server appends in batches")
}

pub(crate) fn types(events: &[RecordedEvent]) -> Vec<&str> {
    events.iter().map(|event| event.event_type.as_str()).collect()
}

/// What an append found, when it was refused for that.
pub(crate) fn found<T: std::fmt::Debug>(result: eventstore::Result<T>) -> CurrentRevision {
    match result {
        Err(Error::WrongExpectedVersion { current, .. }) => current,
        other => panic!("not a wrong expected version: {other:?}"),
    }
}

/// What a subscription tells next, in a word.
pub(crate) async fn told(subscription: &mut Subscription) -> String {
    match soon(subscription.next_subscription_event()).await.expect("the subscription goes on") {
        SubscriptionEvent::Confirmed(_) => "confirmed".into(),
        SubscriptionEvent::EventAppeared(event) => event.get_original_event().event_type.clone(),
        SubscriptionEvent::Checkpoint(_) => "checkpoint".into(),
        SubscriptionEvent::CaughtUp => "caught up".into(),
        other => format!("{other:?}"),
    }
}

pub(crate) async fn told_next(subscription: &mut Subscription, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(told(subscription).await);
    }
    all
}

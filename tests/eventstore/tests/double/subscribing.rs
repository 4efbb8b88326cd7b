//! Subscriptions: what is there, that it was all, what comes.

use eventstore::{
    Client, DeleteStreamOptions, Error, Position, StreamPosition, SubscribeToAllOptions,
    SubscribeToStreamOptions, Subscription, SubscriptionEvent, SubscriptionFilter, TombstoneStreamOptions,
};

use crate::support::{fill, server, soon, told, told_next};

async fn subscribe(
    client: &Client,
    filter: Option<SubscriptionFilter>,
    from: StreamPosition<Position>,
) -> Subscription {
    let options = SubscribeToAllOptions::default().position(from);
    let options = match filter {
        Some(filter) => options.filter(filter),
        None => options,
    };
    client.subscribe_to_all(&options).await
}

fn streams(prefix: &str) -> SubscriptionFilter {
    SubscriptionFilter::on_stream_name().add_prefix(prefix)
}

#[tokio::test]
async fn a_stream_is_followed_from_its_start() {
    let (_double, client) = server().await;
    fill(&client, "a", &["1", "2"]).await;
    let options = SubscribeToStreamOptions::default().start_from(StreamPosition::Start);
    let mut subscription = client.subscribe_to_stream("a", &options).await;
    assert_eq!(told_next(&mut subscription, 4).await, ["confirmed", "1", "2", "caught up"]);
    fill(&client, "b", &["other"]).await;
    fill(&client, "a", &["3"]).await;
    assert_eq!(told(&mut subscription).await, "3");
}

#[tokio::test]
async fn a_stream_is_followed_after_a_revision() {
    let (_double, client) = server().await;
    fill(&client, "a", &["1", "2"]).await;
    let options = SubscribeToStreamOptions::default().start_from(StreamPosition::Position(0));
    let mut subscription = client.subscribe_to_stream("a", &options).await;
    assert_eq!(told_next(&mut subscription, 3).await, ["confirmed", "2", "caught up"]);
}

#[tokio::test]
async fn a_stream_is_followed_from_its_end_and_before_it_is_there() {
    let (_double, client) = server().await;
    fill(&client, "a", &["1"]).await;
    for (stream, next) in [("a", "2"), ("b", "3")] {
        let options = SubscribeToStreamOptions::default().start_from(StreamPosition::End);
        let mut subscription = client.subscribe_to_stream(stream, &options).await;
        assert_eq!(told_next(&mut subscription, 2).await, ["confirmed", "caught up"]);
        fill(&client, stream, &[next]).await;
        assert_eq!(told(&mut subscription).await, next);
    }
}

#[tokio::test]
async fn a_subscription_goes_on_over_a_soft_deletion_and_ends_with_a_tombstone() {
    let (_double, client) = server().await;
    fill(&client, "a", &["1"]).await;
    let options = SubscribeToStreamOptions::default().start_from(StreamPosition::Start);
    let mut subscription = client.subscribe_to_stream("a", &options).await;
    assert_eq!(told_next(&mut subscription, 3).await, ["confirmed", "1", "caught up"]);
    soon(client.delete_stream("a", &DeleteStreamOptions::default())).await.unwrap();
    fill(&client, "a", &["2"]).await;
    assert_eq!(told(&mut subscription).await, "2");
    soon(client.tombstone_stream("a", &TombstoneStreamOptions::default())).await.unwrap();
    let end = soon(subscription.next_subscription_event()).await;
    assert!(matches!(end, Err(Error::ResourceDeleted)), "{end:?}");
}

#[tokio::test]
async fn all_is_followed_with_the_events_of_the_server() {
    let (_double, client) = server().await;
    fill(&client, "a", &["1"]).await;
    let mut subscription = subscribe(&client, None, StreamPosition::Start).await;
    assert_eq!(told_next(&mut subscription, 4).await, ["confirmed", "$UserCreated", "1", "caught up"]);
    fill(&client, "b", &["2"]).await;
    assert_eq!(told(&mut subscription).await, "2");
}

#[tokio::test]
async fn all_is_followed_after_a_position() {
    let (_double, client) = server().await;
    let position = fill(&client, "a", &["1"]).await.position;
    fill(&client, "a", &["2"]).await;
    let mut subscription = subscribe(&client, None, StreamPosition::Position(position)).await;
    assert_eq!(told_next(&mut subscription, 3).await, ["confirmed", "2", "caught up"]);
}

#[tokio::test]
async fn whoever_has_seen_everything_is_caught_up_at_once() {
    let (_double, client) = server().await;
    let position = fill(&client, "a", &["1"]).await.position;
    let mut subscription = subscribe(&client, Some(streams("a")), StreamPosition::Position(position)).await;
    assert_eq!(told_next(&mut subscription, 2).await, ["confirmed", "caught up"]);
}

#[tokio::test]
async fn a_filter_by_prefix_leaves_other_streams_out_and_tells_how_far_it_looked() {
    let (_double, client) = server().await;
    fill(&client, "a-1", &["1"]).await;
    let last = fill(&client, "b-1", &["2"]).await.position;
    let mut subscription = subscribe(&client, Some(streams("a-")), StreamPosition::Start).await;
    assert_eq!(told_next(&mut subscription, 2).await, ["confirmed", "1"]);
    let checkpoint = soon(subscription.next_subscription_event()).await.unwrap();
    assert!(
        matches!(checkpoint, SubscriptionEvent::Checkpoint(position) if position == last),
        "{checkpoint:?}"
    );
    assert_eq!(told(&mut subscription).await, "caught up");
}

#[tokio::test]
async fn a_checkpoint_comes_after_each_stretch_of_the_window_whether_or_not_anything_was_wanted() {
    let (_double, client) = server().await;
    fill(&client, "b", &["1", "2", "3", "4", "5"]).await;
    let mut subscription = subscribe(&client, Some(streams("a").max(2)), StreamPosition::Start).await;
    // Six events: five, and the one of the server.
    let told_first = told_next(&mut subscription, 5).await;
    assert_eq!(told_first, ["confirmed", "checkpoint", "checkpoint", "checkpoint", "caught up"]);
    fill(&client, "b", &["6", "7"]).await;
    fill(&client, "a", &["8"]).await;
    assert_eq!(told_next(&mut subscription, 2).await, ["checkpoint", "8"]);
}

#[tokio::test]
async fn filters_go_by_stream_or_by_type_and_by_prefixes_or_a_pattern() {
    let (_double, client) = server().await;
    fill(&client, "a-1", &["Red", "Green"]).await;
    fill(&client, "b-1", &["Blue"]).await;
    for (filter, expected) in [
        (streams("b-").add_prefix("a-"), vec!["Red", "Green", "Blue"]),
        (SubscriptionFilter::on_stream_name().regex("^.-1$"), vec!["Red", "Green", "Blue"]),
        (SubscriptionFilter::on_event_type().add_prefix("R").add_prefix("B"), vec!["Red", "Blue"]),
        (SubscriptionFilter::on_event_type().regex("e{2}"), vec!["Green"]),
        (SubscriptionFilter::on_event_type().exclude_system_events(), vec!["Red", "Green", "Blue"]),
        (SubscriptionFilter::on_event_type().regex(r"^(?!(\$|Red))"), vec!["Green", "Blue"]),
    ] {
        let mut subscription = subscribe(&client, Some(filter), StreamPosition::Start).await;
        let told = told_next(&mut subscription, expected.len() + 3).await;
        let expected = [vec!["confirmed"], expected, vec!["checkpoint", "caught up"]].concat();
        assert_eq!(told, expected);
    }
}

#[tokio::test]
async fn a_pattern_that_is_none_is_refused() {
    let (_double, client) = server().await;
    let broken = SubscriptionFilter::on_event_type().regex("(");
    let mut subscription = subscribe(&client, Some(broken), StreamPosition::Start).await;
    let refused = soon(subscription.next_subscription_event()).await;
    assert!(matches!(refused, Err(Error::Grpc { .. })), "{refused:?}");
}

#[tokio::test]
async fn open_subscriptions_are_counted() {
    let (double, client) = server().await;
    let mut open = double.faults().subscriptions();
    let mut subscription = subscribe(&client, None, StreamPosition::End).await;
    assert_eq!(told(&mut subscription).await, "confirmed");
    assert_eq!(*soon(open.wait_for(|open| *open == 1)).await.unwrap(), 1);
    drop(subscription);
    soon(open.wait_for(|open| *open == 0)).await.unwrap();
}

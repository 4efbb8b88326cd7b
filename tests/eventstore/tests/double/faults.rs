//! What goes wrong when a test says so.

use std::time::Duration;

use eventstore::{
    CurrentRevision, DeleteStreamOptions, Error, ExpectedRevision, StreamPosition, SubscribeToAllOptions,
};
use eventstore_double::{Double, Fault};

use crate::support::{append, client, event, fill, found, server, soon, told_next, types, whole, with_id};

#[tokio::test]
async fn the_next_append_of_a_prefix_is_refused_and_no_other() {
    let (double, client) = server().await;
    fill(&client, "a-1", &["One"]).await;
    double.faults().next_append("a-", Fault::WrongExpectedVersion);
    fill(&client, "b-1", &["Two"]).await;
    assert_eq!(double.faults().outstanding(), 1);
    let refused = append(&client, "a-1", ExpectedRevision::Exact(0), vec![event("Three")]).await;
    assert_eq!(found(refused), CurrentRevision::Current(0));
    assert_eq!(double.faults().outstanding(), 0);
    append(&client, "a-1", ExpectedRevision::Exact(0), vec![event("Three")]).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_ready_or_too_slow_says_so() {
    let (double, client) = server().await;
    double.faults().next_append("", Fault::Unavailable);
    let refused = append(&client, "a", ExpectedRevision::Any, vec![event("One")]).await;
    assert!(matches!(&refused, Err(Error::ServerError(text)) if text.contains("Not Ready")), "{refused:?}");
    for (carried_out, length) in [(false, 0), (true, 1)] {
        double.faults().next_append("", Fault::Timeout { carried_out });
        let late = append(&client, "a", ExpectedRevision::Any, vec![event("One")]).await;
        assert!(
            matches!(&late, Err(Error::Grpc { message, .. }) if message.contains("timed out")),
            "{late:?}"
        );
        assert_eq!(double.log().stream("a").len(), length);
    }
}

#[tokio::test]
async fn a_slow_append_is_carried_out_in_the_end() {
    let (double, client) = server().await;
    double.faults().next_append("a", Fault::Slow(Duration::from_millis(50)));
    append(&client, "a", ExpectedRevision::Any, vec![event("One")]).await.unwrap();
    assert_eq!(double.log().stream("a").len(), 1);
}

#[tokio::test]
async fn an_append_that_its_client_does_not_wait_for_is_carried_out_all_the_same() {
    let double = Double::start().await;
    let client = client(&format!("{}&defaultDeadline=200", double.url()));
    fill(&client, "a", &["One"]).await;
    let mut gate = double.faults().hold_writes("a");
    let late = append(&client, "a", ExpectedRevision::Any, vec![event("Two")]).await;
    assert!(matches!(late, Err(Error::DeadlineExceeded)), "{late:?}");
    assert_eq!(double.log().revision("a"), Some(0));
    let mut count = double.log().count();
    soon(gate.next()).await.go_on();
    soon(count.changed()).await.unwrap();
    assert_eq!(double.log().revision("a"), Some(1));
}

#[tokio::test]
async fn a_connection_is_dropped_before_or_after_an_append_is_carried_out() {
    let (double, client) = server().await;
    for (carried_out, length) in [(false, 0), (true, 1)] {
        double.faults().next_append("a", Fault::Dropped { carried_out });
        let lost = append(&client, "a", ExpectedRevision::NoStream, vec![with_id("One", 1)]).await;
        assert!(matches!(lost, Err(Error::ServerError(_))), "{lost:?}");
        assert_eq!(double.log().stream("a").len(), length);
    }
    // The client connects anew, and its repetition is known for what it is.
    append(&client, "a", ExpectedRevision::NoStream, vec![with_id("One", 1)]).await.unwrap();
    assert_eq!(double.log().stream("a").len(), 1);
}

#[tokio::test]
async fn deletions_have_faults_of_their_own() {
    let (double, client) = server().await;
    double.faults().next_delete("a", Fault::Dropped { carried_out: true });
    fill(&client, "a", &["One"]).await;
    let lost = soon(client.delete_stream("a", &DeleteStreamOptions::default())).await;
    assert!(matches!(lost, Err(Error::ServerError(_))), "{lost:?}");
    let missing = whole(&client, "a").await;
    assert!(matches!(missing, Err(Error::ResourceNotFound)), "{missing:?}");
}

#[tokio::test]
async fn a_gate_holds_writes_before_they_are_carried_out() {
    let (double, client) = server().await;
    let mut gate = double.faults().hold_writes("a-");
    let write = append(&client, "a-1", ExpectedRevision::NoStream, vec![event("One"), event("Two")]);
    let hold = async {
        let held = soon(gate.next()).await;
        assert_eq!((held.stream.as_str(), held.events), ("a-1", 2));
        // Others pass, and nothing is there yet.
        fill(&client, "b-1", &["Three"]).await;
        assert_eq!(double.log().revision("a-1"), None);
        held.go_on();
    };
    let (written, ()) = tokio::join!(write, hold);
    assert_eq!(written.unwrap().next_expected_version, 1);
    drop(gate);
    fill(&client, "a-2", &["Four"]).await;
}

#[tokio::test]
async fn a_gate_holds_answers_after_writes_were_carried_out() {
    let (double, client) = server().await;
    let mut gate = double.faults().hold_answers("a");
    let write = append(&client, "a", ExpectedRevision::NoStream, vec![event("One")]);
    let hold = async {
        let held = soon(gate.next()).await;
        assert_eq!(double.log().revision("a"), Some(0));
        held.drop_connection();
    };
    let (lost, ()) = tokio::join!(write, hold);
    assert!(matches!(lost, Err(Error::ServerError(_))), "{lost:?}");
}

#[tokio::test]
async fn a_connection_that_is_dropped_at_a_gate_leaves_the_write_undone() {
    let (double, client) = server().await;
    let mut gate = double.faults().hold_writes("a");
    let write = append(&client, "a", ExpectedRevision::NoStream, vec![event("One")]);
    let hold = async { soon(gate.next()).await.drop_connection() };
    let (lost, ()) = tokio::join!(write, hold);
    assert!(matches!(lost, Err(Error::ServerError(_))), "{lost:?}");
    assert_eq!(double.log().written().len(), 0);
}

#[tokio::test]
async fn subscriptions_are_cut_and_can_be_taken_up_again() {
    let (double, client) = server().await;
    let position = fill(&client, "a", &["One"]).await.position;
    let options = SubscribeToAllOptions::default().position(StreamPosition::Position(position));
    let mut subscription = client.subscribe_to_all(&options).await;
    assert_eq!(told_next(&mut subscription, 2).await, ["confirmed", "caught up"]);
    double.faults().cut_subscriptions();
    let end = soon(subscription.next_subscription_event()).await;
    assert!(matches!(end, Err(Error::ServerError(_))), "{end:?}");
    let mut again = client.subscribe_to_all(&options).await;
    assert_eq!(told_next(&mut again, 2).await, ["confirmed", "caught up"]);
}

#[tokio::test]
async fn a_server_that_is_down_refuses_connections_until_it_is_up() {
    let (double, client) = server().await;
    fill(&client, "a", &["One"]).await;
    double.down().await;
    let refused = append(&client, "a", ExpectedRevision::Any, vec![event("Two")]).await;
    assert!(matches!(refused, Err(Error::ServerError(_))), "{refused:?}");
    double.up().await;
    append(&client, "a", ExpectedRevision::Exact(0), vec![event("Two")]).await.unwrap();
}

#[tokio::test]
async fn another_server_goes_on_with_the_log_of_one_that_ended() {
    let (first, before) = server().await;
    fill(&before, "a", &["One"]).await;
    let log = first.log().clone();
    soon(first.stop()).await;
    let second = Double::start_on(log).await;
    let after = client(&second.url());
    append(&after, "a", ExpectedRevision::Exact(0), vec![event("Two")]).await.unwrap();
    assert_eq!(types(&whole(&after, "a").await.unwrap()), ["One", "Two"]);
}

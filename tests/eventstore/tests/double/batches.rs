//! Many appends over one call.

use eventstore::{Error, EventData, ExpectedRevision, TombstoneStreamOptions};
use eventstore_double::Fault;

use crate::support::{batch, event, fill, server, soon, with_id};

/// This client gives the code and the message of a refusal, and not its details.
fn message<T: std::fmt::Debug>(result: eventstore::Result<T>) -> String {
    match result {
        Err(Error::Grpc { message, .. }) => message,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn appends_of_one_call_are_carried_out_and_answered_each() {
    let (double, client) = server().await;
    let batch = batch(&client).await;
    let appends = (0..20).map(|n| {
        let stream = format!("a-{}", n % 4);
        batch.append_to_stream(stream, ExpectedRevision::Any, vec![event("One"), event("Two")])
    });
    for result in soon(futures_util::future::join_all(appends)).await {
        let result = result.unwrap();
        let stream = double.log().stream(result.stream_name());
        let revision = usize::try_from(result.current_revision().unwrap()).unwrap();
        assert_eq!(
            Some(stream[revision].position),
            result.current_position().map(|position| position.commit)
        );
    }
    assert_eq!(double.log().written().len(), 40);
}

#[tokio::test]
async fn refusals_are_told_in_the_answer() {
    let (_double, client) = server().await;
    fill(&client, "a", &["One"]).await;
    soon(client.tombstone_stream("gone", &TombstoneStreamOptions::default())).await.unwrap();
    let large = || vec![EventData::binary("Large", vec![0; 1024 * 1024].into())];
    for (stream, expected, events, refusal) in [
        ("a", ExpectedRevision::NoStream, vec![event("Late")], "WrongExpectedVersion"),
        ("a", ExpectedRevision::Exact(4), vec![event("Late")], "WrongExpectedVersion"),
        ("gone", ExpectedRevision::Any, vec![event("Late")], "StreamDeleted"),
        ("a", ExpectedRevision::Any, large(), "MaximumAppendSizeExceeded"),
        ("", ExpectedRevision::Any, vec![event("Late")], "BadRequest"),
        ("$all", ExpectedRevision::Any, vec![event("Late")], "AccessDenied"),
    ] {
        // This client ends a batch at its first refusal.
        let batch = batch(&client).await;
        assert_eq!(message(soon(batch.append_to_stream(stream, expected, events)).await), refusal);
    }
}

#[tokio::test]
async fn the_same_ids_once_more_succeed_as_the_first_time() {
    let (double, client) = server().await;
    let batch = batch(&client).await;
    let append = || batch.append_to_stream("a", ExpectedRevision::NoStream, vec![with_id("One", 1)]);
    let first = soon(append()).await.unwrap();
    assert_eq!(soon(append()).await.unwrap(), first);
    assert_eq!(double.log().written().len(), 1);
}

#[tokio::test]
async fn faults_are_told_in_the_answer() {
    let (double, client) = server().await;
    for (fault, told) in [
        (Fault::WrongExpectedVersion, "WrongExpectedVersion"),
        (Fault::Unavailable, "Server Is Not Ready"),
        (Fault::Timeout { carried_out: false }, "Timeout"),
        (Fault::Timeout { carried_out: true }, "Timeout"),
    ] {
        double.faults().next_append("a", fault);
        let batch = batch(&client).await;
        let refused = soon(batch.append_to_stream("a", ExpectedRevision::Any, vec![event("One")])).await;
        assert_eq!(message(refused), told);
    }
    assert_eq!(double.log().written().len(), 1);
}

#[tokio::test]
async fn an_append_that_is_held_holds_up_no_other() {
    let (double, client) = server().await;
    let mut gate = double.faults().hold_writes("a");
    let batch = batch(&client).await;
    let held = batch.append_to_stream("a", ExpectedRevision::Any, vec![event("One")]);
    let other = batch.append_to_stream("b", ExpectedRevision::Any, vec![event("Two")]);
    let release = async {
        let held = gate.next().await;
        assert_eq!((held.stream.as_str(), held.events), ("a", 1));
        assert_eq!(double.log().stream("a").len(), 0);
        let mut count = double.log().count();
        count.wait_for(|count| *count == 2).await.unwrap();
        held.go_on();
    };
    let (held, other, ()) = soon(async { tokio::join!(held, other, release) }).await;
    assert_eq!(other.unwrap().current_revision(), Some(0));
    assert_eq!(held.unwrap().current_revision(), Some(0));
}

#[tokio::test]
async fn a_dropped_connection_ends_the_call() {
    let (double, client) = server().await;
    double.faults().next_append("a", Fault::Dropped { carried_out: true });
    let first = batch(&client).await;
    let lost = soon(first.append_to_stream("a", ExpectedRevision::NoStream, vec![with_id("One", 1)])).await;
    assert!(matches!(lost, Err(Error::ServerError(_))), "{lost:?}");
    let second = batch(&client).await;
    let again = soon(second.append_to_stream("a", ExpectedRevision::NoStream, vec![with_id("One", 1)])).await;
    assert_eq!(again.unwrap().current_revision(), Some(0));
    assert_eq!(double.log().written().len(), 1);
}

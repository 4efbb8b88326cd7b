//! Three nodes, of which one leads.

use eventstore::{Error, ExpectedRevision};
use eventstore_double::Cluster;

use crate::support::{append, batch, client, event, fill, soon, types, whole};

#[tokio::test]
async fn a_client_finds_the_leader_by_gossip() {
    let cluster = Cluster::start().await;
    cluster.lead(2);
    let mut gate = cluster.node(2).faults().hold_writes("a");
    let client = client(&cluster.url());
    let (written, ()) =
        tokio::join!(append(&client, "a", ExpectedRevision::NoStream, vec![event("One")]), async {
            soon(gate.next()).await.go_on();
        });
    written.unwrap();
}

#[tokio::test]
async fn every_node_has_what_one_of_them_wrote() {
    let cluster = Cluster::start().await;
    fill(&client(&cluster.node(0).url()), "a", &["One"]).await;
    let follower = client(&format!("{}&nodePreference=follower", cluster.node(1).url()));
    assert_eq!(types(&whole(&follower, "a").await.unwrap()), ["One"]);
    // Whoever does not demand the leader may also write at a follower, which passes it on.
    append(&follower, "a", ExpectedRevision::Exact(0), vec![event("Two")]).await.unwrap();
    assert_eq!(cluster.log().written().len(), 2);
}

#[tokio::test]
async fn a_node_that_does_not_lead_refuses_those_who_demand_the_leader_and_names_it() {
    let cluster = Cluster::start().await;
    let client = client(&cluster.node(1).url());
    let refused = append(&client, "a", ExpectedRevision::Any, vec![event("One")]).await;
    let Err(Error::NotLeaderException(leader)) = refused else { panic!("{refused:?}") };
    let address = cluster.node(0).address();
    assert_eq!((leader.host.as_str(), leader.port), ("127.0.0.1", address.port().into()));
    // This client goes there next time.
    append(&client, "a", ExpectedRevision::Any, vec![event("One")]).await.unwrap();
}

#[tokio::test]
async fn a_client_follows_when_another_node_leads() {
    let cluster = Cluster::start().await;
    let client = client(&cluster.url());
    fill(&client, "a", &["One"]).await;
    cluster.lead(1);
    assert_eq!(cluster.leader(), 1);
    // The connection was dropped; then the old leader names the new one.
    let mut attempts = 0;
    while append(&client, "a", ExpectedRevision::Exact(0), vec![event("Two")]).await.is_err() {
        attempts += 1;
        assert!(attempts < 5, "the client does not find the new leader");
    }
    assert_eq!(cluster.log().written().len(), 2);
}

#[tokio::test]
async fn a_batch_at_a_node_that_does_not_lead_ends() {
    let cluster = Cluster::start().await;
    let client = client(&cluster.node(1).url());
    let first = batch(&client).await;
    let refused = soon(first.append_to_stream("a", ExpectedRevision::Any, vec![event("One")])).await;
    assert!(matches!(refused, Err(Error::NotLeaderException(_))), "{refused:?}");
    let second = batch(&client).await;
    soon(second.append_to_stream("a", ExpectedRevision::Any, vec![event("One")])).await.unwrap();
}

#[tokio::test]
async fn a_client_begins_with_whoever_is_up() {
    let cluster = Cluster::start().await;
    cluster.node(0).down().await;
    cluster.lead(1);
    fill(&client(&cluster.url()), "a", &["One"]).await;
    soon(cluster.stop()).await;
}

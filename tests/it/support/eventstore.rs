//! An event store of its own for a test: a double of EventStoreDB in this process, which processes of the binary reach too.

use eventstore::{AppendToStreamOptions, Client, EventData};
use eventstore_double::Double;
use muster::{
    clock::{Clock as _, SystemClock, event_id},
    store::eventstore::EventStoreUrl,
};
use muster_events::{stream::StreamId, time::Timestamp};
use serde_json::json;
use sqlx::{Row as _, SqliteConnection};
use tokio::runtime::{Builder, Runtime};

/// An empty one; gone when it is dropped.
#[derive(Debug)]
pub(crate) struct TestEventStore {
    double: Option<Double>,
    /// Its own, so that it answers whatever the test waits for.
    runtime: Option<Runtime>,
}

impl TestEventStore {
    /// Starts one.
    pub(crate) fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (runtime, double) = std::thread::spawn(move || {
            let double = runtime.block_on(Double::start());
            (runtime, double)
        })
        .join()
        .unwrap();
        Self { double: Some(double), runtime: Some(runtime) }
    }

    pub(crate) fn double(&self) -> &Double {
        self.double.as_ref().unwrap()
    }

    /// As the binary is told it.
    pub(crate) fn url(&self) -> String {
        self.double().url()
    }

    /// As the product names it.
    pub(crate) fn named(&self) -> EventStoreUrl {
        self.url().parse().unwrap()
    }
}

impl TestEventStore {
    /// Appends to a stream what a newer version of this program could have appended. `mirror` has all that is there.
    pub(crate) async fn poison(&self, mirror: &mut SqliteConnection, stream: &StreamId) {
        let last = "SELECT (SELECT max(position) FROM events) AS head, sequence, recorded_at, organization, actor_kind, \
             metadata, leaf FROM events WHERE aggregate_type = ?1 AND aggregate_id = ?2 ORDER BY sequence DESC LIMIT 1";
        let query = sqlx::query(last).bind(stream.aggregate_type.as_str()).bind(stream.aggregate_id.as_str());
        let row = query.fetch_one(mirror).await.unwrap();
        let recorded_at = Timestamp::from_micros(row.get("recorded_at")).unwrap();
        let organization: Option<i64> = row.get("organization");
        let record = json!({
            "recordedAt": recorded_at,
            "events": [{
                "position": row.get::<i64, _>("head") + 1,
                "id": event_id(SystemClock.now()),
                "aggregateType": stream.aggregate_type,
                "aggregateId": stream.aggregate_id,
                "sequence": row.get::<i64, _>("sequence") + 1,
                "type": "FromTheFuture",
                "schemaVersion": 1,
                "recordedAt": recorded_at,
                "organization": organization.map(|id| id.to_string()),
                "actorKind": row.get::<String, _>("actor_kind"),
                "payload": "{}",
                "metadata": row.get::<String, _>("metadata"),
                "leaf": hex::encode(row.get::<Vec<u8>, _>("leaf")),
            }],
        });
        let client = Client::new(self.url().parse().unwrap()).unwrap();
        let event = EventData::json("MusterCommit", &record).unwrap();
        client.append_to_stream("muster.commits", &AppendToStreamOptions::default(), event).await.unwrap();
    }
}

impl Drop for TestEventStore {
    /// The test may be on a thread that must not wait.
    fn drop(&mut self) {
        drop(self.double.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

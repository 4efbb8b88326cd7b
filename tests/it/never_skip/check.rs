//! What everyone was told, held against the log.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use muster::{
    deployment::Deployment,
    store::{Store, StoredEvent},
};
use muster_events::{recorded::Metadata, stream::Position};
use serde_json::Value;

use super::{clients::Acknowledged, foreign::Noted, subscriber::Seen};
use crate::support::{OWNER_TOKEN, SharedLedger};

/// The longest time without any acknowledgement: that for which the product waits for the lock of the log, and a margin
/// for a machine that has much to do.
const STALL: Duration = Duration::from_secs(6);

/// What everyone was told.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) acknowledged: Vec<Acknowledged>,
    pub(super) foreign: Vec<Vec<Noted>>,
    pub(super) followed: Vec<Seen>,
    /// From when until when there was no Postgres.
    pub(super) outages: Vec<(Instant, Instant)>,
}

impl Told {
    /// The log holds all of it and nothing else, the subscribers have seen all of it, and the ledger is content with itself.
    pub(super) async fn check(&self, ledger: &SharedLedger, goal: usize) {
        // It compares the read models with what the log gives, while the processes run that keep them.
        let report = ledger.run(&["doctor", "--json"]);
        Self::doctor_is_content(&serde_json::from_slice(&report.stdout).unwrap());
        let deployment = Deployment::open(&ledger.options()).await.unwrap();
        let log = whole_log(&**deployment.ledger.store()).await;
        self.every_position_was_seen(&log);
        self.every_change_is_there_once(&log, &deployment).await;
        self.every_note_is_there_once(&log);
        assert!(self.acknowledged.len() >= goal);
        let (changes, notes) = (self.acknowledged.len(), self.foreign.iter().flatten().count());
        println!("{changes} acknowledged changes, {notes} notes of others, {} events", log.len());
        println!("longest time without an acknowledgement: {:?}", self.nobody_waits_too_long());
        let starts: Vec<_> = self.followed.iter().map(|seen| seen.starts).collect();
        println!("the subscribers were started {starts:?} times");
    }

    /// The notes are not events of this program, and not damage either.
    fn doctor_is_content(report: &Value) {
        assert_eq!(report["ok"], true, "{report:#}");
    }

    fn every_position_was_seen(&self, log: &[StoredEvent]) {
        for (event, expected) in log.iter().zip(1..) {
            assert_eq!(event.position.0, expected, "there is a hole in the positions");
        }
        for Seen { events, starts } in &self.followed {
            let who = format!("a subscriber that was started {starts} times");
            let missed: Vec<_> = log.iter().skip(events.len()).map(|event| event.position).collect();
            assert!(missed.is_empty(), "{who} has not seen {missed:?}");
            for (event, seen) in log.iter().zip(events) {
                assert_eq!(event.event_id, *seen, "at {} {who} has seen another event", event.position);
            }
            assert_eq!(events.len(), log.len(), "{who} has seen what is not in the log");
        }
    }

    async fn every_change_is_there_once(&self, log: &[StoredEvent], deployment: &Deployment) {
        let actor = deployment.ledger.identify(OWNER_TOKEN).await.unwrap().unwrap().actor().to_string();
        let mut by_key = BTreeMap::<String, Vec<u64>>::new();
        for event in log {
            let metadata: Metadata = serde_json::from_str(&event.metadata).unwrap();
            if let Some(key) = metadata.idempotency_key {
                by_key.entry(key.to_string()).or_default().push(event.position.0);
            }
        }
        let wrong: Vec<_> = self
            .acknowledged
            .iter()
            .filter_map(|Acknowledged { key, position, .. }| {
                let hash = deployment.ledger.keys().request_hash(&[b"key", actor.as_bytes(), key.as_bytes()]);
                let found = by_key.remove(&hash).unwrap_or_default();
                (found != [*position]).then(|| format!("{key}: answered {position}, in the log at {found:?}"))
            })
            .collect();
        assert!(wrong.is_empty(), "{} acknowledged changes are not there: {wrong:#?}", wrong.len());
        // Each change is repeated until it is answered, so there is none that nobody knows of.
        assert!(by_key.is_empty(), "changes that nobody was told of: {by_key:?}");
    }

    fn every_note_is_there_once(&self, log: &[StoredEvent]) {
        let mark = |event: &StoredEvent| {
            let payload: Value = serde_json::from_str(&event.payload).unwrap();
            (event.position.0, payload["mark"].as_str().unwrap().to_owned())
        };
        let notes = log.iter().filter(|event| event.stream.aggregate_type == "note");
        let found: BTreeSet<_> = notes.map(mark).collect();
        let told = self.foreign.iter().flatten().map(|noted| (noted.position, noted.mark.clone()));
        let told: BTreeSet<_> = told.collect();
        let missing: Vec<_> = told.difference(&found).collect();
        assert!(missing.is_empty(), "notes that were committed and are not there: {missing:?}");
        let too_many: Vec<_> = found.difference(&told).collect();
        assert!(too_many.is_empty(), "notes that were never committed: {too_many:?}");
    }

    /// The longest time between two acknowledgements; after an outage it counts from when Postgres was there again.
    fn nobody_waits_too_long(&self) -> Duration {
        let mut times: Vec<_> = self.acknowledged.iter().map(|acknowledged| acknowledged.at).collect();
        times.sort();
        let gap = |pair: &[Instant]| {
            let (before, after) = (pair[0], pair[1]);
            let outage = self.outages.iter().rfind(|(killed, back)| *killed < after && *back > before);
            after.saturating_duration_since(outage.map_or(before, |(_, back)| *back))
        };
        let longest = times.windows(2).map(gap).max().unwrap();
        assert!(longest < STALL, "nobody was answered for {longest:?}");
        longest
    }
}

async fn whole_log(store: &dyn Store) -> Vec<StoredEvent> {
    let mut log = vec![];
    let mut after = Position::ZERO;
    loop {
        let page = store.read_all(after, 1_000).await.unwrap();
        let Some(last) = page.last() else { return log };
        after = last.position;
        log.extend(page);
    }
}

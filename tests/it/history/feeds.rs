//! Server-sent events.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{Stream, StreamExt as _};
use muster::{
    history::{HistoryError, LogPosition, Sight, Viewer},
    store::LogQuery,
};
use muster_events::stream::Position;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::lab::{Foreign, Lab, Withdrawn, organization, soon, viewer};

type Blocks = Pin<Box<dyn Stream<Item = Result<String, HistoryError>> + Send>>;

/// What a browser makes of a stream of events, by the processing model of the HTML standard.
#[derive(Debug, Default)]
struct EventSource {
    last_event_id: String,
    dispatched: Vec<(String, Value)>,
}

impl EventSource {
    fn takes(&mut self, text: &str) {
        assert!(text.ends_with("\n\n"), "a block is cut in two: {text:?}");
        let (mut data, mut event_type, mut id) = (String::new(), String::new(), self.last_event_id.clone());
        for line in text.split('\n') {
            match line.split_once(':').map(|(field, value)| (field, value.strip_prefix(' ').unwrap_or(value)))
            {
                Some(("", _)) => (),
                Some(("id", value)) => value.clone_into(&mut id),
                Some(("event", value)) => value.clone_into(&mut event_type),
                Some(("data", value)) => data.push_str(value),
                Some((field, _)) => panic!("there is no field {field}"),
                None => {
                    assert_eq!(line, "");
                    self.last_event_id.clone_from(&id);
                    if !data.is_empty() {
                        let data = serde_json::from_str(&std::mem::take(&mut data)).unwrap();
                        self.dispatched.push((event_type.clone(), data));
                    }
                    event_type.clear();
                }
            }
        }
    }

    fn positions(&self) -> Vec<u64> {
        self.dispatched.iter().map(|(_, data)| data["position"].as_u64().unwrap()).collect()
    }
}

async fn feed(lab: &Lab, query: LogQuery, viewer: Arc<dyn Viewer>, shutdown: &CancellationToken) -> Blocks {
    Box::pin(lab.history.feed(query, viewer, shutdown.clone()).await.unwrap().into_stream())
}

/// Takes blocks until `count` events were dispatched.
async fn until(source: &mut EventSource, blocks: &mut Blocks, count: usize) {
    while source.dispatched.len() < count {
        source.takes(&soon(blocks.next()).await.expect("it ended").unwrap());
    }
}

/// Connects again and again, as a browser does, at moments that a page of the feed knows nothing of.
#[tokio::test]
async fn a_feed_that_is_resumed_gives_every_event_exactly_once() {
    let lab = Lab::new().await;
    lab.sixty().await;
    lab.many(organization(1), 240).await;
    let (mut source, shutdown) = (EventSource::default(), CancellationToken::new());
    while source.dispatched.len() < 310 {
        if source.dispatched.len() == 300 {
            lab.many(organization(2), 10).await;
        }
        let resume =
            LogPosition::parse(&source.last_event_id, lab.store.incarnation()).map(|last| last.position);
        let query = LogQuery { after: resume.ok(), ..LogQuery::default() };
        let mut blocks = feed(&lab, query, viewer(), &shutdown).await;
        let text = soon(blocks.next()).await.unwrap().unwrap();
        // The connection breaks after 17 blocks, or what there is.
        let whole: String = text.split_inclusive("\n\n").take(17).collect();
        source.takes(&whole);
    }
    assert_eq!(source.positions(), (1..=310).collect::<Vec<_>>());
    assert_eq!(source.last_event_id, lab.history.at(Position(310)).to_string());
    let (event_type, data) = &source.dispatched[0];
    assert_eq!(
        (event_type.as_str(), &data["type"]),
        ("TwoFactorRequirementLifted", &"TwoFactorRequirementLifted".into())
    );
}

#[tokio::test]
async fn a_filtered_stretch_moves_the_id_and_dispatches_nothing() {
    let mut lab = Lab::new().await;
    lab.sixty().await;
    lab.history = lab.history.with_heartbeat(Duration::from_hours(1));
    let (mut source, shutdown) = (EventSource::default(), CancellationToken::new());
    let mut blocks = feed(&lab, lab.query(&[("type", "TeamCreated")]), viewer(), &shutdown).await;
    for (events, head) in [(0, 60), (5, 65)] {
        if events > 0 {
            lab.many(organization(1), events).await;
        }
        source.takes(&soon(blocks.next()).await.unwrap().unwrap());
        assert_eq!(source.last_event_id, lab.history.at(Position(head)).to_string());
    }
    let mut blocks =
        feed(&lab, lab.query(&[("actor", "import"), ("after", "50")]), viewer(), &shutdown).await;
    until(&mut source, &mut blocks, 2).await;
    assert_eq!(source.positions(), [53, 57]);
    source.takes(&soon(blocks.next()).await.unwrap().unwrap());
    assert_eq!(source.last_event_id, lab.history.at(Position(65)).to_string());
}

#[tokio::test]
async fn a_silence_is_broken_by_a_block_without_data() {
    let mut lab = Lab::new().await;
    lab.sixty().await;
    lab.history = lab.history.with_heartbeat(Duration::from_millis(20));
    let (mut source, shutdown) = (EventSource::default(), CancellationToken::new());
    let mut blocks = feed(&lab, lab.query(&[("after", "60")]), viewer(), &shutdown).await;
    for _ in 0..3 {
        source.takes(&soon(blocks.next()).await.unwrap().unwrap());
        assert_eq!(source.last_event_id, lab.history.at(Position(60)).to_string());
    }
    assert!(source.dispatched.is_empty());
    lab.many(organization(1), 1).await;
    until(&mut source, &mut blocks, 1).await;
    assert_eq!(source.positions(), [61]);
}

#[tokio::test]
async fn a_feed_ends_when_its_viewer_may_see_nothing_any_more() {
    let mut lab = Lab::new().await;
    lab.many(organization(1), 150).await;
    let shutdown = CancellationToken::new();
    // While it catches up.
    let mut blocks = feed(&lab, LogQuery::default(), Withdrawn::after(1), &shutdown).await;
    assert!(soon(blocks.next()).await.unwrap().is_ok());
    assert!(soon(blocks.next()).await.is_none());
    // At the end of the log: what is appended after the withdrawal is not shown.
    let (mut source, token) = (EventSource::default(), Withdrawn::after(100));
    let mut blocks = feed(&lab, LogQuery::default(), token.clone(), &shutdown).await;
    until(&mut source, &mut blocks, 150).await;
    token.withdraw();
    lab.many(organization(2), 1).await;
    assert!(soon(blocks.next()).await.is_none());
    // In a silence.
    lab.history = lab.history.with_heartbeat(Duration::from_millis(20));
    let mut blocks = feed(&lab, lab.query(&[("after", "151")]), Withdrawn::after(2), &shutdown).await;
    assert!(soon(blocks.next()).await.unwrap().is_ok());
    assert!(soon(blocks.next()).await.unwrap().is_ok());
    assert!(soon(blocks.next()).await.is_none());
}

/// His role was changed while he looked.
#[derive(Debug, Default)]
struct Demoted(AtomicBool);

#[async_trait]
impl Viewer for Demoted {
    async fn sight(&self) -> Option<Sight> {
        Some(Sight { network_origin: !self.0.swap(true, Ordering::SeqCst) })
    }
}

#[tokio::test]
async fn a_feed_shows_what_its_viewer_may_see_by_now() {
    let lab = Lab::new().await;
    let (mut source, shutdown) = (EventSource::default(), CancellationToken::new());
    let mut blocks = feed(&lab, LogQuery::default(), Arc::new(Demoted::default()), &shutdown).await;
    for count in [1, 2] {
        lab.registers("ada").await;
        until(&mut source, &mut blocks, count).await;
    }
    let origins: Vec<_> =
        source.dispatched.iter().map(|(_, data)| data["metadata"].get("ip").is_some()).collect();
    assert_eq!(origins, [true, false]);
}

#[tokio::test]
async fn a_feed_reads_nothing_ahead_of_its_client() {
    let lab = Lab::new().await;
    lab.many(organization(1), 1_000).await;
    let token = Withdrawn::after(usize::MAX);
    let mut blocks = feed(&lab, LogQuery::default(), token.clone(), &CancellationToken::new()).await;
    assert_eq!(token.asked(), 0);
    let mut source = EventSource::default();
    for pages in 1..=3 {
        source.takes(&soon(blocks.next()).await.unwrap().unwrap());
        assert_eq!((token.asked(), source.dispatched.len()), (pages, pages * 100));
    }
}

#[tokio::test]
async fn a_feed_ends_when_the_process_stops() {
    let lab = Lab::new().await;
    lab.many(organization(1), 150).await;
    for blocks_before in [0, 1, 2] {
        let shutdown = CancellationToken::new();
        let mut blocks = feed(&lab, LogQuery::default(), viewer(), &shutdown).await;
        for _ in 0..blocks_before {
            assert!(soon(blocks.next()).await.unwrap().is_ok());
        }
        let stop = async {
            tokio::task::yield_now().await;
            shutdown.cancel();
        };
        if blocks_before == 2 {
            // It waits for what is yet to come.
            let (ended, ()) = tokio::join!(soon(blocks.next()), stop);
            assert!(ended.is_none());
        } else {
            stop.await;
            assert!(soon(blocks.next()).await.is_none());
        }
    }
}

#[tokio::test]
async fn no_stored_text_breaks_out_of_its_block() {
    let lab = Lab::new().await;
    let foreign = Foreign {
        aggregate_type: "team",
        aggregate_id: "1",
        event_type: "A\r\nid: 00000000-99\n\ndata: {}",
        payload: "text\n\nid: 00000000-99\n\n",
        metadata: "{\"actor\":{\"kind\":\"system\"}}",
    };
    lab.writes(foreign).await;
    let mut source = EventSource::default();
    let mut blocks = feed(&lab, LogQuery::default(), viewer(), &CancellationToken::new()).await;
    until(&mut source, &mut blocks, 1).await;
    assert_eq!(source.positions(), [1]);
    assert_eq!(source.last_event_id, lab.history.at(Position(1)).to_string());
    assert_eq!(source.dispatched[0].1["payload"], "text\n\nid: 00000000-99\n\n");
}

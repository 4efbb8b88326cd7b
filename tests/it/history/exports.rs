//! Exports and the tail.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};
use muster::{
    history::{Export, Format, HistoryError, ShownEvent, Sight},
    store::{LogQuery, Store as _, sqlite::SqliteStore},
};
use muster_events::{event::Event, organization::OrganizationEvent, stream::Position};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::lab::{
    Foreign, Lab, Withdrawn, append, by_system, clock, new_event, organization, positions, soon, viewer,
};

fn all() -> LogQuery {
    LogQuery { limit: usize::MAX, ..LogQuery::default() }
}

async fn pages(mut export: Export) -> Vec<ShownEvent> {
    let mut events = Vec::new();
    while let Some(page) = export.next_page().await.unwrap() {
        assert!((1..=500).contains(&page.len()), "a page of {}", page.len());
        events.extend(page);
    }
    assert!(export.next_page().await.unwrap().is_none(), "it goes on after its end");
    events
}

/// Records as RFC 4180 says.
fn csv_records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(characters.next(), Some('\n'));
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            _ => cell.push(character),
        }
    }
    assert!(record.is_empty() && cell.is_empty() && !quoted, "the last line is not ended");
    records
}

#[tokio::test]
async fn an_export_is_the_pages_one_after_the_other() {
    let lab = Lab::new().await;
    lab.sixty().await;
    lab.many(organization(1), 1_140).await;
    let mut by_pages = Vec::new();
    let mut after = String::new();
    loop {
        let query = lab.query(&[("limit", "1000"), ("after", &after)]);
        let page = lab.history.page(query, Sight::ALL).await.unwrap();
        by_pages.extend(page.events);
        let Some(next) = page.next else { break };
        after = next.to_string();
    }
    assert_eq!(by_pages.len(), 1_200);
    let export = |query| lab.history.export(query, viewer());
    assert_eq!(pages(export(all()).await.unwrap()).await, by_pages);
    for limit in [0, 1, 500, 501, 1_000, 1_200, 1_201] {
        let some = pages(export(LogQuery { limit, ..all() }).await.unwrap()).await;
        assert_eq!(some, by_pages[..limit.min(1_200)], "at most {limit}");
    }
    let backwards = LogQuery { limit: usize::MAX, ..lab.query(&[("order", "desc")]) };
    let found = positions(&pages(export(backwards).await.unwrap()).await);
    assert_eq!(found, (1..=1_200).rev().collect::<Vec<_>>());
    let filtered = LogQuery { limit: usize::MAX, ..lab.query(&[("actor", "import")]) };
    assert_eq!(pages(export(filtered).await.unwrap()).await.len(), 15);
    let text: String = export(all()).await.unwrap().into_text(Format::Ndjson).try_collect().await.unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, by_pages.iter().map(|event| serde_json::to_value(event).unwrap()).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_export_ends_where_the_log_ended_when_it_began() {
    let lab = Lab::new().await;
    lab.many(organization(1), 600).await;
    let mut export = lab.history.export(all(), viewer()).await.unwrap();
    assert_eq!(export.up_to(), Position(600));
    let first = export.next_page().await.unwrap().unwrap();
    lab.many(organization(2), 10).await;
    assert_eq!(first.len() + pages(export).await.len(), 600);
    let empty = Lab::new().await;
    assert!(pages(empty.history.export(all(), viewer()).await.unwrap()).await.is_empty());
}

/// A file that is cut off must not look like a whole one.
#[tokio::test]
async fn an_export_is_an_error_once_it_is_no_longer_allowed() {
    let lab = Lab::new().await;
    lab.many(organization(1), 1_200).await;
    let export = lab.history.export(all(), Withdrawn::after(2)).await.unwrap();
    let chunks: Vec<_> = export.into_text(Format::Ndjson).collect().await;
    assert_eq!(chunks.len(), 3);
    assert!(chunks[..2].iter().all(Result::is_ok));
    assert!(matches!(chunks[2], Err(HistoryError::NoLongerAllowed)));
}

#[tokio::test]
async fn csv_has_the_documented_columns_and_no_formulas() {
    let lab = Lab::new().await;
    lab.registers("=HYPERLINK(\"http://example.com\")").await;
    for (aggregate_id, event_type, payload) in [
        ("=1+1", "@SUM(A1)", "-1"),
        ("+1", "\tTab", "\"=quoted\""),
        ("-1", "\u{ff1d}1", "=\"no JSON\",\r\n;x"),
        ("plain", "Plain", "{\"=\":\"a\\nb\"}"),
    ] {
        let metadata = "{\"actor\":{\"kind\":\"=cmd|' /C calc'!A0\",\"id\":\"1\"}}";
        lab.writes(Foreign { aggregate_type: "team", aggregate_id, event_type, payload, metadata }).await;
    }
    let export = lab.history.export(all(), viewer()).await.unwrap();
    let text: String = export.into_text(Format::Csv).try_collect().await.unwrap();
    let records = csv_records(&text);
    let columns = "position,event_id,aggregate_type,aggregate_id,sequence,type,schema_version,recorded_at,organization,\
                   actor,payload,metadata,leaf";
    assert_eq!(records[0].join(","), columns);
    let events = lab.all(Sight::ALL).await;
    assert_eq!(records.len(), events.len() + 1);
    for (record, event) in records[1..].iter().zip(&events) {
        assert_eq!(record.len(), 13);
        let dangerous = |cell: &&String| cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}']);
        assert_eq!(record.iter().find(dangerous), None);
        assert_eq!([&record[0], &record[12]], [&event.position.to_string(), &event.leaf]);
        let payload: Value = serde_json::from_str(record[10].trim_start_matches('\'')).unwrap();
        assert_eq!(payload, event.payload);
    }
    assert_eq!(records[1][3], "7", "a harmless cell was changed");
    assert_eq!(records[1][9], "user:7");
    assert_eq!(records[2][3], "'=1+1");
    assert_eq!(records[5][3], "plain");
    assert!(records[5][9].starts_with("'=cmd"));
}

/// Another process appends, which nothing announces in this one.
#[tokio::test]
async fn a_tail_goes_from_the_past_into_what_is_yet_to_come() {
    let lab = Lab::new().await;
    lab.many(organization(1), 250).await;
    let shutdown = CancellationToken::new();
    let mut tail = lab.history.tail(lab.query(&[("after", "10")]), viewer(), shutdown.clone()).await.unwrap();
    let mut found = Vec::new();
    while found.len() < 240 {
        found.extend(soon(tail.next_page()).await.unwrap().unwrap());
    }
    let elsewhere = SqliteStore::open(&lab.log_file(), clock()).unwrap();
    let event = || new_event(Event::Organization(OrganizationEvent::TwoFactorRequired {}), &by_system());
    append(&elsewhere, organization(2).into(), vec![event(), event()]).await;
    found.extend(soon(tail.next_page()).await.unwrap().unwrap());
    let here = async {
        tokio::task::yield_now().await;
        append(&*lab.store, organization(3).into(), vec![event()]).await;
    };
    let (page, ()) = tokio::join!(soon(tail.next_page()), here);
    found.extend(page.unwrap().unwrap());
    assert_eq!(positions(&found), (11..=253).collect::<Vec<_>>());
    assert_eq!(elsewhere.incarnation(), lab.store.incarnation());
    shutdown.cancel();
    assert!(soon(tail.next_page()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_tail_with_an_end_ends_there() {
    let lab = Lab::new().await;
    lab.sixty().await;
    let shown = lab.all(Sight::ALL).await;
    let query = lab.query(&[("to", &shown[29].recorded_at.to_string())]);
    for query in [query, LogQuery { up_to: Some(Position(30)), ..all() }] {
        let mut tail = lab.history.tail(query, Arc::new(Sight::ALL), CancellationToken::new()).await.unwrap();
        assert_eq!(soon(tail.next_page()).await.unwrap(), Some(shown[..30].to_vec()));
        assert_eq!(soon(tail.next_page()).await.unwrap(), None);
    }
}

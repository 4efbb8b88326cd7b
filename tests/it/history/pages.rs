//! Pages: paging, filters, positions of another log.

use muster::{
    history::{FilterError, FilterText, HistoryError, LogPosition, PositionError, Sight},
    store::{LogQuery, Order},
};
use muster_events::stream::Position;

use super::lab::{Lab, organization, positions};

#[tokio::test]
async fn pages_both_ways_give_every_event_exactly_once() {
    let lab = Lab::new().await;
    lab.sixty().await;
    for (order, limit) in
        ["asc", "desc"].into_iter().flat_map(|order| [1, 7, 20, 59, 60, 61].map(|limit| (order, limit)))
    {
        let (limit_text, mut after, mut found, mut pages) = (limit.to_string(), String::new(), Vec::new(), 0);
        loop {
            let query = lab.query(&[("order", order), ("limit", &limit_text), ("after", &after)]);
            let page = lab.history.page(query, Sight::ALL).await.unwrap();
            found.extend(positions(&page.events));
            pages += 1;
            let Some(next) = page.next else { break };
            after = next.to_string();
        }
        let mut expected: Vec<u64> = (1..=60).collect();
        if order == "desc" {
            expected.reverse();
        }
        assert_eq!(found, expected, "{order} by {limit}");
        assert_eq!(
            pages,
            60_usize.div_ceil(limit),
            "the next of the last page is not null: {order} by {limit}"
        );
    }
}

/// Whether the event at a position is one that is asked for.
type Expected = Box<dyn Fn(&u64) -> bool>;

#[tokio::test]
async fn filters_find_what_they_say_and_nothing_else() {
    let lab = Lab::new().await;
    lab.sixty().await;
    let all = lab.all(Sight::ALL).await;
    let (from, to) = (all[9].recorded_at.to_string(), all[39].recorded_at.to_string());
    let number = |position: &u64| position - 1;
    let cases: [(&[(&str, &str)], Expected); 7] = [
        (&[("type", "TwoFactorRequirementLifted")], Box::new(move |at| number(at) % 7 == 0)),
        (&[("type", "TwoFactorRequirementLifted,TwoFactorRequired")], Box::new(|_| true)),
        (&[("type", "TwoFactorRequired"), ("type", "TeamCreated")], Box::new(move |at| number(at) % 7 != 0)),
        (&[("actor", "import")], Box::new(move |at| number(at) % 4 == 0)),
        (&[("actor", "user:2")], Box::new(move |at| number(at) % 2 == 1)),
        (&[("actor", "1")], Box::new(move |at| number(at) % 4 == 2)),
        (
            &[("from", &from), ("to", &to), ("actor", "import")],
            Box::new(move |at| (10..=40).contains(at) && number(at) % 4 == 0),
        ),
    ];
    for (parameters, expected) in cases {
        let found = lab.history.page(lab.query(parameters), Sight::ALL).await.unwrap();
        let expected: Vec<u64> = (1..=60).filter(|at| expected(at)).collect();
        assert!(!expected.is_empty());
        assert_eq!(positions(&found.events), expected, "{parameters:?}");
        assert_eq!(found.next, None);
    }
    let of_stream = LogQuery { stream: Some(organization(2).into()), ..lab.query(&[("limit", "3")]) };
    let page = lab.history.page(of_stream, Sight::ALL).await.unwrap();
    assert_eq!((positions(&page.events), page.next), (vec![2, 5, 8], Some(lab.history.at(Position(8)))));
}

#[tokio::test]
async fn a_page_is_json_in_the_documented_form() {
    let lab = Lab::new().await;
    lab.sixty().await;
    let page = lab.history.page(lab.query(&[("limit", "1")]), Sight::ALL).await.unwrap();
    let event = &page.events[0];
    let expected = format!(
        "{{\"events\":[{{\"position\":1,\"event_id\":\"{}\",\"aggregate_type\":\"organization\",\"aggregate_id\":\"1\",\
         \"sequence\":1,\"type\":\"TwoFactorRequirementLifted\",\"schema_version\":1,\"recorded_at\":\"{}\",\
         \"organization\":null,\"payload\":{{}},\"metadata\":{{\"actor\":{{\"kind\":\"import\"}},\
         \"causation_id\":null}},\"leaf\":\"{}\"}}],\"next\":\"{}-1\"}}",
        event.event_id,
        event.recorded_at,
        event.leaf,
        lab.store.incarnation(),
    );
    assert_eq!(serde_json::to_string(&page).unwrap(), expected);
    assert_eq!(event.leaf.len(), 64);
    let empty = lab.history.page(lab.query(&[("after", "60")]), Sight::ALL).await.unwrap();
    assert_eq!(serde_json::to_string(&empty).unwrap(), "{\"events\":[],\"next\":null}");
}

#[tokio::test]
async fn one_event_is_found_by_its_position() {
    let lab = Lab::new().await;
    lab.sixty().await;
    let found = lab.history.event(Position(42), Sight::ALL).await.unwrap();
    assert_eq!(found.as_ref(), Some(&lab.all(Sight::ALL).await[41]));
    for nowhere in [0, 61, u64::MAX] {
        assert_eq!(lab.history.event(Position(nowhere), Sight::ALL).await.unwrap(), None);
    }
}

#[tokio::test]
async fn the_next_of_another_incarnation_is_refused_and_both_are_named() {
    let (lab, other) = (Lab::new().await, Lab::new().await);
    lab.sixty().await;
    let next = lab.history.page(lab.query(&[("limit", "5")]), Sight::ALL).await.unwrap().next.unwrap();
    assert_eq!(LogPosition::parse(&next.to_string(), lab.store.incarnation()), Ok(next));
    let text = FilterText { after: Some(next.to_string()), ..FilterText::default() };
    let error = text.query(other.store.incarnation()).unwrap_err();
    let expected = PositionError::OtherIncarnation { given: next, present: other.store.incarnation() };
    assert_eq!(error, FilterError::After(expected));
    let said = error.to_string();
    assert!(
        said.contains(&next.to_string()) && said.contains(&other.store.incarnation().to_string()),
        "{said}"
    );
}

#[tokio::test]
async fn what_cannot_go_on_for_ever_is_refused() {
    let lab = Lab::new().await;
    lab.sixty().await;
    let tail =
        |query| lab.history.tail(query, super::lab::viewer(), tokio_util::sync::CancellationToken::new());
    let newest_first = LogQuery { order: Order::Descending, ..LogQuery::default() };
    assert!(matches!(tail(newest_first).await, Err(HistoryError::NewestFirst)));
    let ahead = LogQuery { after: Some(Position(61)), ..LogQuery::default() };
    let refused = tail(ahead).await.unwrap_err();
    assert!(matches!(refused, HistoryError::AheadOfLog { .. }), "{refused}");
}

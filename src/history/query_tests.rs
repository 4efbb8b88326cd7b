use muster_events::{recorded::ActorKind, stream::Position};

use super::{DEFAULT_LIMIT, FilterError, FilterText};
use crate::store::{Incarnation, LogQuery, Order};

const PRESENT: Incarnation = Incarnation(7);

fn query(parameters: &[(&str, &str)]) -> Result<LogQuery, FilterError> {
    let mut text = FilterText::default();
    for (name, value) in parameters {
        assert!(text.set(name, value)?, "{name} is not known");
    }
    text.query(PRESENT)
}

#[test]
fn nothing_given_asks_for_everything_in_pages() {
    for parameters in [&[][..], &[("type", ""), ("actor", ""), ("after", ""), ("order", "")]] {
        let query = query(parameters).unwrap();
        assert_eq!((query.limit, query.order, query.after), (DEFAULT_LIMIT, Order::Ascending, None));
        assert!(query.types.is_empty() && query.actor_kind.is_none() && query.actor_id.is_none());
    }
}

#[test]
fn types_are_given_in_any_number_of_ways() {
    let many =
        [("type", "OrgRoleChanged, TeamAssigned"), ("type", "MemberRemoved"), ("type", "TeamAssigned,")];
    assert_eq!(query(&many).unwrap().types, ["OrgRoleChanged", "TeamAssigned", "MemberRemoved"]);
}

#[test]
fn an_actor_is_an_id_a_kind_or_both() {
    let actor = |text: &str| query(&[("actor", text)]).map(|query| (query.actor_kind, query.actor_id));
    assert_eq!(actor("42"), Ok((None, Some("42".into()))));
    assert_eq!(actor("import"), Ok((Some(ActorKind::Import), None)));
    assert_eq!(actor("user:42"), Ok((Some(ActorKind::User), Some("42".into()))));
    assert_eq!(actor("policy:some:name"), Ok((Some(ActorKind::Policy), Some("some:name".into()))));
    for text in ["usr", "usr:42", "user:", ":42", ":", "User", "\u{0}"] {
        assert_eq!(actor(text), Err(FilterError::NoActor { given: text.into() }));
    }
}

#[test]
fn times_positions_limits_and_orders_are_read() {
    let all = [
        ("from", "2026-11-24T11:00:00+01:00"),
        ("to", "2026-11-24T10:00:00Z"),
        ("after", "00000007-12"),
        ("limit", "1000"),
        ("order", "desc"),
    ];
    let query = query(&all).unwrap();
    assert_eq!(query.from, query.to);
    assert_eq!((query.after, query.limit, query.order), (Some(Position(12)), 1000, Order::Descending));
}

#[test]
fn every_error_names_its_parameter_and_what_is_needed() {
    let long = "x".repeat(100_000);
    for (parameters, parameter, says) in [
        (vec![("type", "MemberUpdated")], "type", "\"MemberUpdated\" is no type of event; there are "),
        (vec![("type", "TeamAssigned,Nothing")], "type", "\"Nothing\""),
        (vec![("type", long.as_str())], "type", "OrgRoleChanged"),
        (vec![("actor", "usr:7")], "actor", "kind:id"),
        (vec![("from", "yesterday")], "from", "2026-11-24T10:00:00Z"),
        (vec![("from", "2026-11-24T11:00:00 01:00")], "from", "%2B"),
        (vec![("to", "2026-11-24")], "to", "RFC 3339"),
        (vec![("from", "2026-11-24T11:00:00Z"), ("to", "2026-11-24T10:00:00Z")], "from", "later than to"),
        (vec![("after", "00000008-12")], "after", "00000007"),
        (vec![("after", "the start")], "after", "not a position"),
        (vec![("limit", "0")], "limit", "1 to 1000"),
        (vec![("limit", "1001")], "limit", "1 to 1000"),
        (vec![("limit", "+5")], "limit", "1 to 1000"),
        (vec![("limit", long.as_str())], "limit", "1 to 1000"),
        (vec![("order", "newest")], "order", "asc nor desc"),
        (vec![("order", "asc"), ("order", "desc")], "order", "more than once"),
    ] {
        let error = query(&parameters).unwrap_err();
        assert_eq!(error.parameter(), parameter);
        let text = error.to_string();
        assert!(text.starts_with(&format!("{parameter}: ")) && text.contains(says), "{text}");
        assert!(text.len() < 4_000, "the whole of a long value is repeated");
    }
}

#[test]
fn parameters_of_others_are_left_to_them() {
    assert_eq!(FilterText::default().set("at_least", "7"), Ok(false));
}

//! One stored example of every event type in every schema version that ever was. They are never edited and never
//! deleted: what is in a log must stay readable.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{DecodeError, Event};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    aggregate_type: String,
    #[serde(rename = "type")]
    event_type: String,
    schema_version: u32,
    payload: Value,
}

impl Fixture {
    /// Reads the payload as if it were this aggregate's.
    fn decode_as(&self, aggregate_type: &str) -> Result<Event, DecodeError> {
        Event::decode(aggregate_type, &self.event_type, self.schema_version, &self.payload.to_string())
    }

    fn decode(&self) -> Event {
        self.decode_as(&self.aggregate_type).unwrap_or_else(|error| panic!("{}: {error}", self.file_name()))
    }

    fn file_name(&self) -> String {
        format!("{}.v{}.json", self.event_type, self.schema_version)
    }

    fn is_current(&self) -> bool {
        Event::stored_types()
            .any(|(_, name, version)| name == self.event_type && version == self.schema_version)
    }
}

/// Every fixture with the name of its file.
fn fixtures() -> Vec<(String, Fixture)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let files = std::fs::read_dir(folder).expect("the folder of fixtures is there");
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).unwrap();
        let fixture = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, fixture)
    };
    files.map(read).collect()
}

/// The events that the fixtures of the current versions hold.
pub(crate) fn current_events() -> Vec<Event> {
    fixtures()
        .iter()
        .map(|(_, fixture)| fixture)
        .filter(|fixture| fixture.is_current())
        .map(Fixture::decode)
        .collect()
}

/// The one key of the derived form `{"Name":{...}}`.
fn name_in_json(event: &Event) -> String {
    fn key(event: &impl Serialize) -> String {
        let json = serde_json::to_value(event).unwrap();
        let object = json.as_object().expect("an event is an object, also one without fields");
        assert_eq!(object.len(), 1);
        object.keys().next().unwrap().clone()
    }
    match event {
        Event::Member(event) => key(event),
        Event::Organization(event) => key(event),
        Event::Team(event) => key(event),
        Event::User(event) => key(event),
        Event::Token(event) => key(event),
        Event::Roles(event) => key(event),
        Event::Letter(event) => key(event),
    }
}

#[test]
fn every_stored_type_has_a_fixture_of_every_version() {
    let found: BTreeSet<_> = fixtures().into_iter().map(|(name, _)| name).collect();
    let needed: BTreeSet<_> = Event::stored_types()
        .flat_map(|(_, name, current)| (1..=current).map(move |version| format!("{name}.v{version}.json")))
        .collect();
    assert_eq!(found, needed);
}

#[test]
fn no_two_aggregates_store_an_event_under_the_same_name() {
    let names: BTreeSet<_> = Event::stored_types().map(|(_, name, _)| name).collect();
    assert_eq!(names.len(), Event::stored_types().count());
}

#[test]
fn a_file_is_called_after_what_it_holds() {
    for (name, fixture) in fixtures() {
        assert_eq!(name, fixture.file_name());
        let is_stored = |(aggregate, event, _): (&str, &str, u32)| {
            aggregate == fixture.aggregate_type && event == fixture.event_type
        };
        assert!(Event::stored_types().any(is_stored), "{name} holds no event of {}", fixture.aggregate_type);
    }
}

#[test]
fn every_fixture_can_be_read() {
    for (_, fixture) in fixtures() {
        assert_eq!(fixture.decode().event_type(), fixture.event_type);
    }
}

#[test]
fn a_current_fixture_is_written_again_as_it_was_read() {
    for (name, fixture) in fixtures() {
        if fixture.is_current() {
            let event = fixture.decode();
            assert_eq!(event.schema_version(), fixture.schema_version);
            assert_eq!(event.encode().unwrap(), fixture.payload.to_string(), "{name}");
        }
    }
}

#[test]
fn stored_names_are_those_of_the_json() {
    for event in current_events() {
        assert_eq!(name_in_json(&event), event.event_type());
    }
}

#[test]
fn what_is_not_known_is_not_read() {
    for (name, fixture) in fixtures() {
        let unknown = fixture.decode_as("parcel");
        assert!(
            matches!(unknown, Err(DecodeError::UnknownAggregate(aggregate)) if aggregate == "parcel"),
            "{name}"
        );
        let newer = Fixture { schema_version: 1000, ..fixture };
        assert!(matches!(
            newer.decode_as(&newer.aggregate_type),
            Err(DecodeError::Unknown { version: 1000, .. })
        ));
        let renamed = Fixture { event_type: "MemberUpdated".into(), schema_version: 1, ..newer };
        assert!(
            matches!(renamed.decode_as(&renamed.aggregate_type), Err(DecodeError::Unknown { .. })),
            "{name}"
        );
    }
}

#[test]
fn a_payload_of_another_shape_is_not_read() {
    for (name, fixture) in fixtures().into_iter().filter(|(_, fixture)| fixture.is_current()) {
        let read = |payload: &str| {
            Event::decode(&fixture.aggregate_type, &fixture.event_type, fixture.schema_version, payload)
        };
        let mut extended = fixture.payload.clone();
        extended["surprise"] = Value::Null;
        let broken = ["", "null", "[]", "{", "{}}", "{},\"SuperuserGranted\":{}", &extended.to_string()];
        for payload in broken {
            assert!(
                matches!(read(payload), Err(DecodeError::Malformed { .. })),
                "{name} was read from {payload:?}"
            );
        }
    }
}

#[test]
fn a_schema_version_before_the_first_is_not_read() {
    for (name, fixture) in fixtures() {
        let before = Fixture { schema_version: 0, ..fixture };
        assert!(matches!(before.decode_as(&before.aggregate_type), Err(DecodeError::Upcast(_))), "{name}");
    }
}

/// Whoever looks for the rows of an address reads these types and no others: one that is missing there would be missed by
/// an erasure.
#[test]
fn the_events_that_seal_an_address_for_a_row_are_those_that_are_looked_for() {
    let of_members = current_events().into_iter().filter_map(|event| match event {
        Event::Member(event) => Some(event),
        _ => None,
    });
    let addressed = of_members.filter(|event| event.address().is_some());
    let types: BTreeSet<_> = addressed.map(|event| Event::from(event).event_type()).collect();
    assert_eq!(types, BTreeSet::from(crate::member::ADDRESSED));
    // Every personal value of a member's event is such an address.
    for event in current_events() {
        let Event::Member(mut member) = event else { continue };
        let mut values = Counted(0);
        let Ok(()) = member.visit_personal(&mut values);
        assert_eq!(values.0, usize::from(member.address().is_some()), "{member:?}");
    }
}

/// Counts personal values.
struct Counted(usize);

impl crate::personal::PersonalVisitor for Counted {
    type Error = std::convert::Infallible;

    fn visit<T: crate::personal::PersonalText>(
        &mut self,
        _: &str,
        _: &mut crate::personal::Personal<T>,
    ) -> Result<(), Self::Error> {
        self.0 += 1;
        Ok(())
    }
}

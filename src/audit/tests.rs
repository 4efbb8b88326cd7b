use std::{collections::BTreeSet, sync::Arc};

use muster_events::{
    event::Event,
    id::{MemberId, OrganizationId, TeamId, UserId},
    member::{AssignedHow, MemberEvent, UnassignedHow},
    organization::OrganizationEvent,
    recorded::{Actor, Metadata, RecordedEvent},
    roles::RoleId,
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use serde_json::json;
use uuid::Uuid;

use super::{Class, Kind, Value, changes, classify, entries, same_run};

fn role(id: &str) -> RoleId {
    RoleId::new(id).unwrap()
}

fn team(number: u64) -> TeamId {
    TeamId::new(number).unwrap()
}

fn recorded(position: u64, event: impl Into<Event>) -> Arc<RecordedEvent> {
    Arc::new(RecordedEvent {
        position: Position(position),
        event_id: Uuid::from_u128(u128::from(position)),
        stream: StreamId::from(MemberId::new(7).unwrap()),
        sequence: Sequence(position),
        recorded_at: Timestamp::default(),
        organization: OrganizationId::new(1).ok(),
        event: event.into(),
        metadata: Metadata::by(Actor::user(UserId::new(3).unwrap(), None)),
    })
}

fn role_changed() -> MemberEvent {
    MemberEvent::OrgRoleChanged { from: role("member"), to: role("manager"), ownership: None }
}

fn assigned(number: u64, how: AssignedHow) -> MemberEvent {
    MemberEvent::TeamAssigned { team: team(number), role: None, how }
}

fn unassigned(number: u64, how: UnassignedHow) -> MemberEvent {
    MemberEvent::TeamUnassigned { team: team(number), role: None, how }
}

fn added() -> MemberEvent {
    MemberEvent::MemberAdded {
        organization: OrganizationId::new(1).unwrap(),
        user: UserId::new(4).unwrap(),
        org_role: role("member"),
        addresses: vec![],
        ownership: None,
    }
}

/// Kind, id and positions of each entry.
fn told(run: &[Arc<RecordedEvent>]) -> Vec<(Kind, u64, Vec<u64>)> {
    let positions = |entry: &super::Entry| entry.events.iter().map(|event| event.position.0).collect();
    entries(run).iter().map(|entry| (entry.kind, entry.id(), positions(entry))).collect()
}

#[test]
fn what_one_request_changed_of_a_member_is_one_edit_with_an_entry_for_each_team() {
    let run = [
        recorded(10, role_changed()),
        recorded(11, unassigned(1, UnassignedHow::Replaced)),
        recorded(12, assigned(2, AssignedHow::Replaced)),
        recorded(13, MemberEvent::TeamRoleChanged { team: team(3), from: None, to: Some(role("admin")) }),
    ];
    let all = [
        (Kind::MemberEdit, 27, vec![10, 11, 12, 13]),
        (Kind::MemberJoinTeam, 24, vec![12]),
        (Kind::MemberLeaveTeam, 22, vec![11]),
    ];
    assert_eq!(told(&run), all);
}

#[test]
fn a_team_that_was_joined_or_left_alone_is_no_edit() {
    assert_eq!(told(&[recorded(4, assigned(1, AssignedHow::Joined))]), [(Kind::MemberJoinTeam, 8, vec![4])]);
    assert_eq!(
        told(&[recorded(4, unassigned(1, UnassignedHow::Left))]),
        [(Kind::MemberLeaveTeam, 8, vec![4])]
    );
}

#[test]
fn what_comes_with_a_birth_belongs_to_it() {
    let run = [recorded(5, added()), recorded(6, assigned(1, AssignedHow::Imported))];
    assert_eq!(told(&run), [(Kind::MemberAdd, 10, vec![5, 6])]);
    let later = [recorded(6, assigned(1, AssignedHow::Imported))];
    assert_eq!(
        told(&later),
        [(Kind::MemberEdit, 13, vec![6]), (Kind::MemberJoinTeam, 12, vec![6])],
        "what an import adds later is no birth"
    );
}

#[test]
fn settings_that_are_changed_with_the_end_called_off_are_told_with_it() {
    let renamed = || OrganizationEvent::OrganizationRenamed { from: "A".into(), to: "B".into() };
    let both = [recorded(4, renamed()), recorded(5, OrganizationEvent::DeletionCancelled {})];
    assert_eq!(told(&both), [(Kind::OrgRestore, 11, vec![4, 5])]);
    assert_eq!(told(&both[..1]), [(Kind::OrgEdit, 9, vec![4])]);
}

#[test]
fn a_run_is_one_command_on_one_stream() {
    let one = recorded(1, role_changed());
    assert!(same_run(&one, &recorded(2, role_changed())));
    let differing: [fn(&mut RecordedEvent); 6] = [
        |other| other.stream = StreamId::new("member", "8"),
        |other| other.recorded_at = Timestamp::from_micros(1).unwrap(),
        |other| other.metadata.actor = Actor::user(UserId::new(4).unwrap(), None),
        |other| other.metadata.request_id = Some("another".into()),
        |other| other.metadata.causation_id = Some(Uuid::from_u128(1)),
        |other| other.metadata.idempotency_key = Some("another".into()),
    ];
    for differ in differing {
        let mut other = RecordedEvent::clone(&recorded(2, role_changed()));
        differ(&mut other);
        assert!(!same_run(&one, &other), "{other:?}");
    }
}

#[test]
fn a_change_is_told_under_the_name_of_the_field() {
    let flag = OrganizationEvent::OrganizationFlagChanged { flag: "disable_member_invite".into(), to: true };
    let told = changes(&Event::Organization(flag)).remove(0);
    assert_eq!(told.field, "allowMemberInvite");
    assert_eq!((told.from, told.to), (Value::Plain(json!(true)), Value::Plain(json!(false))));
}

/// Every event of every type that there is, as the fixtures of the events have it.
fn examples() -> Vec<Event> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/events/fixtures");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let decode = |path: std::path::PathBuf| {
        let fixture: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let text = |name: &str| fixture[name].as_str().unwrap();
        let version = u32::try_from(fixture["schema_version"].as_u64().unwrap()).unwrap();
        Event::decode(text("aggregate_type"), text("type"), version, &fixture["payload"].to_string()).unwrap()
    };
    let found: Vec<_> = files.map(decode).collect();
    let types: BTreeSet<_> = found.iter().map(Event::event_type).collect();
    assert_eq!(types, Event::stored_types().map(|(_, name, _)| name).collect());
    found
}

fn kinds_of(event: &Event) -> Vec<Kind> {
    match classify(event) {
        Class::Own(kind) | Class::Part(kind) => vec![kind],
        Class::OwnAndPart(own, part) => vec![own, part],
        Class::Silent => vec![],
    }
}

#[test]
fn every_kind_names_the_events_that_make_it() {
    for event in examples() {
        for kind in kinds_of(&event) {
            let name = event.event_type();
            assert!(kind.event_types().contains(&name), "{name} is missing beside {kind:?} in kind.rs");
        }
    }
    let known: BTreeSet<_> = Event::stored_types().map(|(_, name, _)| name).collect();
    for kind in Kind::ALL {
        let unknown: Vec<_> = kind.event_types().iter().filter(|name| !known.contains(**name)).collect();
        assert!(unknown.is_empty(), "{kind:?} names {unknown:?}, which are no events");
    }
}

#[test]
fn what_is_told_says_what_changed() {
    // Whose whole meaning is that they happened.
    let without =
        ["DeletionCancelled", "InviteApproved", "InviteResent", "InviteTokenRegenerated", "SsoLinkRequested"];
    for event in examples() {
        let told = !kinds_of(&event).is_empty() && !without.contains(&event.event_type());
        assert_eq!(told, !changes(&event).is_empty(), "{}: see change.rs", event.event_type());
    }
}

#[test]
fn names_and_numbers_are_those_of_one_kind_each() {
    let numbers: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.number()).collect();
    let names: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.api_name()).collect();
    assert_eq!((numbers.len(), names.len()), (Kind::ALL.len(), Kind::ALL.len()));
    assert!(Kind::ALL.iter().all(|kind| Kind::by_api_name(kind.api_name()) == Some(*kind)));
}

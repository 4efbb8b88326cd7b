//! Actors in text and JSON, and what of the metadata is a person's.

use std::convert::Infallible;

use serde_json::json;

use super::{Actor, ActorKind, Metadata};
use crate::{
    id::TokenId,
    personal::{Personal, PersonalText, PersonalVisitor},
    specification::{acme, user},
};

#[test]
fn names_of_kinds_are_the_stored_ones() {
    for kind in ActorKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        assert_eq!(kind.name().parse(), Ok(kind));
    }
    assert!("User".parse::<ActorKind>().is_err());
}

#[test]
fn an_actor_reads_as_kind_and_id() {
    assert_eq!(Actor::user(user(7), None).to_string(), "user:7");
    assert_eq!(Actor::integration(acme(), TokenId::new(3).unwrap()).to_string(), "integration:1");
    assert_eq!(Actor::only(ActorKind::Import).to_string(), "import");
}

#[test]
fn an_actor_is_written_with_what_is_known_of_him() {
    let actor = Actor::user(user(7), Some(TokenId::new(3).unwrap()));
    let policy = Actor { on_behalf_of: Some(Box::new(actor)), ..Actor::only(ActorKind::Policy) };
    let json = json!({"kind": "policy", "on_behalf_of": {"kind": "user", "id": "7", "via": "3"}});
    assert_eq!(serde_json::to_value(&policy).unwrap(), json);
    assert_eq!(serde_json::from_value::<Actor>(json).unwrap(), policy);
}

#[test]
fn metadata_of_which_nothing_is_known_is_the_actor_alone() {
    let metadata = Metadata::by(Actor::only(ActorKind::System));
    assert_eq!(serde_json::to_value(&metadata).unwrap(), json!({"actor": {"kind": "system"}}));
}

#[test]
fn address_and_program_of_the_caller_are_a_persons() {
    struct Fields(Vec<String>);
    impl PersonalVisitor for Fields {
        type Error = Infallible;
        fn visit<T: PersonalText>(&mut self, field: &str, value: &mut Personal<T>) -> Result<(), Infallible> {
            assert!(value.envelope().is_none());
            self.0.push(field.into());
            Ok(())
        }
    }
    let mut metadata = Metadata::by(Actor::user(user(7), None));
    metadata.ip = Some(Personal::open("192.0.2.1".into(), None));
    metadata.user_agent = Some(Personal::open("curl".into(), None));
    let mut fields = Fields(vec![]);
    let Ok(()) = metadata.visit_personal(&mut fields);
    assert_eq!(fields.0, ["ip", "user_agent"]);
    assert!(serde_json::to_string(&metadata).is_err(), "what is open is not written down");
}

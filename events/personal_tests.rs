//! What may be written down, and what identifies a value.

use serde_json::json;

use super::{EmailAddress, Envelope, KeyedHash, Personal, PersonalText, UserName};
use crate::specification::{email, hash};

fn envelope(hash: Option<KeyedHash>) -> Envelope {
    Envelope { key: "k1".into(), sealed_for: "EmailAdded.email".into(), sealed: "AAAA".into(), hash }
}

#[test]
fn an_open_value_is_never_written_down() {
    let error = serde_json::to_string(&email("mia@acme.example")).unwrap_err().to_string();
    assert_eq!(error, "a personal value must be sealed before it is written");
}

#[test]
fn a_sealed_value_is_its_envelope() {
    let sealed = Personal::<EmailAddress>::Sealed(envelope(Some(hash("mia@acme.example"))));
    let json = json!({
        "key": "k1", "for": "EmailAdded.email", "sealed": "AAAA", "hash": "h1:mia@acme.example",
    });
    assert_eq!(serde_json::to_value(&sealed).unwrap(), json);
    assert_eq!(serde_json::from_value::<Personal<EmailAddress>>(json).unwrap(), sealed);
    assert_eq!(sealed.hash(), email("Mia@acme.example").hash());
}

#[test]
fn a_value_that_is_never_looked_up_has_no_hash() {
    let sealed = Personal::<String>::Sealed(envelope(None));
    let json = serde_json::to_value(&sealed).unwrap();
    assert_eq!(json, json!({"key": "k1", "for": "EmailAdded.email", "sealed": "AAAA"}));
    assert_eq!("Mia".to_owned().identity(), None);
}

#[test]
fn plain_text_is_not_taken_for_a_sealed_value() {
    assert!(serde_json::from_str::<Personal<String>>("\"mia@acme.example\"").is_err());
    assert!(serde_json::from_value::<Personal<String>>(json!({"value": "mia@acme.example"})).is_err());
}

#[test]
fn the_case_of_an_address_or_a_user_name_does_not_identify_it() {
    let address = |text: &str| EmailAddress(text.into()).identity();
    let name = |text: &str| UserName(text.into()).identity();
    assert_eq!(address("Mia@ACME.example"), address("mia@acme.example"));
    assert_eq!(address("\u{c9}va@acme.example"), address("\u{e9}va@acme.example"));
    assert_eq!(name("Mia"), name("mia"));
    assert_ne!(address("mia"), name("mia"), "an address is no user name");
}

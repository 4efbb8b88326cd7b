//! Codes and their stored form.

use std::collections::BTreeSet;

use super::{FieldError, Refusal};
use crate::specification::role;

#[test]
fn no_two_refusals_have_the_same_code() {
    let codes: BTreeSet<_> = Refusal::CODES.iter().collect();
    assert_eq!(codes.len(), Refusal::CODES.len());
}

#[test]
fn a_refusal_is_stored_under_its_code_and_read_again_as_it_was() {
    let refusals = [
        Refusal::NotFound,
        Refusal::InvalidFields { errors: vec![FieldError::new("teams", "Invalid teams")] },
        Refusal::TeamRolesNotAllowed { role: role("billing") },
        Refusal::SlugMalformed { slug: "a b".into(), why: "no".into() },
        Refusal::RolesInUse { roles: vec![role("member")] },
    ];
    for refusal in refusals {
        let json = serde_json::to_value(&refusal).unwrap();
        assert_eq!(json["refusal"], refusal.code());
        assert!(Refusal::CODES.contains(&refusal.code()));
        assert_eq!(serde_json::from_value::<Refusal>(json).unwrap(), refusal);
    }
}

#[test]
fn a_refusal_reads_as_its_code() {
    assert_eq!(Refusal::OwnRole.to_string(), "refused: own_role");
}

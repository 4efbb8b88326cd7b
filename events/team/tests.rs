//! Decisions about teams.

use super::{Team, TeamCommand, TeamEvent, TeamFlag};
use crate::specification::{acme, given, state};

fn create(slug: &str, name: &str) -> TeamCommand {
    TeamCommand::Create { organization: acme(), slug: slug.into(), name: name.into() }
}

fn created() -> TeamEvent {
    TeamEvent::TeamCreated { organization: acme(), slug: "web".into(), name: "Web".into() }
}

fn flagged(flag: TeamFlag, to: bool) -> TeamEvent {
    TeamEvent::TeamFlagged { flag, to }
}

#[test]
fn a_team_is_created_active() {
    given::<Team>([]).when(create("web", " Web ")).then([created()]);
    let team: Team = state([created()]);
    assert!(team.active && !team.idp_provisioned);
}

#[test]
fn a_team_is_not_created_twice() {
    given::<Team>([created()]).when(create("web", "Web")).then_refused("already_exists");
}

#[test]
fn a_slug_may_be_short_and_be_a_reserved_word_but_no_number() {
    for slug in ["qa", "api", "settings"] {
        let created = TeamEvent::TeamCreated { organization: acme(), slug: slug.into(), name: "Web".into() };
        given::<Team>([]).when(create(slug, "Web")).then([created]);
    }
    for slug in ["", "42", "Web", "we b", "-web", "web-"] {
        given::<Team>([]).when(create(slug, "Web")).then_refused("slug_malformed");
    }
}

#[test]
fn a_name_is_neither_blank_nor_long_nor_has_it_null_characters() {
    let long = "x".repeat(65);
    for name in ["", "  ", "W\0b", &long] {
        given::<Team>([]).when(create("web", name)).then_refused("invalid_fields");
    }
}

#[test]
fn a_mark_is_set_once_and_cleared_once() {
    for flag in [TeamFlag::IdpProvisioned, TeamFlag::BeingDeleted] {
        let set = |to| TeamCommand::Flag(flag, to);
        given::<Team>([created()]).when(set(true)).then([flagged(flag, true)]);
        given::<Team>([created(), flagged(flag, true)]).when(set(true)).then_nothing();
        given::<Team>([created(), flagged(flag, true)]).when(set(false)).then([flagged(flag, false)]);
        given::<Team>([created()]).when(set(false)).then_nothing();
    }
}

#[test]
fn a_team_that_is_being_deleted_is_not_active() {
    let team: Team = state([created(), flagged(TeamFlag::BeingDeleted, true)]);
    assert!(!team.active);
}

#[test]
fn a_team_that_is_not_there_is_not_marked() {
    given::<Team>([]).when(TeamCommand::Flag(TeamFlag::IdpProvisioned, true)).then_refused("not_found");
    given::<Team>([]).when(TeamCommand::Flag(TeamFlag::BeingDeleted, false)).then_refused("not_found");
}

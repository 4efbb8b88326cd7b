//! Decisions about the roles of the deployment (design 7, D30).

use std::collections::BTreeSet;

use super::{RoleDefinitions, RolesCommand, RolesEvent};
use crate::{
    refusal::Refusal,
    roles::{RoleId, RolesDefinition},
    specification::{given, role, state},
};

const BUNDLED: &str = include_str!("../roles.toml");

fn bundled() -> RolesDefinition {
    RolesDefinition::bundled()
}

/// The bundled roles without the table of this kind that has this id.
fn without(kind: &str, id: &str) -> RolesDefinition {
    let (preface, tables) = BUNDLED.split_at(BUNDLED.find("[[").unwrap());
    let is_it = |table: &&str| table.starts_with(kind) && table.contains(&format!("\nid = \"{id}\"\n"));
    let kept = tables.split("[[").skip(1).filter(|table| !is_it(table)).map(|table| format!("[[{table}"));
    RolesDefinition::from_toml(&kept.fold(preface.to_owned(), |text, table| text + &table)).unwrap()
}

/// The bundled roles with one more on top.
fn with_emperor() -> RolesDefinition {
    let emperor = "[[org_role]]\nid = \"emperor\"\nname = \"Emperor\"\nscopes = [\"org:admin\"]\n";
    let at = BUNDLED.find("[[team_role]]").unwrap();
    RolesDefinition::from_toml(&format!("{}{emperor}{}", &BUNDLED[..at], &BUNDLED[at..])).unwrap()
}

fn ids(texts: &[&str]) -> BTreeSet<RoleId> {
    texts.iter().map(|text| role(text)).collect()
}

fn define(content: RolesDefinition, org_roles: &[&str], team_roles: &[&str]) -> RolesCommand {
    RolesCommand::Define { content, held_org_roles: ids(org_roles), held_team_roles: ids(team_roles) }
}

fn defined(content: RolesDefinition) -> RolesEvent {
    RolesEvent::RolesDefined { content }
}

#[test]
fn the_first_definition_is_taken_as_it_is() {
    given::<RoleDefinitions>([]).when(define(bundled(), &[], &[])).then([defined(bundled())]);
}

#[test]
fn the_same_definition_again_changes_nothing() {
    given::<RoleDefinitions>([defined(bundled())]).when(define(bundled(), &["viewer"], &[])).then_nothing();
}

#[test]
fn another_definition_replaces_the_one_before() {
    let fewer = without("org_role", "manager");
    given::<RoleDefinitions>([defined(bundled())])
        .when(define(fewer.clone(), &["member", "owner"], &["admin"]))
        .then([defined(fewer.clone())]);
    let roles: RoleDefinitions = state([defined(bundled()), defined(fewer.clone())]);
    assert_eq!(*roles.in_force.unwrap().definition(), fewer);
}

#[test]
fn a_role_that_somebody_holds_does_not_vanish() {
    given::<RoleDefinitions>([defined(bundled())])
        .when(define(without("org_role", "manager"), &["manager", "member", "owner"], &[]))
        .then_refused_as(Refusal::RolesInUse { roles: vec![role("manager")] });
}

#[test]
fn an_organization_role_vanishes_even_when_a_team_role_has_the_same_id() {
    let text = BUNDLED.replace("minimum_role_for = \"admin\"", "minimum_role_for = \"manager\"");
    let (before, rest) = text.split_once("[[org_role]]\nid = \"admin\"").unwrap();
    let (_, after) = rest.split_once("[[org_role]]").unwrap();
    let without_org_admin = RolesDefinition::from_toml(&format!("{before}[[org_role]]{after}")).unwrap();
    given::<RoleDefinitions>([defined(bundled())])
        .when(define(without_org_admin.clone(), &["admin"], &[]))
        .then_refused_as(Refusal::RolesInUse { roles: vec![role("admin")] });
    given::<RoleDefinitions>([defined(bundled())])
        .when(define(without_org_admin.clone(), &["owner"], &["admin"]))
        .then([defined(without_org_admin)]);
}

#[test]
fn a_team_role_that_somebody_holds_does_not_vanish() {
    given::<RoleDefinitions>([defined(bundled())])
        .when(define(without("team_role", "contributor"), &["member"], &["contributor"]))
        .then_refused_as(Refusal::RolesInUse { roles: vec![role("contributor")] });
}

#[test]
fn while_there_are_owners_no_other_role_becomes_the_top_one() {
    given::<RoleDefinitions>([defined(bundled())])
        .when(define(with_emperor(), &["owner"], &[]))
        .then_refused_as(Refusal::TopRoleFixed { role: role("owner") });
    given::<RoleDefinitions>([defined(bundled())])
        .when(define(with_emperor(), &["manager"], &[]))
        .then([defined(with_emperor())]);
}

#[test]
fn the_state_survives_being_written_down() {
    for roles in [RoleDefinitions::default(), state([defined(bundled())])] {
        let text = serde_json::to_string(&roles).unwrap();
        assert_eq!(serde_json::from_str::<RoleDefinitions>(&text).unwrap(), roles);
    }
}

//! Who may pass, with which scopes, and who may hand out which role (behaviour 1.3, 2.6, 7.5).

use super::Requester;
use crate::{
    member::{MemberEvent, MemberFlag, RemovalReason},
    organization::OrganizationEvent,
    refusal::Refusal,
    roles::{ScopeSet, known_scopes},
    specification::{
        World, acme, admin, flagged, globex, integration, manager, owner, plain_member, requester, role,
        roles_with_billing, scopes, stranger, superuser,
    },
    user::Authenticator,
};

fn gate(requester: &Requester, world: &World, needs: &[&str]) -> Result<ScopeSet, Refusal> {
    requester.gate(acme(), &world.organization, &world.roles, needs, false)
}

fn passes(requester: &Requester, needs: &[&str]) -> bool {
    gate(requester, &World::default(), needs).is_ok()
}

fn allowed(requester: &Requester, world: &World, inviting: bool) -> Vec<String> {
    let scopes = requester.scopes(acme(), &world.organization, &world.roles);
    let roles = requester.allowed_org_roles(&scopes, &world.organization, &world.roles, inviting);
    roles.iter().map(ToString::to_string).collect()
}

fn required() -> OrganizationEvent {
    OrganizationEvent::TwoFactorRequired {}
}

#[test]
fn one_of_the_scopes_is_enough() {
    assert!(passes(&plain_member(), &["org:write", "member:read"]));
    assert!(!passes(&plain_member(), &["org:write", "member:write"]));
    assert!(!passes(&owner(), &[]));
}

#[test]
fn who_is_no_member_has_no_permission() {
    assert_eq!(gate(&stranger(), &World::default(), &["org:read"]), Err(Refusal::NoPermission));
}

#[test]
fn who_was_removed_has_no_permission() {
    let removed = MemberEvent::MemberRemoved {
        reason: RemovalReason::Removed,
        role: role("owner"),
        teams: vec![],
        user: None,
        addresses: vec![],
        ownership: None,
    };
    assert_eq!(gate(&owner().after(&removed), &World::default(), &["org:read"]), Err(Refusal::NoPermission));
}

#[test]
fn a_token_gives_what_role_and_token_both_give() {
    let limited = plain_member().limited_to(&["org:admin", "event:write", "project:releases"]);
    let granted = gate(&limited, &World::default(), &["org:read"]).unwrap();
    assert_eq!(granted, scopes(&["event:read", "event:write", "org:read", "project:releases"]));
}

#[test]
fn a_scope_of_a_token_brings_the_lower_ones_along() {
    let granted = |scope| gate(&owner().limited_to(&[scope]), &World::default(), &[scope]).unwrap();
    assert_eq!(granted("member:invite"), scopes(&["member:invite", "member:read"]));
    assert_eq!(granted("member:write"), scopes(&["member:write", "member:invite", "member:read"]));
    assert_eq!(
        granted("member:admin"),
        scopes(&["member:admin", "member:write", "member:invite", "member:read"])
    );
}

#[test]
fn a_token_with_no_scopes_at_all_permits_nothing() {
    assert!(!passes(&owner().limited_to(&[]), &["org:read", "member:read"]));
}

#[test]
fn options_take_scopes_away_from_plain_members_only() {
    let off = |option: &str| OrganizationEvent::OrganizationOptionChanged {
        option: option.into(),
        from: serde_json::Value::Null,
        to: false.into(),
    };
    let world = World::default().after(&off("eventsMemberAdmin")).after(&off("alertsMemberWrite"));
    for scope in ["event:admin", "alerts:write"] {
        assert!(gate(&plain_member(), &world, &[scope]).is_err());
        assert!(gate(&admin(), &world, &[scope]).is_ok());
        assert!(passes(&plain_member(), &[scope]));
    }
}

fn over_limit() -> Refusal {
    Refusal::MemberOverLimit { organization: World::default().organization.slug.clone() }
}

#[test]
fn who_is_suspended_over_the_limit_passes_only_where_he_may_leave() {
    let suspended = owner().after(&flagged(MemberFlag::MemberLimitRestricted));
    let world = World::default();
    assert_eq!(gate(&suspended, &world, &["org:read"]), Err(over_limit()));
    assert!(suspended.gate(acme(), &world.organization, &world.roles, &["org:read"], true).is_ok());
}

#[test]
fn the_limit_is_said_before_the_second_factor_and_both_before_the_scopes() {
    let suspended = plain_member().after(&flagged(MemberFlag::MemberLimitRestricted));
    let world = World::default().after(&required());
    assert_eq!(gate(&suspended, &world, &["org:admin"]), Err(over_limit()));
    assert_eq!(gate(&plain_member(), &world, &["org:admin"]), Err(Refusal::TwoFactorRequired));
}

#[test]
fn a_required_second_factor_is_any_but_recovery_codes() {
    let world = World::default().after(&required());
    let with = |kind| gate(&owner().with(kind), &world, &["org:read"]).map(|_| ());
    assert_eq!(gate(&owner(), &world, &["org:read"]), Err(Refusal::TwoFactorRequired));
    assert_eq!(with(Authenticator::Recovery), Err(Refusal::TwoFactorRequired));
    for kind in [Authenticator::Totp, Authenticator::Sms, Authenticator::U2f] {
        assert_eq!(with(kind), Ok(()));
    }
}

#[test]
fn superusers_and_integrations_need_no_second_factor() {
    let world = World::default().after(&required());
    assert!(gate(&superuser(), &world, &["org:admin"]).is_ok());
    assert!(gate(&integration(acme()), &world, &["org:admin"]).is_ok());
}

#[test]
fn a_superuser_needs_no_membership_but_his_token_limits_him() {
    assert_eq!(gate(&superuser(), &World::default(), &["org:admin"]), Ok(known_scopes()));
    assert!(!passes(&superuser().limited_to(&["org:read"]), &["org:write"]));
}

#[test]
fn an_integration_has_the_scopes_of_its_token_in_its_own_organization_only() {
    assert_eq!(gate(&integration(acme()), &World::default(), &["org:read"]), Ok(known_scopes()));
    let limited = integration(acme()).limited_to(&["member:write"]);
    let granted = scopes(&["member:write", "member:invite", "member:read"]);
    assert_eq!(gate(&limited, &World::default(), &["member:read"]), Ok(granted));
    assert_eq!(gate(&integration(globex()), &World::default(), &["org:read"]), Err(Refusal::NoPermission));
}

#[test]
fn roles_are_handed_out_by_those_who_administer_members() {
    let world = World::default();
    assert!(allowed(&plain_member(), &world, false).is_empty());
    assert!(allowed(&admin(), &world, false).is_empty());
    assert_eq!(allowed(&manager(), &world, false), ["member", "admin", "manager"]);
    assert_eq!(allowed(&owner(), &world, false), ["member", "admin", "manager", "owner"]);
}

#[test]
fn inviting_needs_no_right_to_administer_members() {
    let world = World::default();
    assert_eq!(allowed(&plain_member(), &world, true), ["member"]);
    assert_eq!(allowed(&admin(), &world, true), ["member", "admin"]);
    assert_eq!(allowed(&manager(), &world, true), ["member", "admin", "manager"]);
}

#[test]
fn a_token_without_the_right_to_administer_members_hands_out_no_role() {
    let world = World::default();
    assert!(allowed(&owner().limited_to(&["member:write"]), &world, false).is_empty());
    assert_eq!(allowed(&owner().limited_to(&["member:admin"]), &world, false).len(), 4);
}

#[test]
fn a_superuser_hands_out_every_role() {
    assert_eq!(allowed(&superuser(), &World::default(), false).len(), 4);
    assert_eq!(allowed(&superuser().limited_to(&["org:read"]), &World::default(), false).len(), 4);
}

#[test]
fn who_has_no_membership_hands_out_nothing() {
    assert!(allowed(&stranger(), &World::default(), true).is_empty());
    assert!(allowed(&integration(acme()), &World::default(), false).is_empty());
    assert!(allowed(&integration(acme()), &World::default(), true).is_empty());
}

#[test]
fn a_role_that_is_no_longer_defined_permits_nothing_and_hands_out_nothing() {
    assert!(!passes(&requester("emperor"), &["org:read"]));
    assert!(allowed(&requester("emperor"), &World::default(), true).is_empty());
}

#[test]
fn which_roles_there_are_is_a_matter_of_definition() {
    let world = World { roles: roles_with_billing(), ..World::default() };
    assert_eq!(allowed(&manager(), &world, false), ["billing", "member", "admin", "manager"]);
}

//! The end of an organization, and the end of its provider.

use std::sync::Arc;

use super::{created, roles};
use crate::{
    access::Requester,
    organization::{Organization, OrganizationCommand, OrganizationContext, OrganizationEvent},
    specification::{acme, given, integration, manager, owner, state, superuser},
    time::Timestamp,
};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    time("2026-11-24T10:00:00Z")
}

fn schedule(requester: Requester) -> OrganizationCommand {
    let organization = acme();
    let context =
        OrganizationContext { requester, organization, roles: roles(), now: now(), slug_holder: None };
    OrganizationCommand::ScheduleDeletion(Arc::new(context))
}

fn scheduled() -> OrganizationEvent {
    OrganizationEvent::DeletionScheduled { due_at: time("2026-11-25T10:00:00Z") }
}

fn carry_out(text: &str) -> OrganizationCommand {
    OrganizationCommand::CarryOutDeletion { now: time(text) }
}

fn deleted() -> OrganizationEvent {
    OrganizationEvent::OrganizationDeleted { slug: "acme".into(), name: "Acme".into() }
}

#[test]
fn a_deletion_is_due_a_day_later() {
    for requester in [owner(), superuser(), integration(acme())] {
        given::<Organization>([created()]).when(schedule(requester)).then([scheduled()]);
    }
}

#[test]
fn only_an_owner_ends_an_organization() {
    given::<Organization>([created()]).when(schedule(manager())).then_refused("no_permission");
    let narrow = owner().limited_to(&["org:write"]);
    given::<Organization>([created()]).when(schedule(narrow)).then_refused("no_permission");
}

#[test]
fn a_deletion_that_is_asked_for_again_keeps_its_time() {
    given::<Organization>([created(), scheduled()]).when(schedule(owner())).then_nothing();
}

#[test]
fn a_deletion_is_called_off_once() {
    let cancelled = OrganizationEvent::DeletionCancelled {};
    given::<Organization>([created(), scheduled()])
        .when(OrganizationCommand::CancelDeletion)
        .then([cancelled.clone()]);
    given::<Organization>([created(), scheduled(), cancelled])
        .when(OrganizationCommand::CancelDeletion)
        .then_nothing();
}

#[test]
fn a_deletion_is_carried_out_when_it_is_due_and_not_before() {
    let due = "2026-11-25T10:00:00Z";
    given::<Organization>([created(), scheduled()])
        .when(carry_out("2026-11-25T09:59:59.999999Z"))
        .then_refused("deletion_not_due");
    given::<Organization>([created(), scheduled()]).when(carry_out(due)).then([deleted()]);
    given::<Organization>([created()]).when(carry_out(due)).then_refused("deletion_not_due");
    given::<Organization>([created(), scheduled(), OrganizationEvent::DeletionCancelled {}])
        .when(carry_out(due))
        .then_refused("deletion_not_due");
    given::<Organization>([created(), scheduled(), deleted()]).when(carry_out(due)).then_nothing();
    given::<Organization>([]).when(carry_out(due)).then_refused("not_found");
}

#[test]
fn what_is_gone_is_not_found_and_does_not_come_back() {
    let gone = || given::<Organization>([created(), scheduled(), deleted()]);
    gone().when(schedule(owner())).then_refused("not_found");
    gone().when(OrganizationCommand::CancelDeletion).then_refused("not_found");
    gone().when(super::change(&[])).then_refused("not_found");
    gone().when(super::new("acme", "Acme")).then_refused("already_exists");
}

#[test]
fn nobody_passes_the_gate_of_what_is_gone() {
    let gone: Organization = state([created(), scheduled(), deleted()]);
    for requester in [owner(), superuser(), integration(acme())] {
        let refused = requester.gate(acme(), &gone, &roles(), &["org:read"], true);
        assert_eq!(refused.unwrap_err().code(), "not_found");
    }
}

#[test]
fn a_provider_is_disabled_once() {
    let enabled =
        OrganizationEvent::SsoEnabled { provider: "okta".into(), name: "Okta".into(), allow_unlinked: true };
    let disabled = OrganizationEvent::SsoDisabled { provider: "okta".into() };
    given::<Organization>([created(), enabled.clone()])
        .when(OrganizationCommand::DisableSso)
        .then([disabled.clone()]);
    given::<Organization>([created(), enabled, disabled])
        .when(OrganizationCommand::DisableSso)
        .then_nothing();
    given::<Organization>([created()]).when(OrganizationCommand::DisableSso).then_nothing();
}

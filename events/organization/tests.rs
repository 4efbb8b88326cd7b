//! Decisions about organizations: creation, features, the default role, SSO.

mod deletion;
mod settings;
mod update;

use std::sync::Arc;

use serde_json::Value;

use super::{Feature, NewOrganization, Organization, OrganizationCommand, OrganizationEvent, SsoProvider};
use crate::{
    refusal::Refusal,
    roles::Roles,
    specification::{given, role, state},
};

fn roles() -> Arc<Roles> {
    Arc::new(Roles::bundled())
}

fn created() -> OrganizationEvent {
    OrganizationEvent::OrganizationCreated {
        slug: "acme".into(),
        name: "Acme".into(),
        default_role: role("member"),
    }
}

fn new(slug: &str, name: &str) -> OrganizationCommand {
    OrganizationCommand::Create(NewOrganization {
        slug: slug.into(),
        name: name.into(),
        default_role: role("member"),
        roles: roles(),
    })
}

fn change(changes: &[(&str, Value)]) -> OrganizationCommand {
    let changes = changes.iter().map(|(field, value)| ((*field).to_owned(), value.clone())).collect();
    OrganizationCommand::ChangeSettings { changes, by_staff: false, roles: roles() }
}

fn feature(feature: Feature, on: bool) -> OrganizationEvent {
    OrganizationEvent::FeatureSet { feature, on }
}

#[test]
fn an_organization_is_created() {
    given::<Organization>([]).when(new("acme", "Acme")).then([created()]);
}

#[test]
fn blanks_around_the_name_are_dropped() {
    given::<Organization>([]).when(new("acme", "  Acme\n")).then([created()]);
}

#[test]
fn an_organization_is_not_created_twice() {
    given::<Organization>([created()]).when(new("acme", "Acme")).then_refused("already_exists");
}

#[test]
fn a_slug_of_a_wrong_form_is_refused() {
    let slug = "Acme".to_owned();
    let why = "The slug \"Acme\" should not contain uppercase symbols.".to_owned();
    given::<Organization>([]).when(new("Acme", "Acme")).then_refused_as(Refusal::SlugMalformed { slug, why });
}

#[test]
fn a_name_is_neither_blank_nor_long_nor_has_it_null_characters() {
    let long = "x".repeat(65);
    let wrong = [
        (" \t", "This field may not be blank."),
        (&long, "Ensure this field has no more than 64 characters."),
        ("A\0cme", "Null characters are not allowed."),
    ];
    for (name, why) in wrong {
        given::<Organization>([]).when(new("acme", name)).then_invalid([("name", why)]);
    }
    let longest = "\u{e9}".repeat(64);
    let OrganizationEvent::OrganizationCreated { slug, default_role, .. } = created() else { unreachable!() };
    given::<Organization>([]).when(new("acme", &longest)).then([OrganizationEvent::OrganizationCreated {
        slug,
        name: longest,
        default_role,
    }]);
}

#[test]
fn the_slug_is_checked_before_the_name() {
    given::<Organization>([]).when(new("ab", "")).then_refused("slug_malformed");
}

#[test]
fn a_default_role_that_is_not_defined_is_refused() {
    let OrganizationCommand::Create(new) = new("acme", "Acme") else { unreachable!() };
    let command = OrganizationCommand::Create(NewOrganization { default_role: role("viewer"), ..new });
    given::<Organization>([]).when(command).then_refused_as(Refusal::RoleUnknown { role: role("viewer") });
}

#[test]
fn nothing_is_asked_of_an_organization_that_is_not_there() {
    let commands = [
        change(&[]),
        OrganizationCommand::ChangeDefaultRole { role: role("member"), roles: roles() },
        OrganizationCommand::EnableSso {
            provider: "okta".into(),
            name: "Okta".into(),
            allow_unlinked: false,
        },
        OrganizationCommand::SetFeature { feature: Feature::TeamRoles, on: false },
    ];
    for command in commands {
        given::<Organization>([]).when(command).then_refused("not_found");
    }
}

#[test]
fn features_have_their_defaults_until_they_are_switched() {
    let organization: Organization = state([created()]);
    let on: Vec<_> = Feature::all().iter().filter(|feature| organization.has_feature(**feature)).collect();
    assert_eq!(on, [&Feature::TeamRoles, &Feature::InviteMembers, &Feature::InviteMembersRateLimits]);
}

#[test]
fn a_feature_is_switched_once() {
    let set = |feature, on| OrganizationCommand::SetFeature { feature, on };
    for &each in Feature::all() {
        let other = !each.default_on();
        given::<Organization>([created()]).when(set(each, each.default_on())).then_nothing();
        given::<Organization>([created()]).when(set(each, other)).then([feature(each, other)]);
        given::<Organization>([created(), feature(each, other)]).when(set(each, other)).then_nothing();
        given::<Organization>([created(), feature(each, other)])
            .when(set(each, each.default_on()))
            .then([feature(each, each.default_on())]);
    }
}

#[test]
fn names_of_features_are_the_stored_ones() {
    for &feature in Feature::all() {
        assert_eq!(serde_json::to_value(feature).unwrap(), feature.name());
        assert_eq!(Feature::by_name(feature.name()), Some(feature));
        assert_eq!(feature.to_string(), feature.name());
    }
    assert_eq!(Feature::by_name("TeamRoles"), None);
}

#[test]
fn the_default_role_changes_to_any_role_that_is_defined() {
    let to = |text: &str| OrganizationCommand::ChangeDefaultRole { role: role(text), roles: roles() };
    let changed = OrganizationEvent::DefaultRoleChanged { from: role("member"), to: role("manager") };
    given::<Organization>([created()]).when(to("manager")).then([changed.clone()]);
    given::<Organization>([created(), changed]).when(to("manager")).then_nothing();
    given::<Organization>([created()]).when(to("member")).then_nothing();
    given::<Organization>([created()]).when(to("viewer")).then_refused("role_unknown");
}

#[test]
fn a_provider_is_enabled_once_and_again_when_something_about_it_changes() {
    let enable = |allow_unlinked| OrganizationCommand::EnableSso {
        provider: "okta".into(),
        name: "Okta".into(),
        allow_unlinked,
    };
    let enabled = |allow_unlinked| OrganizationEvent::SsoEnabled {
        provider: "okta".into(),
        name: "Okta".into(),
        allow_unlinked,
    };
    given::<Organization>([created()]).when(enable(false)).then([enabled(false)]);
    given::<Organization>([created(), enabled(false)]).when(enable(false)).then_nothing();
    let sso = |allow_unlinked| SsoProvider { provider: "okta".into(), name: "Okta".into(), allow_unlinked };
    let changed = OrganizationEvent::SsoChanged { from: sso(false), to: sso(true) };
    given::<Organization>([created(), enabled(false)]).when(enable(true)).then([changed.clone()]);
    given::<Organization>([created(), enabled(false), changed]).when(enable(true)).then_nothing();
}

#[test]
fn another_provider_takes_the_place_of_the_one_before() {
    let enable = OrganizationCommand::EnableSso {
        provider: "google".into(),
        name: "Google".into(),
        allow_unlinked: true,
    };
    let enabled = |provider: &str, name: &str| OrganizationEvent::SsoEnabled {
        provider: provider.into(),
        name: name.into(),
        allow_unlinked: true,
    };
    given::<Organization>([created(), enabled("okta", "Okta")])
        .when(enable)
        .then([OrganizationEvent::SsoDisabled { provider: "okta".into() }, enabled("google", "Google")]);
}

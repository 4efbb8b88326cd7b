//! PUT of an organization: names, pictures, and who may change what (behaviour 7.3 and 8).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{created, feature, roles};
use crate::{
    access::Requester,
    id::OrganizationId,
    organization::{
        Avatar, AvatarImage, AvatarKind, AvatarUpdate, Feature, Organization, OrganizationCommand,
        OrganizationContext, OrganizationEvent, OrganizationUpdate,
    },
    refusal::FieldError,
    specification::{Given, acme, given, globex, integration, manager, owner, plain_member, role, superuser},
    user::Authenticator,
};

const NOW: &str = "2026-11-24T10:00:00.000000Z";

struct Put {
    update: OrganizationUpdate,
    requester: Requester,
    slug_holder: Option<OrganizationId>,
}

fn put(update: OrganizationUpdate) -> Put {
    Put { update, requester: owner(), slug_holder: None }
}

impl Put {
    fn by(self, requester: Requester) -> Self {
        Self { requester, ..self }
    }

    fn held_by(self, holder: OrganizationId) -> Self {
        Self { slug_holder: Some(holder), ..self }
    }
}

impl From<Put> for OrganizationCommand {
    fn from(put: Put) -> Self {
        let Put { update, requester, slug_holder } = put;
        let (organization, now) = (acme(), NOW.parse().unwrap());
        let context = OrganizationContext { requester, organization, roles: roles(), now, slug_holder };
        Self::Update(Box::new(update), Arc::new(context))
    }
}

fn after(later: impl IntoIterator<Item = OrganizationEvent>) -> Given<Organization> {
    given([created()].into_iter().chain(later))
}

fn named(name: &str) -> OrganizationUpdate {
    OrganizationUpdate { name: Some(name.into()), ..OrganizationUpdate::default() }
}

fn with_slug(slug: &str) -> OrganizationUpdate {
    OrganizationUpdate { slug: Some(slug.into()), ..OrganizationUpdate::default() }
}

fn set(field: &str, value: Value) -> OrganizationUpdate {
    OrganizationUpdate { settings: vec![(field.into(), value)], ..OrganizationUpdate::default() }
}

fn default_role(sent: Value) -> OrganizationUpdate {
    OrganizationUpdate { default_role: Some(sent), ..OrganizationUpdate::default() }
}

fn image(number: u8) -> AvatarImage {
    AvatarImage { uuid: format!("{number:032x}"), digest: format!("{number:064x}") }
}

fn avatar(kind: Option<AvatarKind>, image: Option<AvatarImage>) -> OrganizationUpdate {
    let (kind_field, without_image) = ("avatarType", "Cannot set avatarType to upload without avatar");
    let avatar = AvatarUpdate { kind, image, kind_field, without_image };
    OrganizationUpdate { avatar: Some(avatar), ..OrganizationUpdate::default() }
}

fn shown(kind: AvatarKind, image: Option<AvatarImage>) -> Avatar {
    Avatar { kind, image }
}

#[test]
fn a_name_changes_with_what_it_was() {
    let renamed = OrganizationEvent::OrganizationRenamed { from: "Acme".into(), to: "Apex".into() };
    after([]).when(put(named(" Apex ")).into()).then([renamed.clone()]);
    after([renamed]).when(put(named("Apex")).into()).then_nothing();
    after([]).when(put(named(" ")).into()).then_invalid([("name", "This field may not be blank.")]);
}

#[test]
fn a_slug_changes_to_one_that_is_free_or_was_its_own() {
    let moved = OrganizationEvent::OrganizationSlugChanged { from: "acme".into(), to: "apex".into() };
    after([]).when(put(with_slug("apex")).into()).then([moved.clone()]);
    after([moved.clone()])
        .when(put(with_slug("acme")).held_by(acme()).into())
        .then([OrganizationEvent::OrganizationSlugChanged { from: "apex".into(), to: "acme".into() }]);
    after([moved]).when(put(with_slug("apex")).held_by(acme()).into()).then_nothing();
    after([])
        .when(put(with_slug("apex")).held_by(globex()).into())
        .then_invalid([("slug", "The slug \"apex\" is already in use.")]);
    after([])
        .when(put(with_slug("Apex")).into())
        .then_invalid([("slug", "The slug \"Apex\" should not contain uppercase symbols.")]);
}

#[test]
fn the_default_role_is_for_those_with_org_admin_and_ignored_from_others() {
    let changed = OrganizationEvent::DefaultRoleChanged { from: role("member"), to: role("manager") };
    for requester in [owner(), superuser(), integration(acme())] {
        after([]).when(put(default_role(json!("manager"))).by(requester).into()).then([changed.clone()]);
    }
    for sent in [json!("manager"), json!("viewer"), json!(null), json!(7)] {
        after([]).when(put(default_role(sent)).by(manager()).into()).then_nothing();
    }
    for (sent, why) in [
        (json!("viewer"), "\"viewer\" is not a valid choice."),
        (json!(""), "\"\" is not a valid choice."),
        (json!(7), "\"7\" is not a valid choice."),
        (json!(null), "This field may not be null."),
    ] {
        after([]).when(put(default_role(sent)).into()).then_invalid([("defaultRole", why)]);
    }
}

#[test]
fn members_change_nothing() {
    after([]).when(put(named("Apex")).by(plain_member()).into()).then_refused("no_permission");
    after([]).when(put(named("Apex")).by(integration(globex())).into()).then_refused("no_permission");
    after([]).when(put(named("")).by(plain_member()).into()).then_refused("no_permission");
}

#[test]
fn all_that_is_wrong_is_said_together() {
    let update = OrganizationUpdate {
        slug: Some("ab".into()),
        default_role: Some(json!("viewer")),
        cancel_deletion: Some(json!("perhaps")),
        malformed: vec![FieldError::new("avatar", "Invalid image format.")],
        avatar: avatar(Some(AvatarKind::Upload), None).avatar,
        ..set("apdexThreshold", json!(0))
    };
    after([]).when(put(OrganizationUpdate { name: Some(String::new()), ..update }).into()).then_invalid([
        ("avatar", "Invalid image format."),
        ("name", "This field may not be blank."),
        ("slug", "This slug \"ab\" is too short. Minimum of 3 characters."),
        ("defaultRole", "\"viewer\" is not a valid choice."),
        ("cancelDeletion", "Must be a valid boolean."),
        ("apdexThreshold", "Ensure this value is greater than or equal to 1."),
    ]);
}

#[test]
fn everything_changes_in_one_order() {
    let update = OrganizationUpdate {
        slug: Some("apex".into()),
        default_role: Some(json!("manager")),
        avatar: avatar(None, Some(image(1))).avatar,
        ..set("isEarlyAdopter", json!(true))
    };
    let update = OrganizationUpdate { name: Some("Apex".into()), ..update };
    after([]).when(put(update).into()).then([
        OrganizationEvent::OrganizationRenamed { from: "Acme".into(), to: "Apex".into() },
        OrganizationEvent::OrganizationSlugChanged { from: "acme".into(), to: "apex".into() },
        OrganizationEvent::DefaultRoleChanged { from: role("member"), to: role("manager") },
        OrganizationEvent::OrganizationFlagChanged { flag: "early_adopter".into(), to: true },
        OrganizationEvent::AvatarChanged {
            from: Avatar::default(),
            to: shown(AvatarKind::Upload, Some(image(1))),
        },
    ]);
}

#[test]
fn a_second_factor_is_demanded_by_those_who_have_one() {
    let field = "require2FA";
    let demand = || set(field, json!(true));
    let without = "Cannot require two-factor authentication without personal two-factor enabled.";
    after([])
        .when(put(demand()).by(owner().with(Authenticator::Totp)).into())
        .then([OrganizationEvent::TwoFactorRequired {}]);
    for requester in [owner(), owner().with(Authenticator::Recovery), integration(acme())] {
        after([]).when(put(demand()).by(requester).into()).then_invalid([(field, without)]);
    }
    let sso =
        OrganizationEvent::SsoEnabled { provider: "okta".into(), name: "Okta".into(), allow_unlinked: true };
    after([sso.clone()])
        .when(put(demand()).by(owner().with(Authenticator::Totp)).into())
        .then_invalid([(field, "Cannot require two-factor authentication with SSO enabled")]);
    after([sso]).when(put(set(field, json!(false))).into()).then_nothing();
    after([])
        .when(put(set(field, json!("maybe"))).into())
        .then_invalid([(field, "Must be a valid boolean.")]);
}

#[test]
fn a_verified_address_is_demanded_by_those_who_have_one() {
    let field = "requireEmailVerification";
    let demand = || put(set(field, json!(true)));
    let on = || feature(Feature::RequiredEmailVerification, true);
    after([]).when(demand().into()).then_nothing();
    let why = "Cannot require email verification before verifying your email address.";
    after([on()]).when(demand().into()).then_invalid([(field, why)]);
    let required = OrganizationEvent::EmailVerificationRequired {};
    after([on(), required])
        .when(put(set(field, json!(false))).into())
        .then([OrganizationEvent::EmailVerificationRequirementLifted {}]);
}

#[test]
fn console_platforms_are_changed_by_staff() {
    let update = || set("enabledConsolePlatforms", json!(["xbox"]));
    let why = "Only staff members can toggle console platforms.";
    after([]).when(put(update()).into()).then_invalid([("enabledConsolePlatforms", why)]);
    let (option, to) = ("enabledConsolePlatforms".into(), json!(["xbox"]));
    let changed = OrganizationEvent::OrganizationOptionChanged { option, from: Value::Null, to };
    after([]).when(put(update()).by(superuser()).into()).then([changed]);
}

#[test]
fn relays_keep_their_times_while_they_stay_the_same() {
    let field = "trustedRelays";
    let key = |letter: &str| letter.repeat(43);
    let sent = |name: &str, letter: &str| json!({"name": name, "publicKey": key(letter), "description": ""});
    let stored = |name: &str, letter: &str, created: &str, modified: &str| {
        json!({"name": name, "publicKey": key(letter), "description": "", "created": created,
            "lastModified": modified})
    };
    let old = "2026-01-01T00:00:00.000000Z";
    let before = json!([stored("a", "a", old, old), stored("b", "b", old, old)]);
    let option = |from: Value, to: Value| OrganizationEvent::OrganizationOptionChanged {
        option: field.into(),
        from,
        to,
    };
    after([])
        .when(put(set(field, json!([sent("a", "a")]))).into())
        .then([option(Value::Null, json!([stored("a", "a", NOW, NOW)]))]);
    let same = json!([sent("a", "a"), sent("b", "b")]);
    after([option(Value::Null, before.clone())]).when(put(set(field, same)).into()).then_nothing();
    let changed = json!([sent("a", "a"), sent("other", "b"), sent("c", "c")]);
    after([option(Value::Null, before.clone())]).when(put(set(field, changed)).into()).then([option(
        before,
        json!([stored("a", "a", old, old), stored("other", "b", old, NOW), stored("c", "c", NOW, NOW)]),
    )]);
}

#[test]
fn a_picture_is_shown_when_it_comes_and_kept_when_it_is_not() {
    let change = |from, to| OrganizationEvent::AvatarChanged { from, to };
    let uploaded = || shown(AvatarKind::Upload, Some(image(1)));
    let hidden = || shown(AvatarKind::LetterAvatar, Some(image(1)));
    let came = || change(Avatar::default(), uploaded());
    after([]).when(put(avatar(None, Some(image(1)))).into()).then([came()]);
    after([])
        .when(put(avatar(Some(AvatarKind::LetterAvatar), Some(image(1)))).into())
        .then([change(Avatar::default(), hidden())]);
    after([came()])
        .when(put(avatar(Some(AvatarKind::LetterAvatar), None)).into())
        .then([change(uploaded(), hidden())]);
    after([came(), change(uploaded(), hidden())])
        .when(put(avatar(Some(AvatarKind::Upload), None)).into())
        .then([change(hidden(), uploaded())]);
    let second = shown(AvatarKind::Upload, Some(image(2)));
    after([came()]).when(put(avatar(None, Some(image(2)))).into()).then([change(uploaded(), second)]);
}

#[test]
fn the_same_picture_again_changes_nothing() {
    let to = shown(AvatarKind::Upload, Some(image(1)));
    let came = OrganizationEvent::AvatarChanged { from: Avatar::default(), to };
    let again = AvatarImage { uuid: "f".repeat(32), ..image(1) };
    after([came]).when(put(avatar(None, Some(again))).into()).then_nothing();
}

#[test]
fn a_picture_that_is_not_there_cannot_be_shown() {
    let why = "Cannot set avatarType to upload without avatar";
    after([]).when(put(avatar(Some(AvatarKind::Upload), None)).into()).then_invalid([("avatarType", why)]);
}

#[test]
fn a_change_calls_a_deletion_off_also_when_nothing_else_changes() {
    let due = OrganizationEvent::DeletionScheduled { due_at: "2026-11-25T10:00:00Z".parse().unwrap() };
    let restoring = |update| OrganizationUpdate { restores: true, ..update };
    let cancelled = OrganizationEvent::DeletionCancelled {};
    let renamed = OrganizationEvent::OrganizationRenamed { from: "Acme".into(), to: "Apex".into() };
    let empty = OrganizationUpdate::default;
    after([due.clone()]).when(put(restoring(empty())).by(manager()).into()).then([cancelled.clone()]);
    after([due.clone()]).when(put(restoring(named("Apex"))).into()).then([renamed, cancelled]);
    after([due.clone()]).when(put(restoring(named(""))).into()).then_refused("invalid_fields");
    after([due]).when(put(empty()).into()).then_nothing();
    after([]).when(put(restoring(empty())).into()).then_nothing();
}

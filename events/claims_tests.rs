//! What each event claims (design 3).

use compact_str::CompactString;

use super::{Claim, ClaimChange, ClaimKind, Place, claims_of};
use crate::{
    claims::{BrokenBecause, BrokenClaim},
    definitions::RolesEvent,
    event::Event,
    id::{OrganizationId, TeamId, UserId},
    member::{AssignedHow, MemberEvent, MemberFlag, Ownership, RemovalReason, UnassignedHow},
    organization::{Avatar, Feature, OrganizationEvent},
    personal::{Envelope, Personal},
    refusal::Refusal,
    roles::RolesDefinition,
    specification::{
        MIA, SOMEBODY, acme, email, flagged, globex, hash, invite_requested, invited, join_requested, joined,
        member, on, role, user, username, web,
    },
    stream::StreamId,
    team::{TeamEvent, TeamFlag},
    time::Timestamp,
    token::{TokenEvent, TokenOwner},
    user::{Authenticator, Renamed, UserEvent},
};

fn take(claim: Claim, holder: &str) -> ClaimChange {
    ClaimChange::Take { claim, holder: holder.into() }
}

fn release(claim: Claim, holder: &str) -> ClaimChange {
    ClaimChange::Release { claim, holder: holder.into() }
}

fn mia_is_owner() -> Claim {
    Claim::owner(acme(), "50")
}

fn of_mia(event: MemberEvent) -> Vec<ClaimChange> {
    claims_of(&member(MIA).into(), Some(acme()), &event.into())
}

fn of_user(event: UserEvent) -> Vec<ClaimChange> {
    claims_of(&user(MIA).into(), None, &event.into())
}

fn role_changed(ownership: Option<Ownership>) -> MemberEvent {
    MemberEvent::OrgRoleChanged { from: role("member"), to: role("owner"), ownership }
}

fn removed(user: Option<UserId>, ownership: Option<Ownership>) -> MemberEvent {
    MemberEvent::MemberRemoved {
        reason: RemovalReason::Left,
        role: role("owner"),
        teams: vec![web()],
        user,
        addresses: vec![hash("a@x.example"), hash("b@x.example")],
        ownership,
    }
}

#[test]
fn an_invitation_or_a_request_takes_its_address() {
    for event in [invited("member", SOMEBODY), invite_requested(), join_requested()] {
        assert_eq!(of_mia(event), [take(Claim::address(acme(), &hash("mia@acme.example")), "50")]);
    }
}

#[test]
fn a_member_takes_himself_and_all_his_addresses() {
    let MemberEvent::MemberAdded { organization, user: id, org_role, ownership, .. } = joined("member")
    else {
        unreachable!()
    };
    let addresses = vec![hash("a@x.example"), hash("b@x.example")];
    let added = MemberEvent::MemberAdded { organization, user: id, org_role, addresses, ownership };
    let expected = [
        take(Claim::membership(acme(), user(MIA)), "50"),
        take(Claim::address(acme(), &hash("a@x.example")), "50"),
        take(Claim::address(acme(), &hash("b@x.example")), "50"),
    ];
    assert_eq!(of_mia(added), expected);
}

#[test]
fn who_is_added_as_owner_joins_the_owners() {
    let changes = of_mia(joined("owner"));
    assert_eq!(changes.last(), Some(&ClaimChange::Join { claim: mia_is_owner() }));
}

#[test]
fn a_change_of_role_joins_or_leaves_the_owners_as_the_event_says() {
    assert_eq!(of_mia(role_changed(Some(Ownership::Gained))), [ClaimChange::Join { claim: mia_is_owner() }]);
    assert_eq!(of_mia(role_changed(Some(Ownership::Lost))), [ClaimChange::Leave { claim: mia_is_owner() }]);
    assert_eq!(of_mia(role_changed(None)), []);
}

#[test]
fn a_removal_gives_back_all_that_the_member_held_the_place_among_the_owners_first() {
    let addresses = [
        release(Claim::address(acme(), &hash("a@x.example")), "50"),
        release(Claim::address(acme(), &hash("b@x.example")), "50"),
    ];
    let of_owner =
        [ClaimChange::Leave { claim: mia_is_owner() }, release(Claim::membership(acme(), user(MIA)), "50")];
    let of_invitation = of_mia(removed(None, None));
    assert_eq!(of_invitation, addresses);
    let expected: Vec<_> = of_owner.into_iter().chain(addresses).collect();
    assert_eq!(of_mia(removed(Some(user(MIA)), Some(Ownership::Lost))), expected);
}

#[test]
fn other_events_of_a_member_claim_nothing() {
    let quiet = [
        on(web()),
        MemberEvent::TeamUnassigned { team: web(), role: None, how: UnassignedHow::Left },
        MemberEvent::TeamRoleChanged { team: web(), from: None, to: Some(role("admin")) },
        MemberEvent::TeamRoleCleared { team: web(), was: role("admin"), because_of_org_role: role("owner") },
        MemberEvent::TeamAssigned { team: web(), role: None, how: AssignedHow::Imported },
        MemberEvent::SsoLinked { provider: "okta".into() },
        flagged(MemberFlag::IdpProvisioned),
        MemberEvent::MemberFlagCleared { flag: MemberFlag::IdpProvisioned },
    ];
    for event in quiet {
        assert_eq!(of_mia(event.clone()), [], "{event:?}");
    }
}

#[test]
fn an_organization_takes_its_slug() {
    let created = OrganizationEvent::OrganizationCreated {
        slug: "acme".into(),
        name: "Acme".into(),
        default_role: role("member"),
    };
    let changes = claims_of(&acme().into(), Some(acme()), &created.into());
    assert_eq!(changes, [take(Claim::organization_slug("acme"), "1")]);
}

fn hold(slug: &str) -> ClaimChange {
    ClaimChange::Hold { claim: Claim::organization_slug(slug), holder: "1".into(), days: 30 }
}

#[test]
fn an_organization_that_changes_its_slug_holds_the_old_one() {
    let moved = OrganizationEvent::OrganizationSlugChanged { from: "acme".into(), to: "apex".into() };
    let changes = claims_of(&acme().into(), Some(acme()), &moved.into());
    assert_eq!(changes, [hold("acme"), take(Claim::organization_slug("apex"), "1")]);
}

#[test]
fn an_organization_that_is_gone_holds_its_slug_and_needs_no_owner() {
    let gone = OrganizationEvent::OrganizationDeleted { slug: "acme".into(), name: "Acme".into() };
    let changes = claims_of(&acme().into(), Some(acme()), &gone.into());
    let disband = ClaimChange::Disband { kind: ClaimKind::Owner, scope: "1".into() };
    assert_eq!(changes, [hold("acme"), disband]);
}

#[test]
fn other_events_of_an_organization_claim_nothing() {
    let quiet = [
        OrganizationEvent::OrganizationOptionChanged { option: "o".into(), from: 0.into(), to: 1.into() },
        OrganizationEvent::OrganizationFlagChanged { flag: "f".into(), to: true },
        OrganizationEvent::DefaultRoleChanged { from: role("member"), to: role("manager") },
        OrganizationEvent::TwoFactorRequired {},
        OrganizationEvent::TwoFactorRequirementLifted {},
        OrganizationEvent::SsoEnabled { provider: "okta".into(), name: "Okta".into(), allow_unlinked: true },
        OrganizationEvent::FeatureSet { feature: Feature::TeamRoles, on: false },
        OrganizationEvent::OrganizationRenamed { from: "a".into(), to: "b".into() },
        OrganizationEvent::AvatarChanged { from: Avatar::default(), to: Avatar::default() },
        OrganizationEvent::EmailVerificationRequired {},
        OrganizationEvent::EmailVerificationRequirementLifted {},
        OrganizationEvent::SsoDisabled { provider: "okta".into() },
        OrganizationEvent::DeletionScheduled { due_at: Timestamp::default() },
        OrganizationEvent::DeletionCancelled {},
    ];
    for event in quiet {
        assert_eq!(claims_of(&acme().into(), Some(acme()), &event.into()), []);
    }
}

#[test]
fn a_team_takes_its_slug_in_its_organization_only() {
    let of = |organization: OrganizationId| {
        let created = TeamEvent::TeamCreated { organization, slug: "web".into(), name: "Web".into() };
        claims_of(&TeamId::new(11).unwrap().into(), Some(organization), &created.into())
    };
    assert_eq!(of(acme()), [take(Claim::team_slug(acme(), "web"), "11")]);
    assert_eq!(of(globex()), [take(Claim::team_slug(globex(), "web"), "11")]);
    assert_ne!(Claim::team_slug(acme(), "web"), Claim::team_slug(globex(), "web"));
    let flagged = TeamEvent::TeamFlagged { flag: TeamFlag::BeingDeleted, to: true };
    assert_eq!(claims_of(&web().into(), Some(acme()), &flagged.into()), []);
}

#[test]
fn a_user_takes_name_and_address_among_all_users() {
    let (username, email) = (username("Mia"), email("Mia@acme.example"));
    let registered =
        UserEvent::UserRegistered { username, name: Some(Personal::open("Mia".into(), None)), email };
    let expected = [
        take(Claim::user_name(&hash("mia")), "50"),
        take(Claim::user_address(&hash("mia@acme.example")), "50"),
    ];
    assert_eq!(of_user(registered), expected);
}

#[test]
fn an_added_address_is_taken_everywhere_where_the_person_is_a_member() {
    let memberships = vec![
        Place { organization: acme(), member: member(MIA) },
        Place { organization: globex(), member: member(SOMEBODY) },
    ];
    let address = hash("m@home.example");
    let expected = [
        take(Claim::user_address(&address), "50"),
        take(Claim::address(acme(), &address), "50"),
        take(Claim::address(globex(), &address), "70"),
    ];
    assert_eq!(of_user(UserEvent::EmailAdded { email: email("m@home.example"), memberships }), expected);
}

#[test]
fn who_is_deactivated_leaves_the_owners_everywhere() {
    let owns = vec![
        Place { organization: acme(), member: member(MIA) },
        Place { organization: globex(), member: member(SOMEBODY) },
    ];
    let expected = [
        ClaimChange::Leave { claim: mia_is_owner() },
        ClaimChange::Leave { claim: Claim::owner(globex(), "70") },
    ];
    assert_eq!(of_user(UserEvent::UserDeactivated { owns }), expected);
}

#[test]
fn who_is_reactivated_joins_the_owners_again() {
    let owns = vec![Place { organization: acme(), member: member(MIA) }];
    let expected = [ClaimChange::Join { claim: mia_is_owner() }];
    assert_eq!(of_user(UserEvent::UserReactivated { owns }), expected);
}

#[test]
fn who_is_erased_leaves_the_owners_and_what_he_was_called_is_free() {
    let owns = vec![Place { organization: acme(), member: member(MIA) }];
    let (name, address) = (hash("mia"), hash("mia@acme.example"));
    let expected = [
        ClaimChange::Leave { claim: mia_is_owner() },
        release(Claim::user_name(&name), "50"),
        release(Claim::user_address(&address), "50"),
    ];
    let (username, addresses, invitees) = (Some(name), vec![address], vec![]);
    assert_eq!(of_user(UserEvent::UserErased { owns, username, addresses, invitees }), expected);
}

#[test]
fn a_removed_address_is_free_everywhere() {
    let memberships = vec![
        Place { organization: acme(), member: member(MIA) },
        Place { organization: globex(), member: member(SOMEBODY) },
    ];
    let address = hash("m@home.example");
    let expected = [
        release(Claim::user_address(&address), "50"),
        release(Claim::address(acme(), &address), "50"),
        release(Claim::address(globex(), &address), "70"),
    ];
    assert_eq!(of_user(UserEvent::EmailRemoved { email: address, memberships }), expected);
}

#[test]
fn a_new_user_name_is_taken_and_the_old_one_free() {
    let renamed = |to: &str| UserEvent::UserRenamed {
        username: Some(Box::new(Renamed { from: Some(username("mia")), to: Some(username(to)) })),
        name: None,
    };
    let expected =
        [release(Claim::user_name(&hash("mia")), "50"), take(Claim::user_name(&hash("max")), "50")];
    assert_eq!(of_user(renamed("max")), expected);
    assert_eq!(of_user(renamed("MIA")), [], "it is the same name in another case");
}

#[test]
fn other_events_of_a_user_claim_nothing() {
    let quiet = [
        UserEvent::UserRenamed { username: None, name: Some(Box::new(Renamed { from: None, to: None })) },
        UserEvent::PrimaryEmailChanged { from: hash("mia@acme.example"), to: hash("m@home.example") },
        UserEvent::AuthenticatorRemoved { kind: Authenticator::Totp },
        UserEvent::SuperuserRevoked {},
        UserEvent::EmailVerified { email: hash("m@home.example") },
        UserEvent::AuthenticatorEnrolled { kind: Authenticator::Totp },
        UserEvent::SuperuserGranted {},
    ];
    for event in quiet {
        assert_eq!(of_user(event.clone()), [], "{event:?}");
    }
}

#[test]
fn a_token_takes_its_digest_for_ever() {
    let stream = StreamId::new("api_token", "9");
    let owner = TokenOwner::User(user(MIA));
    let issued = TokenEvent::TokenIssued { owner, scopes: None, digest: "d1".into(), key_id: "k1".into() };
    assert_eq!(claims_of(&stream, None, &issued.into()), [take(Claim::token("d1"), "9")]);
    assert_eq!(claims_of(&stream, None, &TokenEvent::TokenRevoked {}.into()), []);
}

#[test]
fn a_definition_of_roles_claims_nothing() {
    let defined = RolesEvent::RolesDefined { content: RolesDefinition::bundled() };
    assert_eq!(claims_of(&StreamId::roles(), None, &defined.into()), []);
}

#[test]
fn a_sealed_address_claims_the_same_as_an_open_one() {
    let MemberEvent::MemberInvited {
        organization,
        org_role,
        inviter,
        generation,
        expires_at,
        imported,
        counted,
        ..
    } = invited("member", SOMEBODY)
    else {
        unreachable!()
    };
    let email = Personal::Sealed(Envelope {
        key: "k1".into(),
        sealed_for: "MemberInvited.email".into(),
        sealed: "AAAA".into(),
        hash: Some(hash("mia@acme.example")),
    });
    let sealed = MemberEvent::MemberInvited {
        organization,
        email,
        org_role,
        inviter,
        generation,
        expires_at,
        imported,
        counted,
        without_letter: false,
        referrer: None,
    };
    assert_eq!(of_mia(sealed), of_mia(invited("member", SOMEBODY)));
}

#[test]
fn names_of_kinds_are_the_stored_ones() {
    for kind in ClaimKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        assert_eq!(ClaimKind::by_name(kind.name()), Some(kind));
    }
    assert_eq!(ClaimKind::by_name("Address"), None);
}

#[test]
fn a_counter_counts_one_thing_on_one_day() {
    let counter = Claim::counter("1", "invitations", 20_781);
    assert_eq!((counter.scope.as_str(), counter.key.as_str()), ("1", "invitations@20781"));
}

#[test]
fn a_broken_claim_is_refused_in_the_words_of_what_is_claimed() {
    let code = |claim: Claim, why: BrokenBecause| Refusal::from(BrokenClaim { claim, why }).code();
    let held = || BrokenBecause::HeldBy(CompactString::from("7"));
    assert_eq!(code(Claim::organization_slug("acme"), held()), "slug_taken");
    assert_eq!(code(Claim::team_slug(acme(), "web"), held()), "slug_taken");
    assert_eq!(code(Claim::address(acme(), &hash("a@x.example")), held()), "address_in_organization");
    assert_eq!(code(Claim::membership(acme(), user(MIA)), held()), "already_member");
    assert_eq!(code(Claim::user_address(&hash("a@x.example")), held()), "address_taken");
    assert_eq!(code(Claim::user_name(&hash("mia")), held()), "user_name_taken");
    assert_eq!(code(Claim::token("d1"), held()), "token_taken");
    assert_eq!(code(mia_is_owner(), BrokenBecause::LastInGroup), "last_owner_removed");
    assert_eq!(code(Claim::counter("1", "invitations", 0), BrokenBecause::Exhausted), "limit_reached");
}

#[test]
fn the_last_owner_is_refused_in_the_words_of_what_was_asked() {
    let of_append = |events: &[Event]| {
        let broken = BrokenClaim { claim: mia_is_owner(), why: BrokenBecause::LastInGroup };
        Refusal::of_append(broken, events).code()
    };
    let demotion = [Event::from(role_changed(Some(Ownership::Lost))), on(web()).into()];
    assert_eq!(of_append(&demotion), "last_owner_demoted");
    assert_eq!(of_append(&[removed(Some(user(MIA)), Some(Ownership::Lost)).into()]), "last_owner_removed");
    let owns = vec![Place { organization: acme(), member: member(MIA) }];
    assert_eq!(of_append(&[UserEvent::UserDeactivated { owns }.into()]), "last_owner_removed");
    assert_eq!(of_append(&[role_changed(None).into()]), "last_owner_removed");
}

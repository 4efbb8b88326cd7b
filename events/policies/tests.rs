//! Given an event, then these reactions.

use uuid::Uuid;

use super::{OwnerStanding, Reaction, react, who_stays};
use crate::{
    event::Event,
    id::UserId,
    member::{MemberEvent, PendingReason, RemovalReason, RevocationReason},
    organization::OrganizationEvent,
    recorded::{Actor, ActorKind, Metadata, RecordedEvent},
    specification::{
        MIA, REQUESTER, SOMEBODY, acme, earlier, email, invited, joined, member, role, state, user, username,
        web,
    },
    stream::{Position, Sequence, StreamId},
    team::{TeamEvent, TeamFlag},
    user::{Authenticator, User, UserEvent},
};

fn recorded(stream: impl Into<StreamId>, event: impl Into<Event>, actor: Actor) -> RecordedEvent {
    RecordedEvent {
        position: Position(7),
        event_id: Uuid::from_u128(7),
        stream: stream.into(),
        sequence: Sequence(1),
        recorded_at: earlier(),
        organization: Some(acme()),
        event: event.into(),
        metadata: Metadata::by(actor),
    }
}

fn by_somebody() -> Actor {
    Actor::user(user(SOMEBODY), None)
}

fn removed(reason: RemovalReason, claimed: bool) -> MemberEvent {
    MemberEvent::MemberRemoved {
        reason,
        role: role("member"),
        teams: vec![],
        user: claimed.then(|| user(MIA)),
        addresses: vec![],
        ownership: None,
    }
}

fn to_member(event: MemberEvent) -> Vec<Reaction> {
    react(&recorded(member(MIA), event, by_somebody()))
}

fn required(actor: Actor) -> Vec<Reaction> {
    react(&recorded(acme(), OrganizationEvent::TwoFactorRequired {}, actor))
}

fn enforced(requester: Option<UserId>) -> Vec<Reaction> {
    vec![Reaction::Enforce { organization: acme(), lack: PendingReason::NoSecondFactor, requester }]
}

#[test]
fn whoever_is_removed_however_leaves_no_invitations_behind() {
    for reason in [RemovalReason::Left, RemovalReason::Removed, RemovalReason::AccountErased] {
        let expected = Reaction::RevokeSent { organization: acme(), inviter: user(MIA) };
        assert_eq!(to_member(removed(reason, true)), [expected]);
    }
}

#[test]
fn nobody_stays_linked_to_a_provider_that_is_gone() {
    let disabled = OrganizationEvent::SsoDisabled { provider: "okta".into() };
    let expected = Reaction::UnlinkSso { organization: acme(), provider: "okta".into() };
    assert_eq!(react(&recorded(acme(), disabled, by_somebody())), [expected]);
}

#[test]
fn an_organization_that_is_gone_has_nobody() {
    let gone = OrganizationEvent::OrganizationDeleted { slug: "acme".into(), name: "Acme".into() };
    let expected = Reaction::RemoveEveryone { organization: acme() };
    assert_eq!(react(&recorded(acme(), gone, by_somebody())), [expected]);
}

#[test]
fn nothing_cascades_from_an_invitation_or_from_the_end_of_the_organization() {
    assert_eq!(to_member(removed(RemovalReason::Removed, false)), []);
    assert_eq!(to_member(removed(RemovalReason::OrganizationDeleted, true)), []);
    let revoked = MemberEvent::InviteRevoked {
        reason: RevocationReason::Revoked,
        role: role("member"),
        teams: vec![],
        addresses: vec![],
    };
    for event in [revoked, invited("member", SOMEBODY), joined("owner")] {
        assert_eq!(to_member(event), []);
    }
}

#[test]
fn a_deleted_team_is_cleared_and_one_that_is_being_deleted_is_not_yet() {
    let to_team = |event: TeamEvent| react(&recorded(web(), event, by_somebody()));
    let cleared = Reaction::ClearTeam { organization: acme(), team: web() };
    assert_eq!(to_team(TeamEvent::TeamDeleted { slug: "web".into() }), [cleared]);
    assert_eq!(to_team(TeamEvent::TeamFlagged { flag: TeamFlag::BeingDeleted, to: true }), []);
}

#[test]
fn a_requirement_is_enforced_and_says_who_made_it() {
    assert_eq!(required(by_somebody()), enforced(Some(user(SOMEBODY))));
    assert_eq!(required(Actor::only(ActorKind::System)), enforced(None));
    let lifted = OrganizationEvent::TwoFactorRequirementLifted {};
    assert_eq!(react(&recorded(acme(), lifted, by_somebody())), []);
}

#[test]
fn nothing_imported_has_consequences() {
    let import = || Actor::only(ActorKind::Import);
    assert_eq!(required(import()), []);
    let event = removed(RemovalReason::Removed, true);
    assert_eq!(react(&recorded(member(MIA), event, import())), []);
}

fn standing(number: u64, since: u64, complies: bool) -> OwnerStanding {
    OwnerStanding { member: member(number), user: user(number), complies, since: Position(since) }
}

#[test]
fn nobody_has_to_stay_where_an_owner_complies() {
    let owners = [standing(MIA, 3, false), standing(SOMEBODY, 5, true)];
    assert_eq!(who_stays(&owners, Some(user(MIA))), None);
    assert_eq!(who_stays(&[], None), None);
}

#[test]
fn the_requester_stays_when_he_is_an_owner_else_the_owner_of_longest_standing() {
    let owners = [standing(SOMEBODY, 9, false), standing(MIA, 3, false), standing(REQUESTER, 5, false)];
    assert_eq!(who_stays(&owners, Some(user(REQUESTER))), Some(member(REQUESTER)));
    assert_eq!(who_stays(&owners, Some(user(99))), Some(member(MIA)));
    assert_eq!(who_stays(&owners, None), Some(member(MIA)));
    // Whoever of the others has gone meanwhile.
    assert_eq!(who_stays(&owners[1..2], Some(user(99))), Some(member(MIA)));
    assert_eq!(who_stays(&owners[2..], Some(user(REQUESTER))), Some(member(REQUESTER)));
}

#[test]
fn an_account_meets_a_requirement_or_does_not() {
    let registered =
        || UserEvent::UserRegistered { username: username("mia"), name: None, email: email("mia@x.example") };
    let account = |later: Vec<UserEvent>| state::<User>([registered()].into_iter().chain(later));
    let enrolled = |kind| account(vec![UserEvent::AuthenticatorEnrolled { kind }]);
    assert!(PendingReason::NoSecondFactor.applies_to(&enrolled(Authenticator::Recovery)));
    assert!(!PendingReason::NoSecondFactor.applies_to(&enrolled(Authenticator::U2f)));
    let verified = UserEvent::EmailVerified { email: email("mia@x.example").hash().unwrap().clone() };
    assert!(PendingReason::EmailNotVerified.applies_to(&account(vec![])));
    assert!(!PendingReason::EmailNotVerified.applies_to(&account(vec![verified])));
}

#[test]
fn the_keys_of_who_is_erased_go_before_his_memberships() {
    let erased = UserEvent::UserErased { owns: vec![], username: None, addresses: vec![], invitees: vec![] };
    let of_deployment = RecordedEvent { organization: None, ..recorded(user(MIA), erased, by_somebody()) };
    let removed = Reaction::RemoveErased { user: user(MIA) };
    assert_eq!(react(&of_deployment), [Reaction::DestroyKeys, removed]);
    assert_eq!(to_member(MemberEvent::InviteeErased {}), [Reaction::DestroyKeys]);
}

//! Looking at an invitation and taking it (behaviour 4.5, D11, D34, D38, D40).

use std::sync::Arc;

use crate::{
    access::Requester,
    member::{
        AcceptContext, InvitationDetails, Member, MemberCommand, MemberEvent, MemberFlag, Ownership,
        RevocationReason, look_at,
    },
    organization::OrganizationEvent,
    personal::KeyedHash,
    refusal::Refusal,
    specification::{
        Decided, REQUESTER, SOMEBODY, World, acme, email, flagged, given, globex, hash, in_thirty_days,
        integration, invite_requested, invited, joined, now, on, plain_member, role, state, stranger, user,
        web,
    },
    time::Timestamp,
    user::Authenticator,
};

/// Whoever asks, asker@acme.example, shows the right token of Mia's invitation.
struct Shown {
    events: Vec<MemberEvent>,
    world: World,
    requester: Option<Requester>,
    token_matches: bool,
    at: Timestamp,
}

fn shown(events: impl IntoIterator<Item = MemberEvent>) -> Shown {
    let (events, world) = (events.into_iter().collect(), World::default());
    Shown { events, world, requester: Some(stranger()), token_matches: true, at: now() }
}

impl Shown {
    fn by(self, requester: Option<Requester>) -> Self {
        Self { requester, ..self }
    }

    fn after(self, event: &OrganizationEvent) -> Self {
        Self { world: self.world.after(event), ..self }
    }

    fn context(&self) -> AcceptContext {
        AcceptContext {
            organization: (acme(), Arc::clone(&self.world.organization)),
            requester: self.requester.clone(),
            roles: Arc::clone(&self.world.roles),
            token_matches: self.token_matches,
            addresses: vec![hash("asker@acme.example")],
            at: self.at,
        }
    }

    fn looked_at(&self) -> Result<InvitationDetails, Refusal> {
        look_at(&state(self.events.clone()), &self.context())
    }

    fn accepted(self) -> Decided {
        let context = Arc::new(self.context());
        given::<Member>(self.events).when(MemberCommand::AcceptInvite(context))
    }
}

fn accepted(released: Vec<KeyedHash>, ownership: Option<Ownership>) -> MemberEvent {
    MemberEvent::InviteAccepted {
        user: user(REQUESTER),
        email_matches: released.is_empty(),
        addresses: vec![hash("asker@acme.example")],
        released,
        ownership,
    }
}

fn invited_himself() -> MemberEvent {
    let MemberEvent::MemberInvited { organization, org_role, inviter, generation, expires_at, .. } =
        invited("member", SOMEBODY)
    else {
        unreachable!()
    };
    MemberEvent::MemberInvited {
        organization,
        email: email("Asker@Acme.example"),
        org_role,
        inviter,
        generation,
        expires_at,
        imported: false,
        counted: None,
        without_letter: false,
        referrer: None,
    }
}

fn with_provider(allow_unlinked: bool) -> OrganizationEvent {
    OrganizationEvent::SsoEnabled { provider: "okta".into(), name: "Okta".into(), allow_unlinked }
}

fn restricted() -> OrganizationEvent {
    OrganizationEvent::OrganizationOptionChanged {
        option: "restrictInvitesToEmail".into(),
        from: serde_json::Value::Null,
        to: true.into(),
    }
}

#[test]
fn whoever_takes_an_invitation_gives_back_an_address_that_is_not_his() {
    shown([invited("member", SOMEBODY), on(web())])
        .accepted()
        .then([accepted(vec![hash("mia@acme.example")], None)]);
}

#[test]
fn an_address_of_his_own_matches_without_regard_to_case_and_stays_his() {
    shown([invited_himself()]).accepted().then([accepted(vec![], None)]);
}

#[test]
fn whoever_is_invited_as_owner_is_one_from_then_on() {
    shown([invited("owner", SOMEBODY)])
        .accepted()
        .then([accepted(vec![hash("mia@acme.example")], Some(Ownership::Gained))]);
}

#[test]
fn only_a_person_accepts() {
    for requester in [None, Some(integration(acme()))] {
        shown([invited("member", SOMEBODY)]).by(requester).accepted().then_refused("invite_not_acceptable");
    }
}

#[test]
fn what_is_no_open_invitation_opens_for_nobody() {
    let revoked = MemberEvent::InviteRevoked {
        reason: RevocationReason::Revoked,
        role: role("member"),
        teams: vec![],
        addresses: vec![],
    };
    for events in [
        vec![],
        vec![joined("member")],
        vec![invite_requested()],
        vec![invited("member", SOMEBODY), revoked],
        vec![invited("member", SOMEBODY), accepted(vec![], None)],
    ] {
        assert_eq!(shown(events.clone()).looked_at(), Err(Refusal::InviteCodeInvalid), "{events:?}");
        shown(events).accepted().then_refused("invite_not_acceptable");
    }
}

#[test]
fn another_token_and_another_time_open_nothing() {
    let wrong = || Shown { token_matches: false, ..shown([invited("member", SOMEBODY)]) };
    let late = || Shown { at: in_thirty_days(), ..shown([invited("member", SOMEBODY)]) };
    assert_eq!(wrong().looked_at(), Err(Refusal::InviteCodeInvalid));
    assert_eq!(late().looked_at(), Err(Refusal::InviteCodeInvalid));
    wrong().accepted().then_refused("invite_not_acceptable");
    late().accepted().then_refused("invite_not_acceptable");
}

#[test]
fn an_invitation_to_another_organization_does_not_open_this_one() {
    let elsewhere = match invited("member", SOMEBODY) {
        MemberEvent::MemberInvited { email, org_role, inviter, generation, expires_at, .. } => {
            MemberEvent::MemberInvited {
                organization: globex(),
                email,
                org_role,
                inviter,
                generation,
                expires_at,
                imported: false,
                counted: None,
                without_letter: false,
                referrer: None,
            }
        }
        other => other,
    };
    shown([elsewhere]).accepted().then_refused("invite_not_acceptable");
}

#[test]
fn who_is_a_member_already_is_told_so_with_the_right_token_only() {
    let again = || shown([invited("member", SOMEBODY)]).by(Some(plain_member()));
    assert!(again().looked_at().unwrap().existing_member);
    again().accepted().then_refused("member_exists");
    Shown { token_matches: false, ..again() }.accepted().then_refused("invite_not_acceptable");
}

#[test]
fn a_required_second_factor_is_asked_for() {
    let required = |requester| {
        shown([invited("member", SOMEBODY)]).after(&OrganizationEvent::TwoFactorRequired {}).by(requester)
    };
    let needs = |requester| required(requester).looked_at().unwrap().needs_second_factor;
    assert!(needs(None) && needs(Some(stranger())));
    assert!(needs(Some(stranger().with(Authenticator::Recovery))));
    assert!(!needs(Some(stranger().with(Authenticator::Totp))));
    required(Some(stranger())).accepted().then_refused("invite_not_acceptable");
    let with_factor = required(Some(stranger().with(Authenticator::Totp)));
    with_factor.accepted().then([accepted(vec![hash("mia@acme.example")], None)]);
}

#[test]
fn an_organization_may_insist_on_the_invited_address() {
    shown([invited("member", SOMEBODY)])
        .after(&restricted())
        .accepted()
        .then_refused("invite_to_another_address");
    shown([invited_himself()]).after(&restricted()).accepted().then([accepted(vec![], None)]);
}

#[test]
fn where_sso_is_required_nothing_happens_to_who_is_not_linked() {
    shown([invited("member", SOMEBODY)]).after(&with_provider(false)).accepted().then_nothing();
    let taken = || accepted(vec![hash("mia@acme.example")], None);
    shown([invited("member", SOMEBODY)]).after(&with_provider(true)).accepted().then([taken()]);
    shown([invited("member", SOMEBODY), flagged(MemberFlag::SsoLinked)])
        .after(&with_provider(false))
        .accepted()
        .then([taken()]);
}

#[test]
fn a_look_says_what_is_needed() {
    let bare = InvitationDetails {
        organization_slug: "acme".into(),
        needs_authentication: true,
        needs_second_factor: false,
        requires_sso: false,
        existing_member: false,
        sso_provider: None,
    };
    let looked_at = |requester| shown([invited("member", SOMEBODY)]).by(requester).looked_at().unwrap();
    assert_eq!(looked_at(None), bare);
    assert_eq!(looked_at(Some(integration(acme()))), bare);
    assert_eq!(
        looked_at(Some(stranger())),
        InvitationDetails { needs_authentication: false, ..bare.clone() }
    );
    for (allow_unlinked, requires_sso) in [(true, false), (false, true)] {
        let sso = shown([invited("member", SOMEBODY)]).by(None).after(&with_provider(allow_unlinked));
        let sso_provider = Some("Okta".into());
        assert_eq!(sso.looked_at(), Ok(InvitationDetails { requires_sso, sso_provider, ..bare.clone() }));
    }
}

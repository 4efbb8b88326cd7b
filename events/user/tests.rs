//! Decisions about accounts.

use super::{Authenticator, Naming, Renamed, User, UserCommand, UserEvent};
use crate::{
    claims::Place,
    personal::Personal,
    specification::{acme, email, given, hash, member, state, username},
};

fn registered() -> UserEvent {
    UserEvent::UserRegistered { username: username("mia"), name: None, email: email("mia@acme.example") }
}

fn register() -> UserCommand {
    UserCommand::Register { username: username("mia"), name: None, email: email("mia@acme.example") }
}

fn place() -> Place {
    Place { organization: acme(), member: member(1) }
}

fn added() -> UserEvent {
    UserEvent::EmailAdded { email: email("m@home.example"), memberships: vec![place()] }
}

#[test]
fn an_account_is_registered_once() {
    given::<User>([]).when(register()).then([registered()]);
    given::<User>([registered()]).when(register()).then_refused("already_exists");
}

#[test]
fn a_new_account_is_active_and_its_address_is_not_verified() {
    let user: User = state([registered()]);
    assert!(user.active && !user.superuser);
    assert_eq!(user.addresses.len(), 1);
    assert!(!user.addresses[0].verified);
}

#[test]
fn nothing_is_asked_of_an_account_that_is_not_there() {
    let commands = [
        UserCommand::AddEmail { email: email("m@home.example"), memberships: vec![] },
        UserCommand::VerifyEmail { email: hash("mia@acme.example") },
        UserCommand::EnrolAuthenticator { kind: Authenticator::Totp },
        UserCommand::Deactivate { owns: vec![] },
        UserCommand::GrantSuperuser,
        UserCommand::RevokeSuperuser,
        UserCommand::Reactivate { owns: vec![] },
        UserCommand::Rename { username: Some(username("max")), name: Naming::Stays },
        UserCommand::RemoveEmail { email: hash("mia@acme.example"), memberships: vec![] },
        UserCommand::ChoosePrimaryEmail { email: hash("mia@acme.example") },
        UserCommand::RemoveAuthenticator { kind: Authenticator::Totp },
    ];
    for command in commands {
        given::<User>([]).when(command).then_refused("not_found");
    }
}

#[test]
fn an_address_is_added_once_whatever_its_case() {
    let add = |text: &str| UserCommand::AddEmail { email: email(text), memberships: vec![place()] };
    given::<User>([registered()]).when(add("m@home.example")).then([added()]);
    given::<User>([registered(), added()]).when(add("M@Home.example")).then_nothing();
    given::<User>([registered()]).when(add("MIA@acme.example")).then_nothing();
}

#[test]
fn the_addresses_of_an_account_have_the_primary_one_first() {
    let user: User = state([registered(), added()]);
    let hashes: Vec<_> = user.address_hashes().cloned().collect();
    assert_eq!(hashes, [hash("mia@acme.example"), hash("m@home.example")]);
}

#[test]
fn an_address_is_verified_once_and_only_this_one() {
    let verify = |text: &str| UserCommand::VerifyEmail { email: hash(text) };
    let verified = UserEvent::EmailVerified { email: hash("m@home.example") };
    given::<User>([registered(), added()]).when(verify("m@home.example")).then([verified.clone()]);
    given::<User>([registered(), added(), verified.clone()]).when(verify("m@home.example")).then_nothing();
    given::<User>([registered()]).when(verify("m@home.example")).then_refused("not_found");
    let user: User = state([registered(), added(), verified]);
    let which: Vec<_> = user.addresses.iter().map(|address| address.verified).collect();
    assert_eq!(which, [false, true]);
}

#[test]
fn an_authenticator_is_enrolled_once() {
    for kind in Authenticator::ALL {
        let enrolled = UserEvent::AuthenticatorEnrolled { kind };
        let enrol = || UserCommand::EnrolAuthenticator { kind };
        given::<User>([registered()]).when(enrol()).then([enrolled.clone()]);
        given::<User>([registered(), enrolled]).when(enrol()).then_nothing();
    }
}

#[test]
fn recovery_codes_alone_are_no_second_factor() {
    let with = |kinds: &[Authenticator]| {
        let enrolled = kinds.iter().map(|&kind| UserEvent::AuthenticatorEnrolled { kind });
        state::<User>([registered()].into_iter().chain(enrolled)).has_second_factor()
    };
    assert!(!with(&[]));
    assert!(!with(&[Authenticator::Recovery]));
    for kind in [Authenticator::Totp, Authenticator::Sms, Authenticator::U2f] {
        assert!(with(&[Authenticator::Recovery, kind]), "{} is a second factor", kind.name());
    }
}

#[test]
fn an_account_is_deactivated_once() {
    let deactivate = || UserCommand::Deactivate { owns: vec![place()] };
    let deactivated = UserEvent::UserDeactivated { owns: vec![place()] };
    given::<User>([registered()]).when(deactivate()).then([deactivated.clone()]);
    given::<User>([registered(), deactivated]).when(deactivate()).then_nothing();
}

#[test]
fn a_person_becomes_superuser_once() {
    let granted = UserEvent::SuperuserGranted {};
    given::<User>([registered()]).when(UserCommand::GrantSuperuser).then([granted.clone()]);
    given::<User>([registered(), granted]).when(UserCommand::GrantSuperuser).then_nothing();
}

#[test]
fn a_person_is_superuser_until_that_is_taken_back() {
    let (granted, revoked) = (UserEvent::SuperuserGranted {}, UserEvent::SuperuserRevoked {});
    given::<User>([registered(), granted.clone()]).when(UserCommand::RevokeSuperuser).then([revoked.clone()]);
    given::<User>([registered()]).when(UserCommand::RevokeSuperuser).then_nothing();
    given::<User>([registered(), granted.clone(), revoked]).when(UserCommand::GrantSuperuser).then([granted]);
}

#[test]
fn an_account_is_reactivated_once() {
    let reactivate = || UserCommand::Reactivate { owns: vec![place()] };
    let deactivated = UserEvent::UserDeactivated { owns: vec![place()] };
    let reactivated = UserEvent::UserReactivated { owns: vec![place()] };
    given::<User>([registered()]).when(reactivate()).then_nothing();
    given::<User>([registered(), deactivated.clone()]).when(reactivate()).then([reactivated.clone()]);
    let user: User = state([registered(), deactivated, reactivated]);
    assert!(user.active);
}

fn named(text: &str) -> Personal<String> {
    Personal::open(text.into(), None)
}

#[test]
fn a_new_name_is_told_with_the_one_before() {
    let rename = |to: &str, name| UserCommand::Rename { username: Some(username(to)), name };
    let both = UserEvent::UserRenamed {
        username: Some(Box::new(Renamed { from: Some(username("mia")), to: Some(username("max")) })),
        name: Some(Box::new(Renamed { from: None, to: Some(named("Max")) })),
    };
    given::<User>([registered()]).when(rename("max", Naming::Named(named("Max")))).then([both.clone()]);
    let user: User = state([registered(), both.clone()]);
    assert_eq!((user.username, user.name), (Some(username("max")), Some(named("Max"))));
    let cleared = UserEvent::UserRenamed {
        username: None,
        name: Some(Box::new(Renamed { from: Some(named("Max")), to: None })),
    };
    given::<User>([registered(), both.clone()]).when(rename("max", Naming::Cleared)).then([cleared.clone()]);
    let user: User = state([registered(), both, cleared]);
    assert_eq!((user.username, user.name), (Some(username("max")), None));
}

#[test]
fn a_name_that_stays_is_no_event() {
    let stay = UserCommand::Rename { username: Some(username("mia")), name: Naming::Cleared };
    given::<User>([registered()]).when(stay).then_nothing();
    given::<User>([registered()])
        .when(UserCommand::Rename { username: None, name: Naming::Stays })
        .then_nothing();
}

#[test]
fn an_address_is_removed_verified_or_not_but_never_the_primary_one() {
    let remove = |text: &str| UserCommand::RemoveEmail { email: hash(text), memberships: vec![place()] };
    let removed = UserEvent::EmailRemoved { email: hash("m@home.example"), memberships: vec![place()] };
    let verified = UserEvent::EmailVerified { email: hash("m@home.example") };
    given::<User>([registered(), added()]).when(remove("m@home.example")).then([removed.clone()]);
    given::<User>([registered(), added(), verified]).when(remove("m@home.example")).then([removed.clone()]);
    given::<User>([registered(), added()]).when(remove("mia@acme.example")).then_refused("primary_address");
    given::<User>([registered()]).when(remove("m@home.example")).then_refused("not_found");
    given::<User>([registered(), added(), removed.clone()])
        .when(remove("m@home.example"))
        .then_refused("not_found");
    let user: User = state([registered(), added(), removed]);
    assert_eq!(user.addresses.len(), 1);
}

#[test]
fn another_address_becomes_the_primary_one_and_the_first() {
    let choose = |text: &str| UserCommand::ChoosePrimaryEmail { email: hash(text) };
    let (first, second) = (hash("mia@acme.example"), hash("m@home.example"));
    let chosen = UserEvent::PrimaryEmailChanged { from: first.clone(), to: second.clone() };
    given::<User>([registered(), added()]).when(choose("m@home.example")).then([chosen.clone()]);
    given::<User>([registered(), added()]).when(choose("mia@acme.example")).then_nothing();
    given::<User>([registered()]).when(choose("m@home.example")).then_refused("not_found");
    let user: User = state([registered(), added(), chosen]);
    assert_eq!(user.address_hashes().cloned().collect::<Vec<_>>(), [second, first]);
}

#[test]
fn what_an_address_has_become_is_not_taken_back() {
    let verified = UserEvent::EmailVerified { email: hash("mia@acme.example") };
    let user: User = state([registered(), verified, added()]);
    let of = |address: &str, verified, primary| {
        UserCommand::of_email(&user, &hash(address), verified, primary)
            .map(|commands| commands.len())
            .map_err(|refusal| refusal.code())
    };
    assert_eq!(of("mia@acme.example", Some(false), None), Err("invalid_fields"));
    assert_eq!(of("mia@acme.example", None, Some(false)), Err("invalid_fields"));
    assert_eq!(of("m@home.example", Some(false), Some(false)), Ok(0));
    assert_eq!(of("m@home.example", Some(true), Some(true)), Ok(2));
    assert_eq!(of("other@home.example", Some(true), None), Err("not_found"));
}

#[test]
fn an_authenticator_is_removed_once() {
    let kind = Authenticator::Totp;
    let remove = || UserCommand::RemoveAuthenticator { kind };
    let (enrolled, removed) =
        (UserEvent::AuthenticatorEnrolled { kind }, UserEvent::AuthenticatorRemoved { kind });
    given::<User>([registered(), enrolled.clone()]).when(remove()).then([removed.clone()]);
    given::<User>([registered()]).when(remove()).then_nothing();
    let user: User = state([registered(), enrolled, removed]);
    assert!(!user.has_second_factor());
}

#[test]
fn names_of_authenticators_are_the_stored_ones() {
    for kind in Authenticator::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        assert_eq!(kind.name().parse(), Ok(kind));
    }
    assert!("fax".parse::<Authenticator>().is_err());
}

fn erased() -> UserEvent {
    UserEvent::UserErased {
        owns: vec![place()],
        username: username("mia").hash().cloned(),
        addresses: vec![hash("mia@acme.example"), hash("m@home.example")],
        invitees: vec![member(2)],
    }
}

#[test]
fn an_erasure_says_what_is_free_again_and_happens_once() {
    let erase = || UserCommand::Erase { owns: vec![place()], invitees: vec![member(2)] };
    given::<User>([registered(), added()]).when(erase()).then([erased()]);
    given::<User>([registered(), added(), erased()]).when(erase()).then_nothing();
    given::<User>([]).when(erase()).then_refused("not_found");
}

#[test]
fn nothing_is_asked_of_an_account_that_was_erased() {
    let before = || [registered(), added(), UserEvent::SuperuserGranted {}, erased()];
    for command in [
        UserCommand::Reactivate { owns: vec![] },
        UserCommand::GrantSuperuser,
        UserCommand::VerifyEmail { email: hash("mia@acme.example") },
        UserCommand::Rename { username: Some(username("max")), name: Naming::Stays },
    ] {
        given::<User>(before()).when(command).then_refused("not_found");
    }
    given::<User>(before()).when(register()).then_refused("already_exists");
    let user: User = state(before());
    assert!(user.erased && !user.exists() && !user.active && !user.superuser);
    assert_eq!(user.address_hashes().count(), 2, "they are free in an organization once he is out of it");
}

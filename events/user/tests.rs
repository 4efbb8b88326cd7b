//! Decisions about accounts.

use super::{Authenticator, User, UserCommand, UserEvent};
use crate::{
    claims::Place,
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
fn names_of_authenticators_are_the_stored_ones() {
    for kind in Authenticator::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        assert_eq!(kind.name().parse(), Ok(kind));
    }
    assert!("fax".parse::<Authenticator>().is_err());
}

//! Decisions about bearer tokens.

use super::{ApiToken, TokenCommand, TokenEvent, TokenOwner};
use crate::specification::{acme, given, scopes, state, user};

fn issue(owner: TokenOwner) -> TokenCommand {
    TokenCommand::Issue {
        owner,
        scopes: Some(scopes(&["member:admin"])),
        digest: "d1".into(),
        key_id: "k1".into(),
    }
}

fn issued(owner: TokenOwner) -> TokenEvent {
    TokenEvent::TokenIssued {
        owner,
        scopes: Some(scopes(&["member:admin"])),
        digest: "d1".into(),
        key_id: "k1".into(),
    }
}

fn revoked() -> TokenEvent {
    TokenEvent::TokenRevoked {}
}

#[test]
fn a_token_is_a_persons_or_an_organizations_own() {
    for owner in [TokenOwner::User(user(1)), TokenOwner::Organization(acme())] {
        given::<ApiToken>([]).when(issue(owner)).then([issued(owner)]);
    }
}

#[test]
fn a_token_is_issued_once() {
    let owner = TokenOwner::User(user(1));
    given::<ApiToken>([issued(owner)]).when(issue(owner)).then_refused("already_exists");
    given::<ApiToken>([issued(owner), revoked()]).when(issue(owner)).then_refused("already_exists");
}

#[test]
fn a_token_is_revoked_once() {
    let owner = TokenOwner::User(user(1));
    given::<ApiToken>([issued(owner)]).when(TokenCommand::Revoke).then([revoked()]);
    given::<ApiToken>([issued(owner), revoked()]).when(TokenCommand::Revoke).then_nothing();
    given::<ApiToken>([]).when(TokenCommand::Revoke).then_refused("not_found");
}

#[test]
fn a_revoked_token_still_says_whose_it_was() {
    let owner = TokenOwner::Organization(acme());
    let token: ApiToken = state([issued(owner), revoked()]);
    assert!(token.revoked);
    assert_eq!(token.owner, Some(owner));
}

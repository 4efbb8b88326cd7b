//! Who may administer accounts, tokens and the deployment.
//!
//! No scope stands for these, so a token that is limited to scopes changes no account: it would give its holder more than
//! it says.

use crate::{
    access::Requester,
    id::UserId,
    refusal::Refusal,
    roles::{ScopeSet, known_scopes},
    token::TokenOwner,
};

impl Requester {
    /// Whether the token takes nothing away from its owner.
    fn is_unlimited(&self) -> bool {
        self.token_scopes.as_ref().is_none_or(|limit| known_scopes().is_subset(&limit.with_implied()))
    }

    /// Whether a superuser asks, with a token that leaves him all that he may do.
    pub fn administers(&self) -> bool {
        self.is_superuser() && self.is_unlimited()
    }

    /// Lets a superuser pass.
    pub fn administer(&self) -> Result<(), Refusal> {
        if self.administers() { Ok(()) } else { Err(Refusal::NoPermission) }
    }

    /// Lets a superuser look at any account and a person at his own. `account` is what the request names; none for what
    /// is no account.
    pub fn see_account(&self, account: Option<UserId>) -> Result<UserId, Refusal> {
        match account {
            Some(account) if self.administers() || self.is_person(account) => Ok(account),
            None if self.administers() => Err(Refusal::NotFound),
            _ => Err(Refusal::NoPermission),
        }
    }

    /// As [`Requester::see_account`], for changes.
    pub fn change_account(&self, account: Option<UserId>) -> Result<UserId, Refusal> {
        if self.is_unlimited() { self.see_account(account) } else { Err(Refusal::NoPermission) }
    }

    /// Lets a superuser issue any token, and a person one for himself that permits no more than the one that he shows.
    pub fn issue_token(&self, owner: TokenOwner, scopes: Option<&ScopeSet>) -> Result<(), Refusal> {
        if self.administers() {
            return Ok(());
        }
        if self.user.is_none() {
            return Err(Refusal::UserTokenRequired);
        }
        let is_no_wider = match (&self.token_scopes, scopes) {
            (None, _) => true,
            (Some(limit), Some(scopes)) => scopes.is_subset(&limit.with_implied()),
            (Some(_), None) => self.is_unlimited(),
        };
        if self.owns(owner) && is_no_wider { Ok(()) } else { Err(Refusal::NoPermission) }
    }

    /// Lets a superuser revoke any token, and everybody else his own. Who may not is not told whether there is such a
    /// token; `owner` is none where there is not.
    pub fn revoke_token(&self, owner: Option<TokenOwner>) -> Result<(), Refusal> {
        let found = owner.is_some_and(|owner| self.administers() || self.owns(owner));
        if found { Ok(()) } else { Err(Refusal::NotFound) }
    }

    fn is_person(&self, account: UserId) -> bool {
        self.user.as_ref().is_some_and(|(id, _)| *id == account)
    }

    fn owns(&self, owner: TokenOwner) -> bool {
        match owner {
            TokenOwner::User(user) => self.is_person(user),
            TokenOwner::Organization(organization) => self.integration == Some(organization),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        access::Requester,
        id::UserId,
        refusal::Refusal,
        roles::known_scopes,
        specification::{MIA, SOMEBODY},
        specification::{acme, globex, herself, integration, scopes, superuser, user},
        token::TokenOwner,
    };

    fn code<T>(outcome: Result<T, Refusal>) -> Result<T, &'static str> {
        outcome.map_err(|refusal| refusal.code())
    }

    fn mia() -> Requester {
        herself("owner")
    }

    #[test]
    fn a_person_sees_himself_and_a_superuser_everybody() {
        let (own, other): (UserId, UserId) = (user(MIA), user(SOMEBODY));
        assert_eq!(code(mia().see_account(Some(own))), Ok(own));
        assert_eq!(code(mia().see_account(Some(other))), Err("no_permission"));
        assert_eq!(code(mia().see_account(None)), Err("no_permission"));
        assert_eq!(code(superuser().see_account(Some(other))), Ok(other));
        assert_eq!(code(superuser().see_account(None)), Err("not_found"));
        assert_eq!(code(integration(acme()).see_account(Some(own))), Err("no_permission"));
    }

    #[test]
    fn a_limited_token_shows_an_account_and_changes_none() {
        let (own, limited) = (user(MIA), mia().limited_to(&["org:admin", "member:admin"]));
        assert_eq!(code(limited.see_account(Some(own))), Ok(own));
        assert_eq!(code(limited.change_account(Some(own))), Err("no_permission"));
        assert_eq!(code(mia().change_account(Some(own))), Ok(own));
        let all = Requester { token_scopes: Some(known_scopes()), ..mia() };
        assert_eq!(code(all.change_account(Some(own))), Ok(own));
    }

    #[test]
    fn a_limited_token_of_a_superuser_is_that_of_a_person() {
        let limited = superuser().limited_to(&["org:admin"]);
        assert_eq!(code(limited.administer()), Err("no_permission"));
        assert_eq!(code(superuser().administer()), Ok(()));
        assert_eq!(code(limited.issue_token(TokenOwner::User(user(MIA)), None)), Err("no_permission"));
    }

    #[test]
    fn a_person_issues_no_wider_token_than_his_own() {
        let own = TokenOwner::User(user(MIA));
        let limited = mia().limited_to(&["member:admin"]);
        for (wanted, expected) in [
            (Some(scopes(&["member:read"])), Ok(())),
            (Some(scopes(&[])), Ok(())),
            (Some(scopes(&["member:read", "org:read"])), Err("no_permission")),
            (None, Err("no_permission")),
        ] {
            assert_eq!(code(limited.issue_token(own, wanted.as_ref())), expected, "{wanted:?}");
        }
        assert_eq!(code(mia().issue_token(own, None)), Ok(()));
    }

    #[test]
    fn tokens_for_others_are_issued_by_superusers_only() {
        for owner in [TokenOwner::User(user(SOMEBODY)), TokenOwner::Organization(acme())] {
            assert_eq!(code(mia().issue_token(owner, None)), Err("no_permission"));
            assert_eq!(code(superuser().issue_token(owner, None)), Ok(()));
            assert_eq!(code(integration(acme()).issue_token(owner, None)), Err("user_token_required"));
        }
    }

    #[test]
    fn everybody_revokes_his_own() {
        let (own, of_acme) = (TokenOwner::User(user(MIA)), TokenOwner::Organization(acme()));
        assert_eq!(code(mia().revoke_token(Some(own))), Ok(()));
        assert_eq!(code(mia().revoke_token(Some(of_acme))), Err("not_found"));
        assert_eq!(code(mia().revoke_token(None)), Err("not_found"));
        assert_eq!(code(integration(acme()).revoke_token(Some(of_acme))), Ok(()));
        assert_eq!(code(integration(globex()).revoke_token(Some(of_acme))), Err("not_found"));
        assert_eq!(code(superuser().revoke_token(Some(of_acme))), Ok(()));
        assert_eq!(code(superuser().revoke_token(None)), Err("not_found"));
    }
}

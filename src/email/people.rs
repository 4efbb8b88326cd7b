//! Who is named in a letter, as far as he still can be.

use muster_events::{
    id::UserId,
    member::Member,
    personal::{Personal, PersonalText},
    user::User,
};

use super::content::{Contents, Who};
use crate::{ledger::Failure, sealing::Unsealed};

impl Contents<'_> {
    /// The person behind a row: of his account, or of what he is invited by.
    pub(super) async fn who(&self, member: &Member) -> Result<Option<Who>, Failure> {
        if let Some(user) = member.user {
            return self.person(user).await;
        }
        let Some(email) = &member.email else { return Ok(None) };
        Ok(self.text(email).await?.map(|email| Who { name: email.clone(), email, username: None }))
    }

    pub(super) async fn person(&self, user: UserId) -> Result<Option<Who>, Failure> {
        let account = self.ledger.state::<User>(&user.into()).await?.state;
        let Some(primary) = account.addresses.first() else { return Ok(None) };
        let Some(email) = self.text(&primary.email).await? else { return Ok(None) };
        let name = match &account.name {
            Some(name) => self.text(name).await?.filter(|name| !name.trim().is_empty()),
            None => None,
        };
        let username = match &account.username {
            Some(username) => self.text(username).await?,
            None => None,
        };
        Ok(Some(Who { name: name.unwrap_or_else(|| email.clone()), email, username }))
    }

    /// What is sealed; nothing once it was erased.
    pub(super) async fn text<T: PersonalText>(
        &self,
        personal: &Personal<T>,
    ) -> Result<Option<String>, Failure> {
        let Some(envelope) = personal.envelope() else { return Ok(None) };
        match self.ledger.keys().unseal(envelope).await? {
            Unsealed::Value(text) => Ok(Some(text)),
            Unsealed::Erased => Ok(None),
        }
    }
}

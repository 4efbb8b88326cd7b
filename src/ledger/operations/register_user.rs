//! Registering a person's account, with everything that is known of the person, in one append.

use async_trait::async_trait;
use muster_events::{
    claims::Claim,
    id::UserId,
    personal::{EmailAddress, UserName},
    refusal::Refusal,
    user::{Authenticator, User, UserCommand},
};

use crate::ledger::{Failure, Operation, Unit};

/// Register an account.
#[derive(Debug, Clone)]
pub struct RegisterUser {
    /// The user name; unique.
    pub username: String,
    /// The display name.
    pub name: Option<String>,
    /// The addresses, the primary one first, each with whether it is verified; unique.
    pub emails: Vec<(String, bool)>,
    /// The enrolled authenticators.
    pub authenticators: Vec<Authenticator>,
    /// Whether the person may do everything everywhere.
    pub superuser: bool,
    /// Whether the account can be used.
    pub active: bool,
    /// Whether an account that has the primary address already is the answer, instead of a refusal.
    pub or_existing: bool,
}

impl RegisterUser {
    fn commands(&self, unit: &Unit<'_>) -> Result<Vec<UserCommand>, Failure> {
        let keys = unit.ledger().keys();
        let mut emails =
            self.emails.iter().map(|(email, verified)| (keys.hashed(EmailAddress(email.clone())), *verified));
        let (primary, verified) = emails.next().ok_or(Failure::Refused(Refusal::NotFound))?;
        let hash = |email: &muster_events::personal::Personal<EmailAddress>| email.hash().cloned();
        let mut commands = vec![];
        let verify =
            verified.then(|| hash(&primary)).flatten().map(|email| UserCommand::VerifyEmail { email });
        commands.push(UserCommand::Register {
            username: keys.hashed(UserName(self.username.clone())),
            name: self.name.clone().map(|name| keys.hashed(name)),
            email: primary,
        });
        commands.extend(verify);
        for (email, verified) in emails {
            let verify =
                verified.then(|| hash(&email)).flatten().map(|email| UserCommand::VerifyEmail { email });
            commands.push(UserCommand::AddEmail { email, memberships: vec![] });
            commands.extend(verify);
        }
        commands
            .extend(self.authenticators.iter().map(|kind| UserCommand::EnrolAuthenticator { kind: *kind }));
        commands.extend(self.superuser.then_some(UserCommand::GrantSuperuser));
        commands.extend((!self.active).then_some(UserCommand::Deactivate { owns: vec![] }));
        Ok(commands)
    }
}

#[async_trait]
impl Operation for RegisterUser {
    type Answer = UserId;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<UserId, Failure> {
        if self.or_existing
            && let Some((primary, _)) = self.emails.first()
            && let Some(hash) = unit.ledger().keys().hashed(EmailAddress(primary.clone())).hash()
            && let Some(holder) = unit.holder(&Claim::user_address(hash)).await?
            && let Ok(existing) = holder.parse()
        {
            return Ok(existing);
        }
        let id = unit.ledger().new_user_id();
        let commands = self.commands(unit)?;
        unit.decide::<User>(id, None, commands).await?;
        Ok(id)
    }

    fn resource(&self, answer: &UserId) -> Option<String> {
        Some(answer.to_string())
    }
}

//! What is an e-mail address, and who has it in an organization.

use std::sync::Arc;

use email_address::Options;
use muster_events::{
    claims::Claim,
    id::{MemberId, OrganizationId, UserId},
    member::{InviteStatus, Member},
    personal::{EmailAddress, Personal},
    user::User,
};

use crate::ledger::{Failure, Unit};

/// The most characters of an address (behaviour.md 2.2).
pub const MAX_EMAIL_ADDRESS: usize = 75;

/// How an address is to look: bare, without a name before it, at a domain of at least two parts.
const FORM: Options = Options {
    minimum_sub_domains: 2,
    allow_domain_literal: false,
    allow_display_text: false,
    allow_long_local_parts: false,
};

/// Whether `text` is an e-mail address and nothing else.
pub fn is_email_address(text: &str) -> bool {
    email_address::EmailAddress::parse_with_options(text, FORM).is_ok()
}

/// The row that stands for an address.
#[derive(Debug)]
pub(super) struct AddressHolder {
    pub(super) id: MemberId,
    pub(super) member: Arc<Member>,
}

impl AddressHolder {
    /// Who has `email`: the row that claims it; else, or when that is a mere request, the membership of the person whose
    /// account has it. He claims none of his addresses that another row claimed when he came.
    pub(super) async fn find(
        unit: &mut Unit<'_>,
        organization: OrganizationId,
        email: &Personal<EmailAddress>,
    ) -> Result<Option<Self>, Failure> {
        let Some(hash) = email.hash() else { return Ok(None) };
        let held = unit.holder(&Claim::address(organization, hash)).await?;
        let claimed = match held.and_then(|holder| holder.parse::<MemberId>().ok()) {
            Some(id) => Some(Self { id, member: unit.read::<Member>(id).await?.state }),
            None => None,
        };
        if claimed.as_ref().is_some_and(|found| found.member.invite_status == InviteStatus::Approved) {
            return Ok(claimed);
        }
        Ok(Self::by_account(unit, organization, email).await?.or(claimed))
    }

    /// The membership of the person whose account has `email`, if it can be used.
    async fn by_account(
        unit: &mut Unit<'_>,
        organization: OrganizationId,
        email: &Personal<EmailAddress>,
    ) -> Result<Option<Self>, Failure> {
        let Some(hash) = email.hash() else { return Ok(None) };
        let account = unit.holder(&Claim::user_address(hash)).await?;
        if let Some(user) = account.and_then(|holder| holder.parse::<UserId>().ok())
            && let Some((id, member)) = unit.membership(organization, user).await?
            && unit.read::<User>(user).await?.state.active
        {
            return Ok(Some(Self { id, member }));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::is_email_address;

    #[test]
    fn an_address_is_bare_and_at_a_domain() {
        for text in
            ["mia@acme.example", "m.i+a@mail.acme.example", "o'neil@acme.example", "mia@bücher.example"]
        {
            assert!(is_email_address(text), "{text}");
        }
        for text in [
            "",
            "mia",
            "mia@",
            "@acme.example",
            "mia@acme",
            "Mia <mia@acme.example>",
            "<mia@acme.example>",
            "mia@[127.0.0.1]",
            " mia@acme.example",
            "mia@acme.example\n",
        ] {
            assert!(!is_email_address(text), "{text:?}");
        }
    }
}

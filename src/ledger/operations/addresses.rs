//! Who has an address in an organization.

use std::sync::Arc;

use muster_events::{
    claims::Claim,
    id::{MemberId, OrganizationId, UserId},
    member::{InviteStatus, Member},
    personal::{EmailAddress, Personal},
    user::User,
};

use crate::ledger::{Failure, Unit};

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
        let account = unit.holder(&Claim::user_address(hash)).await?;
        if let Some(user) = account.and_then(|holder| holder.parse::<UserId>().ok())
            && let Some((id, member)) = unit.membership(organization, user).await?
            && unit.read::<User>(user).await?.state.active
        {
            return Ok(Some(Self { id, member }));
        }
        Ok(claimed)
    }
}

//! The end of an invitation that nobody took: asked for by whoever watches the clock.

use async_trait::async_trait;
use muster_events::{
    id::MemberId,
    member::{Member, MemberCommand},
};

use crate::ledger::{Failure, Operation, Unit};

/// Put on record that an invitation has come to its end; nothing when it was taken, revoked or recorded as expired
/// meanwhile, refused before its time.
#[derive(Debug, Clone, Copy)]
pub struct ExpireInvite {
    /// The member that the invitation is.
    pub member: MemberId,
}

#[async_trait]
impl Operation for ExpireInvite {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let member = unit.read::<Member>(self.member).await?.state;
        if member.organization.is_some() && !member.exists() {
            return Ok(());
        }
        let command = MemberCommand::ExpireInvite { now: unit.now() };
        unit.decide::<Member>(self.member, member.organization, vec![command]).await
    }
}

//! Asking to be let in: counts the attempt, and gathers what the decision looks at (behaviour.md 4.6 and D26).

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use muster_events::{
    id::OrganizationId,
    member::{JoinContext, Member, MemberCommand, may_ask_to_join},
    organization::Organization,
    personal::EmailAddress,
    refusal::{FieldError, Refusal},
};

use super::addresses::AddressHolder;
use crate::ledger::{Failure, Operation, Unit};

/// Attempts of one address of the network on one UTC day.
const ATTEMPTS_A_DAY: u32 = 5;

/// Ask to be let in.
///
/// Every attempt is one append, whether or not the address is known, and whether or not it is one: the append counts
/// it, and brings along the event where there is one. So none is free, and the answer takes one path.
#[derive(Debug)]
pub struct AskToJoin {
    /// The organization, found before.
    pub organization: OrganizationId,
    /// Where the request came from.
    pub from: Option<IpAddr>,
    /// The address, or what is wrong with it.
    pub email: Result<String, FieldError>,
}

impl AskToJoin {
    /// Who is counted: a keyed hash that is another one each day, so that nobody is recognized on the next.
    fn counted(&self, unit: &Unit<'_>) -> String {
        let from = match self.from.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => address.octets().to_vec(),
            // A subscriber has at least a whole /64, and may come from another address of it each time.
            Some(IpAddr::V6(address)) => address.octets()[..8].to_vec(),
            None => vec![],
        };
        let day = unit.now().day().to_be_bytes();
        let hash = unit.ledger().keys().request_hash(&[b"attempt", b"join-request", &day, &from]);
        format!("join-request-{hash}")
    }
}

#[async_trait]
impl Operation for AskToJoin {
    /// What is wrong with the address.
    type Answer = Option<FieldError>;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<Self::Answer, Failure> {
        let organization = unit.read::<Organization>(self.organization).await?.state;
        if !organization.exists() {
            return Err(Failure::Refused(Refusal::NotFound));
        }
        may_ask_to_join(&organization)?;
        unit.count_attempt(&self.counted(unit), ATTEMPTS_A_DAY).await?;
        let address = match &self.email {
            Ok(address) => address,
            Err(error) => return Ok(Some(error.clone())),
        };
        let email = unit.ledger().keys().hashed(EmailAddress(address.clone()));
        let is_known = AddressHolder::find(unit, self.organization, &email).await?.is_some();
        let roles = unit.roles().await?;
        let organization = (self.organization, organization);
        let context = Arc::new(JoinContext { organization, roles, email, is_known });
        let id = unit.ledger().new_member_id();
        let command = MemberCommand::AskToJoin(context);
        unit.decide::<Member>(id, Some(self.organization), vec![command]).await?;
        Ok(None)
    }
}

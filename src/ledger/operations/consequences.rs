//! What policies and sweepers ask: consequences of what happened elsewhere, one member at a time. Each looks at its cause
//! again, in the same append, and does nothing where that does not hold any more.

use async_trait::async_trait;
use compact_str::format_compact;
use muster_events::{
    claims::{Claim, ClaimKind},
    event::Event,
    id::{MemberId, OrganizationId, TeamId, UserId},
    member::{
        Consequence, INVITATION_DAYS, Member, MemberCommand, MemberEvent, MemberFlag, Ownership,
        PendingReason, ReturnToPending,
    },
    organization::Organization,
    personal::{EmailAddress, Personal},
    policies::{OwnerStanding, who_stays},
    stream::{Position, Sequence, StreamId},
    team::Team,
    time::Timestamp,
    user::{Address, User, UserEvent},
};

use crate::{
    ledger::{Failure, Operation, Unit},
    sealing::Unsealed,
    store::StoreError,
};

/// Owners, and events of one of them, that are read at once.
const PAGE: usize = 512;

/// End an invitation or a request whose sender was removed (behaviour.md D14).
#[derive(Debug)]
pub struct RevokeSent {
    /// Where.
    pub organization: OrganizationId,
    /// The invitation or request.
    pub member: MemberId,
    /// Who sent it.
    pub inviter: UserId,
    /// The membership that he lost.
    pub lost: StreamId,
    /// When he lost it.
    pub at: Timestamp,
}

#[async_trait]
impl Operation for RevokeSent {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        if unit.read::<Member>(self.lost.clone()).await?.state.exists() {
            return Ok(());
        }
        let cause = Consequence::InviterRemoved { inviter: self.inviter, at: self.at };
        follow(unit, self.organization, self.member, cause).await
    }
}

/// Take a member off a team that is gone, and deny his request to join it.
#[derive(Debug)]
pub struct ClearTeam {
    /// Of which organization.
    pub organization: OrganizationId,
    /// The member.
    pub member: MemberId,
    /// The team.
    pub team: TeamId,
}

#[async_trait]
impl Operation for ClearTeam {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        if !unit.read::<Team>(self.team).await?.state.deleted {
            return Ok(());
        }
        follow(unit, self.organization, self.member, Consequence::TeamDeleted { team: self.team }).await
    }
}

/// Return a member to pending whose account does not meet a requirement of the organization (behaviour.md 7.5, D16,
/// D35).
#[derive(Debug)]
pub struct Enforce {
    /// Where.
    pub organization: OrganizationId,
    /// The member.
    pub member: MemberId,
    /// What is required of his account.
    pub lack: PendingReason,
    /// Since when.
    pub since: Timestamp,
    /// The person who made the requirement.
    pub requester: Option<UserId>,
}

#[async_trait]
impl Operation for Enforce {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let organization = unit.read::<Organization>(self.organization).await?.state;
        if !organization.exists() || !self.lack.applies_in(&organization) {
            return Ok(());
        }
        let member = unit.read::<Member>(self.member).await?.state;
        let Some(user) = member.user else { return Ok(()) };
        let account = unit.read::<User>(user).await?.state;
        let roles = unit.roles().await?;
        // Whoever got the top role while his account could not be used is an owner since it can be used again.
        let may_be_owner = member.owner || member.org_role.as_ref() == Some(roles.top());
        if !self.lack.applies_to(&account) || (may_be_owner && self.has_to_stay(unit).await?) {
            return Ok(());
        }
        let Some(address) = self.free_address(unit, &account).await? else { return Ok(()) };
        let Some(primary) = address.envelope() else { return Ok(()) };
        // Sealed for the person; what the member's stream holds is sealed for the member. Who was erased has no address
        // to be invited by, and is removed because of that.
        let Unsealed::Value(address) = unit.ledger().keys().unseal(primary).await? else { return Ok(()) };
        let cause = Consequence::RequirementNotMet(ReturnToPending {
            reason: self.lack,
            since: self.since,
            user,
            email: unit.ledger().keys().hashed(EmailAddress(address)),
            addresses: account.address_hashes().cloned().collect(),
            expires_at: unit.now().plus_days(INVITATION_DAYS),
        });
        follow(unit, self.organization, self.member, cause).await
    }
}

impl Enforce {
    /// The address that he is to be invited by: the first of his, from the primary one on, that stands for nobody else in
    /// the organization. Who has none stays; he is asked for what he lacks with each request.
    async fn free_address(
        &self,
        unit: &Unit<'_>,
        account: &User,
    ) -> Result<Option<Personal<EmailAddress>>, Failure> {
        let own = format_compact!("{}", self.member);
        for Address { email, .. } in &account.addresses {
            let Some(hash) = email.hash() else { continue };
            let holder = unit.holder(&Claim::address(self.organization, hash)).await?;
            if holder.is_none_or(|holder| holder == own) {
                return Ok(Some(email.clone()));
            }
        }
        Ok(None)
    }

    /// Whether the member is the owner who stays, because otherwise there would be none.
    async fn has_to_stay(&self, unit: &mut Unit<'_>) -> Result<bool, Failure> {
        let mut owners = vec![];
        for member in owners_of(unit, self.organization).await? {
            let state = unit.read::<Member>(member).await?.state;
            let Some(user) = state.user else { continue };
            let complies = !self.lack.applies_to(&unit.read::<User>(user).await?.state);
            owners.push(OwnerStanding {
                member,
                user,
                complies,
                since: owner_since(unit, member, user).await?,
            });
        }
        Ok(who_stays(&owners, self.requester) == Some(self.member))
    }
}

/// All owners of an organization who can be.
async fn owners_of(unit: &Unit<'_>, organization: OrganizationId) -> Result<Vec<MemberId>, Failure> {
    let store = unit.ledger().store();
    let mut after = Claim::owner(organization, "");
    let mut owners = vec![];
    loop {
        let held = store.claims(Some(&after), PAGE).await?;
        let full = held.len() == PAGE;
        let own = |claim: &Claim| claim.kind == ClaimKind::Owner && claim.scope == after.scope;
        let found: Vec<_> = held.into_iter().map(|held| held.claim).filter(own).collect();
        owners.extend(found.iter().filter_map(|claim| claim.key.parse::<MemberId>().ok()));
        match found.into_iter().last() {
            Some(last) if full => after = last,
            _ => return Ok(owners),
        }
    }
}

/// Since which position of the log a member is an owner: since he got the role, or since his account can be used again.
/// Not part of a state, because nothing else asks for it.
async fn owner_since(unit: &Unit<'_>, member: MemberId, user: UserId) -> Result<Position, Failure> {
    let made = last(unit, member.into(), |event| {
        let Event::Member(
            MemberEvent::MemberAdded { ownership, .. }
            | MemberEvent::InviteAccepted { ownership, .. }
            | MemberEvent::OrgRoleChanged { ownership, .. },
        ) = event
        else {
            return false;
        };
        *ownership == Some(Ownership::Gained)
    });
    let made = made.await?;
    let again = last(unit, user.into(), |event| {
        let Event::User(UserEvent::UserReactivated { owns }) = event else { return false };
        owns.iter().any(|place| place.member == member)
    });
    Ok(made.max(again.await?))
}

/// Where the last event of a stream is that `fits`; zero where there is none.
async fn last(unit: &Unit<'_>, stream: StreamId, fits: impl Fn(&Event) -> bool) -> Result<Position, Failure> {
    let store = unit.ledger().store();
    let (mut found, mut sequence) = (Position::ZERO, Sequence::ZERO);
    loop {
        let page = store.read_stream(&stream, sequence, PAGE).await?;
        for stored in &page {
            let event = stored.event().map_err(|error| StoreError::Damaged(error.to_string()))?;
            if fits(&event) {
                found = stored.position;
            }
            sequence = stored.sequence;
        }
        if page.len() < PAGE {
            return Ok(found);
        }
    }
}

/// Unlink a member from an identity at a single sign-on provider that is switched off.
#[derive(Debug)]
pub struct UnlinkSso {
    /// Where.
    pub organization: OrganizationId,
    /// The member.
    pub member: MemberId,
    /// The provider.
    pub provider: String,
    /// Where in the log it was switched off. Who was linked after that is linked to another one.
    pub before: Position,
}

#[async_trait]
impl Operation for UnlinkSso {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let linked = last(unit, self.member.into(), |event| {
            matches!(
                event,
                Event::Member(
                    MemberEvent::SsoLinked { .. }
                        | MemberEvent::MemberFlagSet { flag: MemberFlag::SsoLinked | MemberFlag::SsoInvalid }
                )
            )
        });
        if linked.await? > self.before {
            return Ok(());
        }
        let cause = Consequence::SsoDisabled { provider: self.provider.clone() };
        follow(unit, self.organization, self.member, cause).await
    }
}

/// Remove whoever is left in an organization that is gone (behaviour.md D27).
#[derive(Debug)]
pub struct RemoveWithOrganization {
    /// Which organization.
    pub organization: OrganizationId,
    /// The member, invitation or request.
    pub member: MemberId,
}

#[async_trait]
impl Operation for RemoveWithOrganization {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        if unit.read::<Organization>(self.organization).await?.state.exists() {
            return Ok(());
        }
        let member = unit.read::<Member>(self.member).await?.state;
        let addresses = match member.user {
            Some(user) => unit.read::<User>(user).await?.state.address_hashes().cloned().collect(),
            None => vec![],
        };
        follow(unit, self.organization, self.member, Consequence::OrganizationDeleted { addresses }).await
    }
}

/// Remove whoever was erased from an organization.
#[derive(Debug)]
pub struct RemoveErased {
    /// His account.
    pub user: UserId,
    /// His membership.
    pub member: MemberId,
}

#[async_trait]
impl Operation for RemoveErased {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let account = unit.read::<User>(self.user).await?.state;
        let organization = unit.read::<Member>(self.member).await?.state.organization;
        let Some(organization) = organization.filter(|_| account.erased) else { return Ok(()) };
        let addresses = account.address_hashes().cloned().collect();
        let cause = Consequence::AccountErased { user: self.user, addresses };
        follow(unit, organization, self.member, cause).await
    }
}

async fn follow(
    unit: &mut Unit<'_>,
    organization: OrganizationId,
    member: MemberId,
    cause: Consequence,
) -> Result<(), Failure> {
    unit.decide::<Member>(member, Some(organization), vec![MemberCommand::Follow(cause)]).await
}

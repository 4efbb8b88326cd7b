//! What the ledger does for a command: looks up what it needs to know, and appends what it says.

use std::{collections::BTreeMap, sync::Arc};

use super::Life;
use crate::{
    access::Requester,
    aggregate::Aggregate,
    claims::{Place, claims_of},
    event::Event,
    histories::commands,
    id::{MemberId, UserId},
    member::{Member, MemberCommand, MemberUpdate, NewInvitation, NewMember, RemovalContext, UpdateContext},
    personal::KeyedHash,
    recorded::Actor,
    refusal::Refusal,
    roles::RoleId,
    specification::{acme, earlier, email},
    stream::StreamId,
    user::{User, UserCommand},
};

fn as_events<E: Clone + Into<Event>>(events: &[E]) -> Vec<Event> {
    events.iter().cloned().map(Into::into).collect()
}

/// An invitation of this address.
pub(super) fn invitation(address: &str, org_role: RoleId) -> NewInvitation {
    let (organization, email, roles) = (acme(), email(address), commands::roles());
    NewInvitation { organization, email, org_role, teams: vec![], inviter: None, imported: false, roles }
}

impl Life {
    pub(super) fn add(&mut self, row: MemberId, who: UserId, org_role: RoleId) -> Result<(), Refusal> {
        let account = self.users.get(&who).filter(|account| account.exists()).ok_or(Refusal::NotFound)?;
        let new = NewMember {
            organization: acme(),
            user: who,
            active: account.active,
            addresses: account.address_hashes().cloned().collect(),
            org_role,
            teams: vec![],
            imported: false,
            roles: commands::roles(),
        };
        self.ask_member(row, MemberCommand::AddMember(new))
    }

    pub(super) fn put(&mut self, row: MemberId, by: MemberId, org_role: &RoleId) -> Result<(), Refusal> {
        let changes = MemberUpdate {
            org_role: Some(org_role.to_string()),
            has_other_keys: true,
            ..MemberUpdate::default()
        };
        let context = UpdateContext {
            requester: self.requester(by).ok_or(Refusal::NoPermission)?,
            organization: (acme(), Arc::clone(&self.organization)),
            member: row,
            roles: commands::roles(),
            teams: BTreeMap::new(),
            active: self.is_active(row),
            email_holder: None,
            at: earlier(),
        };
        self.ask_member(row, MemberCommand::Update(changes, Arc::new(context)))
    }

    pub(super) fn delete(&mut self, row: MemberId, by: MemberId) -> Result<(), Refusal> {
        let context = RemovalContext {
            requester: self.requester(by).ok_or(Refusal::NoPermission)?,
            organization: (acme(), Arc::clone(&self.organization)),
            member: row,
            roles: commands::roles(),
            addresses: self.account_addresses(row),
            other_owners: self.claims.owners(acme()).iter().any(|owner| *owner != row.to_string()),
            as_invitation: false,
        };
        self.ask_member(row, MemberCommand::RemoveBy(Arc::new(context)))
    }

    fn requester(&self, by: MemberId) -> Option<Requester> {
        let membership = self.members.get(&by)?;
        let id = membership.user?;
        Some(Requester {
            actor: Actor::user(id, None),
            user: Some((id, Arc::new(self.users[&id].clone()))),
            integration: None,
            membership: Some((by, Arc::new(membership.clone()))),
            token_scopes: None,
        })
    }

    fn account(&self, row: MemberId) -> Option<&User> {
        self.members.get(&row).and_then(|member| member.user).and_then(|id| self.users.get(&id))
    }

    pub(super) fn is_active(&self, row: MemberId) -> bool {
        self.account(row).is_some_and(|account| account.active)
    }

    pub(super) fn account_addresses(&self, row: MemberId) -> Vec<KeyedHash> {
        self.account(row).into_iter().flat_map(User::address_hashes).cloned().collect()
    }

    pub(super) fn places(&self, who: UserId, which: impl Fn(&Member) -> bool) -> Vec<Place> {
        let of_user = self.members.iter().filter(|(_, member)| member.user == Some(who) && which(member));
        of_user.map(|(id, _)| Place { organization: acme(), member: *id }).collect()
    }

    /// Where somebody has the role of an owner, whether his account can be used or not.
    pub(super) fn owned_by(&self, who: UserId) -> Vec<Place> {
        self.places(who, |member| member.org_role.as_ref() == Some(commands::roles().top()))
    }

    pub(super) fn ask_member(&mut self, row: MemberId, command: MemberCommand) -> Result<(), Refusal> {
        let events = self.members.entry(row).or_default().decide(command)?;
        self.append(&row.into(), &as_events(&events))?;
        let state = self.members.entry(row).or_default();
        for event in &events {
            state.evolve(event, earlier());
        }
        Ok(())
    }

    pub(super) fn ask_user(&mut self, who: UserId, command: UserCommand) -> Result<(), Refusal> {
        let events = self.users.entry(who).or_default().decide(command)?;
        self.append(&who.into(), &as_events(&events))?;
        let state = self.users.entry(who).or_default();
        for event in &events {
            state.evolve(event, earlier());
        }
        Ok(())
    }

    fn append(&mut self, stream: &StreamId, events: &[Event]) -> Result<(), Refusal> {
        let changes: Vec<_> =
            events.iter().flat_map(|event| claims_of(stream, Some(acme()), event)).collect();
        self.claims.apply(&changes, earlier()).map_err(|broken| Refusal::of_append(broken, events))
    }
}

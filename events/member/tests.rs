//! Decisions about members: behaviour 2.2, 2.3, 3.2, 5.4, 6.1, 6.2 and the decisions D2 to D5, D7, D13, D25, D29.

mod accept;
mod begin;
mod consequence;
mod end;
mod fields;
mod gate;
mod invite;
mod redundant;
mod reinvite;
mod remove;
mod request;
mod role;
mod single;
mod team_membership;
mod teams;
mod transfer;

use std::sync::Arc;

use super::{EmailHolder, Member, MemberCommand, MemberEvent, MemberUpdate, TeamRoleEntry, UpdateContext};
use crate::{
    access::Requester,
    organization::Feature,
    refusal::{FieldError, Refusal},
    roles::Roles,
    specification::{Decided, MIA, World, acme, given, member, now, owner},
    time::Timestamp,
};

/// A PUT on Mia, by an owner of Acme unless somebody else is named.
struct Put {
    events: Vec<MemberEvent>,
    changes: MemberUpdate,
    world: World,
    requester: Requester,
    active: bool,
    email_holder: Option<EmailHolder>,
    at: Timestamp,
}

/// A PUT without a body on Mia, to whom these events happened.
fn put(events: impl IntoIterator<Item = MemberEvent>) -> Put {
    Put {
        events: events.into_iter().collect(),
        changes: MemberUpdate::default(),
        world: World::default(),
        requester: owner(),
        active: true,
        email_holder: None,
        at: now(),
    }
}

impl Put {
    fn by(self, requester: Requester) -> Self {
        Self { requester, ..self }
    }

    fn within(self, change: impl FnOnce(World) -> World) -> Self {
        Self { world: change(self.world), ..self }
    }

    fn without(self, feature: Feature) -> Self {
        self.within(|world| world.without(feature))
    }

    fn with_roles(mut self, roles: Arc<Roles>) -> Self {
        self.world.roles = roles;
        self
    }

    fn inactive(self) -> Self {
        Self { active: false, ..self }
    }

    fn change(mut self, change: impl FnOnce(&mut MemberUpdate)) -> Self {
        self.changes.has_other_keys = true;
        change(&mut self.changes);
        self
    }

    fn org_role(self, role: &str) -> Self {
        self.change(|changes| changes.org_role = Some(role.into()))
    }

    /// The role under its old name.
    fn old_role(self, role: &str) -> Self {
        self.change(|changes| changes.role = Some(role.into()))
    }

    fn teams(self, slugs: &[&str]) -> Self {
        self.change(|changes| changes.teams = Some(slugs.iter().map(ToString::to_string).collect()))
    }

    fn team_roles(self, entries: &[(&str, Option<&str>)]) -> Self {
        let entry = |(team, role): &(&str, Option<&str>)| TeamRoleEntry {
            team: (*team).to_owned(),
            role: role.map(str::to_owned),
        };
        self.change(|changes| changes.team_roles = Some(entries.iter().map(entry).collect()))
    }

    fn malformed(self, field: &str, message: &str) -> Self {
        self.change(|changes| changes.malformed.push(FieldError::new(field, message)))
    }

    fn reinvite(mut self) -> Self {
        self.changes.reinvite = true;
        self
    }

    fn regenerate(mut self) -> Self {
        self.changes.regenerate = true;
        self
    }

    /// The body names an address that this member has.
    fn email_of(self, address: &str, member: Member) -> Self {
        let holder = EmailHolder { address: address.into(), member: Arc::new(member) };
        let put = self.change(|_| ());
        Put { email_holder: Some(holder), ..put }
    }

    fn decided(self) -> Decided {
        let context = UpdateContext {
            requester: self.requester,
            organization: (acme(), self.world.organization),
            member: member(MIA),
            roles: self.world.roles,
            teams: self.world.teams,
            active: self.active,
            email_holder: self.email_holder,
            at: self.at,
        };
        given::<Member>(self.events).when(MemberCommand::Update(self.changes, Arc::new(context)))
    }

    #[track_caller]
    fn then(self, events: impl IntoIterator<Item = MemberEvent>) {
        self.decided().then(events);
    }

    #[track_caller]
    fn then_nothing(self) {
        self.decided().then_nothing();
    }

    #[track_caller]
    fn then_refused(self, code: &str) {
        self.decided().then_refused(code);
    }

    #[track_caller]
    fn then_refused_as(self, refusal: Refusal) {
        self.decided().then_refused_as(refusal);
    }

    #[track_caller]
    fn then_invalid<const N: usize>(self, errors: [(&'static str, &str); N]) {
        self.decided().then_invalid(errors);
    }
}

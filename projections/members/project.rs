//! What an event does to the tables of the members.

use muster_events::{
    event::Event,
    id::{OrganizationId, TeamId, UserId},
    member::{self, InviteStatus, MemberEvent, MemberFlag},
    personal::{EmailAddress, Personal},
    roles::RoleId,
    time::Timestamp,
};

use super::table::{ACCESS_REQUESTS, MEMBER_TEAMS, MEMBERS, flag_column};
use crate::{
    change::{Cell, Change},
    projection::{LogEntry, Projection},
    table::Value,
};

/// The members.
pub static PROJECTION: Projection = Projection {
    name: "members",
    version: 3,
    aggregates: &[member::TYPE],
    tables: &[&MEMBERS, &MEMBER_TEAMS, &ACCESS_REQUESTS],
    project,
};

fn project(entry: &LogEntry, event: &Event) -> Vec<Change> {
    match event {
        Event::Member(event) => of_member(entry, event),
        Event::Organization(_)
        | Event::Team(_)
        | Event::User(_)
        | Event::Token(_)
        | Event::Roles(_)
        | Event::Letter(_) => {
            vec![]
        }
    }
}

#[expect(clippy::too_many_lines, reason = "a table: one arm an event")]
fn of_member(entry: &LogEntry, event: &MemberEvent) -> Vec<Change> {
    let id = || Value::id_of(&entry.stream);
    // Every change of a member moves its sequence: the row's is what its reader may base a write on.
    let member = |cells: &[Cell]| {
        let sequence = ("sequence", entry.sequence.into());
        Change::set(&MEMBERS, [id()], [cells, &[sequence]].concat())
    };
    let team = |team: TeamId, role: Option<&RoleId>| {
        Change::put(&MEMBER_TEAMS, [id(), team.into()], [("role", role.into())])
    };
    let answered = |team: TeamId| Change::delete(&ACCESS_REQUESTS, [id(), team.into()]);
    match event {
        MemberEvent::MemberInvited { organization, email, org_role, inviter, expires_at, .. } => {
            let new = NewRow {
                email: Some(email),
                inviter: *inviter,
                expires_at: Some(*expires_at),
                ..NewRow::of(*organization, org_role)
            };
            vec![new.put(entry)]
        }
        MemberEvent::MemberAdded { organization, user, org_role, .. } => {
            vec![NewRow { user: Some(*user), ..NewRow::of(*organization, org_role) }.put(entry)]
        }
        MemberEvent::InviteRequested { organization, email, org_role, inviter } => {
            let new = NewRow {
                email: Some(email),
                inviter: *inviter,
                status: InviteStatus::RequestedToBeInvited,
                ..NewRow::of(*organization, org_role)
            };
            vec![new.put(entry)]
        }
        MemberEvent::JoinRequested { organization, email, org_role } => {
            let new = NewRow {
                email: Some(email),
                status: InviteStatus::RequestedToJoin,
                ..NewRow::of(*organization, org_role)
            };
            vec![new.put(entry)]
        }
        MemberEvent::InviteApproved { expires_at, .. } => {
            let status = InviteStatus::Approved.name();
            let [shown, due] = expiry(*expires_at);
            vec![member(&[("invite_status", status.into()), shown, due])]
        }
        MemberEvent::InviteTokenRegenerated { expires_at, .. } => {
            vec![member(&expiry(*expires_at))]
        }
        MemberEvent::InviteAccepted { user, .. } => {
            let none = || Value::Null;
            vec![member(&[
                ("user_id", (*user).into()),
                ("email", none()),
                ("email_hash", none()),
                ("expires_at", none()),
                ("expiry_due_at", none()),
            ])]
        }
        MemberEvent::MemberReturnedToPending { email, expires_at, .. } => {
            let [shown, due] = expiry(*expires_at);
            vec![member(&[
                ("user_id", Value::Null),
                ("email", Value::sealed(email)),
                ("email_hash", Value::hash(email)),
                shown,
                due,
            ])]
        }
        MemberEvent::InviteExpired { .. } => vec![member(&[("expiry_due_at", Value::Null)])],
        MemberEvent::InviteResent { .. }
        | MemberEvent::SsoLinkRequested { .. }
        // Of a row that was taken by an account of somebody else; any other has ended.
        | MemberEvent::InviteeErased {} => vec![member(&[])],
        MemberEvent::TeamAccessRequested { team, requester } => {
            let cells =
                [("requester_id", (*requester).into()), ("requested_at", entry.recorded_at.into())];
            vec![Change::put(&ACCESS_REQUESTS, [id(), (*team).into()], cells), member(&[])]
        }
        MemberEvent::TeamAccessApproved { team } | MemberEvent::TeamAccessDenied { team } => {
            vec![answered(*team), member(&[])]
        }
        MemberEvent::OrgRoleChanged { to, .. } => vec![member(&[("org_role", to.into())])],
        MemberEvent::TeamAssigned { team: joined, role, .. } => {
            vec![team(*joined, role.as_ref()), answered(*joined), member(&[])]
        }
        MemberEvent::TeamUnassigned { team, .. } => {
            vec![Change::delete(&MEMBER_TEAMS, [id(), (*team).into()]), member(&[])]
        }
        MemberEvent::TeamRoleChanged { team: changed, to, .. } => {
            vec![team(*changed, to.as_ref()), member(&[])]
        }
        MemberEvent::TeamRoleCleared { team: cleared, .. } => vec![team(*cleared, None), member(&[])],
        MemberEvent::SsoLinked { .. } => vec![member(&[(flag_column(MemberFlag::SsoLinked), true.into())])],
        MemberEvent::SsoUnlinked { .. } => {
            vec![member(&[(flag_column(MemberFlag::SsoLinked), false.into())])]
        }
        MemberEvent::MemberFlagSet { flag } => vec![member(&[(flag_column(*flag), true.into())])],
        MemberEvent::MemberFlagCleared { flag } => vec![member(&[(flag_column(*flag), false.into())])],
        MemberEvent::MemberRemoved { .. }
        | MemberEvent::InviteRevoked { .. }
        | MemberEvent::InviteRequestRejected { .. } => {
            let rows = [&MEMBER_TEAMS, &ACCESS_REQUESTS, &MEMBERS];
            rows.map(|table| Change::delete(table, [id()])).into()
        }
    }
}

/// When an invitation ends, as it is shown and as it is looked for.
fn expiry(at: Timestamp) -> [Cell; 2] {
    [("expires_at", at.into()), ("expiry_due_at", at.into())]
}

/// What differs between the ways in which a row comes to be.
struct NewRow<'a> {
    organization: OrganizationId,
    org_role: &'a RoleId,
    user: Option<UserId>,
    email: Option<&'a Personal<EmailAddress>>,
    inviter: Option<UserId>,
    expires_at: Option<Timestamp>,
    status: InviteStatus,
}

impl<'a> NewRow<'a> {
    fn of(organization: OrganizationId, org_role: &'a RoleId) -> Self {
        let status = InviteStatus::Approved;
        Self { organization, org_role, user: None, email: None, inviter: None, expires_at: None, status }
    }

    fn put(self, entry: &LogEntry) -> Change {
        let mut cells = vec![
            ("organization_id", self.organization.into()),
            ("user_id", self.user.into()),
            ("email", self.email.map(Value::sealed).into()),
            ("email_hash", self.email.map(Value::hash).into()),
            ("org_role", self.org_role.into()),
            ("invite_status", self.status.name().into()),
            ("inviter_id", self.inviter.into()),
            ("expires_at", self.expires_at.into()),
            ("expiry_due_at", self.expires_at.into()),
            ("created_at", entry.recorded_at.into()),
            ("sequence", entry.sequence.into()),
        ];
        cells.extend(MemberFlag::ALL.map(|flag| (flag_column(flag), false.into())));
        Change::put(&MEMBERS, [Value::id_of(&entry.stream)], cells)
    }
}

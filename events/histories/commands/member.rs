//! Random commands on one member.

use std::sync::Arc;

use proptest::{prelude::*, sample::select};

use super::{ADDRESSES, ORG_ROLES, TEAM_ROLES, org_role, roles};
use crate::{
    access::Requester,
    id::TeamId,
    member::{
        AcceptContext, Assignment, Consequence, InvitationContext, InvitationRequest, MemberCommand,
        MemberFlag, MemberUpdate, NewInvitation, NewMember, RemovalContext, RemovalReason, RequestUpdate,
        TeamNames, TeamRoleEntry, UpdateContext,
    },
    organization::{Feature, OrganizationEvent},
    roles::RoleId,
    specification::{
        MIA, SOMEBODY, World, acme, admin, api, docs, earlier, email, globex, hash, herself, in_thirty_days,
        integration, legacy, manager, member, owner, plain_member, role, sales, stranger, superuser, user,
        web,
    },
};

const SLUGS: &[&str] = &["web", "docs", "api", "legacy", "sales", "nowhere"];

fn team_role() -> impl Strategy<Value = RoleId> {
    select(TEAM_ROLES).prop_map(role)
}

fn team() -> impl Strategy<Value = TeamId> {
    select(vec![web(), docs(), api(), legacy(), sales()])
}

fn assignments() -> impl Strategy<Value = Vec<Assignment>> {
    let assignment =
        (team(), prop::option::of(team_role())).prop_map(|(team, role)| Assignment { team, role });
    prop::collection::vec(assignment, 0..4)
}

fn names() -> TeamNames {
    World::default().teams.iter().map(|(id, team)| (*id, team.slug.clone())).collect()
}

fn flag() -> impl Strategy<Value = MemberFlag> {
    select(&MemberFlag::ALL[..])
}

fn requester() -> impl Strategy<Value = Requester> {
    let everybody = vec![
        owner(),
        manager(),
        admin(),
        plain_member(),
        stranger(),
        superuser(),
        integration(acme()),
        integration(globex()),
        herself("owner"),
        herself("member"),
    ];
    let limits: Vec<Option<&[&str]>> =
        vec![None, None, Some(&["member:admin"]), Some(&["member:invite", "org:read"])];
    (select(everybody), select(limits)).prop_map(|(requester, limit)| match limit {
        Some(texts) => requester.limited_to(texts),
        None => requester,
    })
}

/// Acme as it came to be, or with something about it changed.
fn world() -> impl Strategy<Value = World> {
    let worlds = || {
        let world = World { roles: roles(), ..World::default() };
        vec![
            world.clone(),
            world.clone().without(Feature::TeamRoles),
            world.clone().with_flag("disable_member_invite"),
            world.after(&OrganizationEvent::TwoFactorRequired {}),
        ]
    };
    select(worlds())
}

fn new_invitation() -> impl Strategy<Value = NewInvitation> {
    (
        select(ADDRESSES),
        org_role(),
        assignments(),
        prop::option::of(select(vec![MIA, SOMEBODY])),
        any::<bool>(),
    )
        .prop_map(|(address, org_role, teams, inviter, imported)| NewInvitation {
            organization: acme(),
            email: email(address),
            org_role,
            teams,
            inviter: inviter.map(user),
            imported,
            roles: roles(),
        })
}

fn new_member() -> impl Strategy<Value = NewMember> {
    (any::<bool>(), org_role(), assignments(), any::<bool>()).prop_map(
        |(active, org_role, teams, imported)| NewMember {
            organization: acme(),
            user: user(MIA),
            active,
            addresses: vec![hash("mia@acme.example")],
            org_role,
            teams,
            imported,
            roles: roles(),
        },
    )
}

fn update() -> impl Strategy<Value = MemberUpdate> {
    let entry = (select(SLUGS), prop::option::of(select(TEAM_ROLES)))
        .prop_map(|(team, role)| TeamRoleEntry { team: team.into(), role: role.map(str::to_owned) });
    let org_role = || prop::option::of(select(ORG_ROLES).prop_map(str::to_owned));
    let slugs = prop::collection::vec(select(SLUGS).prop_map(str::to_owned), 0..3);
    let entries = prop::collection::vec(entry, 0..3);
    let reinvite = (prop::bool::weighted(0.2), any::<bool>());
    (org_role(), org_role(), prop::option::of(slugs), prop::option::of(entries), reinvite).prop_map(
        |(org_role, role, teams, team_roles, (reinvite, regenerate))| {
            let has_other_keys =
                org_role.is_some() || role.is_some() || teams.is_some() || team_roles.is_some();
            MemberUpdate {
                org_role,
                role,
                teams,
                team_roles,
                reinvite,
                regenerate,
                has_other_keys,
                ..MemberUpdate::default()
            }
        },
    )
}

fn context() -> impl Strategy<Value = Arc<UpdateContext>> {
    (requester(), world(), any::<bool>()).prop_map(|(requester, world, active)| {
        let organization = (acme(), world.organization);
        let (roles, teams) = (world.roles, world.teams);
        Arc::new(UpdateContext {
            requester,
            organization,
            member: member(MIA),
            roles,
            teams,
            active,
            email_holder: None,
            at: earlier(),
        })
    })
}

/// A whole PUT by anybody.
fn put() -> impl Strategy<Value = MemberCommand> {
    (update(), context()).prop_map(|(changes, context)| MemberCommand::Update(changes, context))
}

/// A whole PUT or DELETE of a request by anybody.
fn answer() -> impl Strategy<Value = MemberCommand> {
    let edit = (update(), any::<bool>(), context()).prop_map(|(fields, approve, context)| {
        let update = RequestUpdate { fields, approve, expires_at: in_thirty_days() };
        MemberCommand::UpdateRequest(update, context)
    });
    prop_oneof![3 => edit, 1 => context().prop_map(MemberCommand::RejectBy)]
}

/// A whole DELETE by anybody.
fn delete() -> impl Strategy<Value = MemberCommand> {
    (requester(), world(), any::<bool>()).prop_map(|(requester, world, other_owners)| {
        let organization = (acme(), world.organization);
        let addresses = vec![hash("m@home.example")];
        let context = RemovalContext {
            requester,
            organization,
            member: member(MIA),
            roles: world.roles,
            addresses,
            other_owners,
            as_invitation: false,
        };
        MemberCommand::RemoveBy(Arc::new(context))
    })
}

/// A whole POST accept-invite by anybody, with the right token or another one.
fn accept() -> impl Strategy<Value = MemberCommand> {
    (prop::option::of(requester()), world(), any::<bool>()).prop_map(|(requester, world, token_matches)| {
        let organization = (acme(), world.organization);
        let (roles, addresses) = (world.roles, vec![hash("asker@acme.example")]);
        let context =
            AcceptContext { organization, requester, roles, token_matches, addresses, at: earlier() };
        MemberCommand::AcceptInvite(Arc::new(context))
    })
}

/// A whole POST members by anybody.
fn invite() -> impl Strategy<Value = MemberCommand> {
    (update(), select(ADDRESSES), requester(), world()).prop_map(|(asked, address, requester, world)| {
        let asked = InvitationRequest {
            email: Some(email(address)),
            org_role: asked.org_role,
            role: asked.role,
            teams: asked.teams.unwrap_or_default(),
            team_roles: asked.team_roles.unwrap_or_default(),
            ..InvitationRequest::default()
        };
        let organization = (acme(), world.organization);
        let (roles, teams) = (world.roles, world.teams);
        let context =
            InvitationContext { requester, organization, roles, teams, email_holder: None, at: earlier() };
        MemberCommand::InviteBy(asked, Arc::new(context))
    })
}

fn begin() -> impl Strategy<Value = MemberCommand> {
    prop_oneof![
        2 => new_invitation().prop_map(|new| MemberCommand::Invite(new, in_thirty_days())),
        3 => new_member().prop_map(MemberCommand::AddMember),
        2 => new_invitation().prop_map(MemberCommand::RequestInvite),
        1 => new_invitation().prop_map(MemberCommand::RequestToJoin),
    ]
}

fn change() -> impl Strategy<Value = MemberCommand> {
    prop_oneof![
        3 => (org_role(), any::<bool>()).prop_map(|(to, active)| {
            MemberCommand::ChangeOrgRole { to, active, roles: roles(), names: names() }
        }),
        3 => assignments().prop_map(|teams| MemberCommand::AssignTeams { teams, names: names() }),
        2 => team().prop_map(|team| MemberCommand::JoinTeam { team, roles: roles() }),
        2 => team().prop_map(|team| MemberCommand::LeaveTeam { team }),
        2 => (team(), team_role())
            .prop_map(|(team, role)| MemberCommand::ChangeTeamRole { team, role, roles: roles() }),
        1 => Just(MemberCommand::LinkSso { provider: "okta".into() }),
        1 => flag().prop_map(MemberCommand::SetFlag),
        1 => flag().prop_map(MemberCommand::ClearFlag),
        1 => Just(MemberCommand::Remove { reason: RemovalReason::Removed, addresses: vec![hash("m@home.example")] }),
        1 => select(vec![earlier(), in_thirty_days()]).prop_map(|now| MemberCommand::ExpireInvite { now }),
        2 => accept(),
        2 => invite(),
        4 => put(),
        2 => delete(),
        2 => answer(),
        1 => Just(MemberCommand::Follow(Consequence::InviteeErased)),
        1 => Just(MemberCommand::Follow(Consequence::AccountErased { user: user(MIA), addresses: vec![] })),
    ]
}

pub(in crate::histories) fn of_a_member() -> impl Strategy<Value = Vec<MemberCommand>> + Clone {
    let commands =
        (begin(), prop::collection::vec(prop_oneof![9 => change().boxed(), 1 => begin().boxed()], 0..16));
    commands.prop_map(|(first, later)| [first].into_iter().chain(later).collect()).boxed()
}

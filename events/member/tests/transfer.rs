//! The transfer of ownership (behaviour D25).

use std::sync::Arc;

use crate::{
    access::Requester,
    member::{Member, MemberCommand, MemberEvent, MemberFlag, Ownership, TransferContext},
    organization::{Feature, OrganizationEvent},
    refusal::FieldError,
    roles::Roles,
    specification::{
        Decided, MIA, SOMEBODY, World, acme, docs, flagged, given, globex, herself, integration,
        invite_requested, invited, joined, manager, member, on_as, owner, role, roles_with_billing, stranger,
        superuser, web,
    },
};

/// A transfer to Mia, by an owner of Acme unless somebody else is named.
struct Transfer {
    events: Vec<MemberEvent>,
    world: World,
    requester: Requester,
    active: bool,
    malformed: Option<FieldError>,
}

fn transfer(events: impl IntoIterator<Item = MemberEvent>) -> Transfer {
    Transfer {
        events: events.into_iter().collect(),
        world: World::default(),
        requester: owner(),
        active: true,
        malformed: None,
    }
}

impl Transfer {
    fn by(self, requester: Requester) -> Self {
        Self { requester, ..self }
    }

    fn within(self, change: impl FnOnce(World) -> World) -> Self {
        Self { world: change(self.world), ..self }
    }

    fn context(&self) -> Arc<TransferContext> {
        let names = self.world.teams.iter().map(|(id, team)| (*id, team.slug.clone())).collect();
        Arc::new(TransferContext {
            requester: self.requester.clone(),
            organization: (acme(), Arc::clone(&self.world.organization)),
            roles: Arc::clone(&self.world.roles),
            to: member(MIA),
            active: self.active,
            names,
            malformed: self.malformed.clone(),
        })
    }

    /// What becomes of Mia, who is to be an owner.
    fn taken(self) -> Decided {
        let command = MemberCommand::TakeOwnership(self.context());
        given::<Member>(self.events).when(command)
    }

    /// What becomes of Mia, when she is the one who hands over.
    fn yielded(self) -> Decided {
        let command = MemberCommand::YieldOwnership(self.context());
        given::<Member>(self.events).when(command)
    }

    #[track_caller]
    fn then_wrong_member(self) {
        let text = "The new owner must be a member of the organization whose account is active.";
        self.taken().then_invalid([("member", text)]);
    }
}

fn changed(from: &str, to: &str, ownership: Ownership) -> MemberEvent {
    MemberEvent::OrgRoleChanged { from: role(from), to: role(to), ownership: Some(ownership) }
}

fn cleared(team: crate::id::TeamId, was: &str, because: &str) -> MemberEvent {
    MemberEvent::TeamRoleCleared { team, was: role(was), because_of_org_role: role(because) }
}

#[test]
fn the_other_becomes_owner_and_the_requester_manager() {
    transfer([joined("member")]).taken().then([changed("member", "owner", Ownership::Gained)]);
    transfer([joined("owner")]).yielded().then([changed("owner", "manager", Ownership::Lost)]);
}

#[test]
fn team_roles_that_become_redundant_are_cleared_for_both() {
    let teams = [on_as(web(), "contributor"), on_as(docs(), "admin")];
    let of = |org_role| [joined(org_role)].into_iter().chain(teams.clone());
    transfer(of("member")).taken().then([
        changed("member", "owner", Ownership::Gained),
        cleared(docs(), "admin", "owner"),
        cleared(web(), "contributor", "owner"),
    ]);
    transfer(of("owner")).yielded().then([
        changed("owner", "manager", Ownership::Lost),
        cleared(docs(), "admin", "manager"),
        cleared(web(), "contributor", "manager"),
    ]);
}

#[test]
fn who_is_an_owner_already_stays_one() {
    transfer([joined("owner")]).taken().then_nothing();
}

#[test]
fn the_role_below_is_the_highest_that_can_be_given() {
    let text = include_str!("../../roles.toml");
    let text = text.replace("id = \"manager\"", "id = \"manager\"\nretired = true");
    let roles = Roles::from(crate::roles::RolesDefinition::from_toml(&text).unwrap());
    assert!(roles.is_retired(&role("manager")));
    let roles = Arc::new(roles);
    let with = |world: World| World { roles: Arc::clone(&roles), ..world };
    transfer([joined("owner")]).within(with).yielded().then([changed("owner", "member", Ownership::Lost)]);
    transfer([joined("owner")])
        .within(|world| with(world).without(Feature::TeamRoles))
        .yielded()
        .then([changed("owner", "manager", Ownership::Lost)]);
}

#[test]
fn only_an_owner_transfers() {
    for requester in [manager(), stranger(), superuser(), owner().limited_to(&["org:write"])] {
        transfer([joined("member")]).by(requester).taken().then_refused("no_permission");
    }
    transfer([joined("member")]).by(owner().limited_to(&["org:admin"])).taken().then([changed(
        "member",
        "owner",
        Ownership::Gained,
    )]);
}

#[test]
fn only_a_person_transfers() {
    transfer([joined("member")]).by(integration(acme())).taken().then_refused("user_token_required");
    transfer([joined("member")]).by(integration(globex())).taken().then_refused("no_permission");
}

#[test]
fn the_new_owner_is_a_claimed_member_with_an_active_account() {
    transfer([]).then_wrong_member();
    transfer([invited("member", SOMEBODY)]).then_wrong_member();
    transfer([invite_requested()]).then_wrong_member();
    Transfer { active: false, ..transfer([joined("member")]) }.then_wrong_member();
    transfer([joined("member"), flagged(MemberFlag::MemberLimitRestricted)]).then_wrong_member();
    let mut elsewhere = joined("member");
    if let MemberEvent::MemberAdded { organization, .. } = &mut elsewhere {
        *organization = globex();
    }
    transfer([elsewhere]).then_wrong_member();
}

#[test]
fn nobody_transfers_to_himself() {
    let text = "You are an owner of the organization already.";
    transfer([joined("owner")]).by(herself("owner")).taken().then_invalid([("member", text)]);
}

#[test]
fn the_permission_comes_before_the_body() {
    let malformed = || Some(FieldError::new("member", "This field is required."));
    let asked = || Transfer { malformed: malformed(), ..transfer([]) };
    asked().by(manager()).taken().then_refused("no_permission");
    asked().taken().then_invalid([("member", "This field is required.")]);
}

#[test]
fn members_of_a_partnership_are_not_changed() {
    let partnership = flagged(MemberFlag::PartnershipRestricted);
    transfer([joined("member"), partnership.clone()]).taken().then_refused("partnership_restricted");
    transfer([joined("member")])
        .by(owner().after(&partnership))
        .taken()
        .then_refused("partnership_restricted");
}

#[test]
fn who_is_suspended_or_lacks_a_second_factor_transfers_nothing() {
    let suspended = flagged(MemberFlag::MemberLimitRestricted);
    transfer([joined("member")]).by(owner().after(&suspended)).taken().then_refused("member_over_limit");
    transfer([joined("member")])
        .within(|world| world.after(&OrganizationEvent::TwoFactorRequired {}))
        .taken()
        .then_refused("two_factor_required");
}

#[test]
fn a_billing_role_can_be_left_by_a_transfer() {
    let with = |world: World| World { roles: roles_with_billing(), ..world };
    transfer([joined("billing")]).within(with).taken().then([changed("billing", "owner", Ownership::Gained)]);
}

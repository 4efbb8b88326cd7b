//! DELETE member (behaviour 3.2, D2, D29).

use std::sync::Arc;

use crate::{
    access::Requester,
    member::{
        Member, MemberCommand, MemberEvent, MemberFlag, Ownership, RemovalContext, RemovalReason,
        RevocationReason,
    },
    organization::OrganizationEvent,
    personal::KeyedHash,
    specification::{
        Decided, MIA, REQUESTER, SOMEBODY, World, acme, admin, docs, earlier, flagged, given, globex, hash,
        herself, integration, invite_requested, invited, join_requested, joined, manager, member, on, on_as,
        owner, plain_member, role, state, stranger, superuser, user, web,
    },
};

/// A DELETE of Mia, by an owner of Acme unless somebody else is named; there are other owners.
struct Delete {
    events: Vec<MemberEvent>,
    world: World,
    requester: Requester,
    addresses: Vec<KeyedHash>,
    other_owners: bool,
    as_invitation: bool,
}

fn delete(events: impl IntoIterator<Item = MemberEvent>) -> Delete {
    let events = events.into_iter().collect();
    let (world, requester, addresses) = (World::default(), owner(), vec![]);
    Delete { events, world, requester, addresses, other_owners: true, as_invitation: false }
}

impl Delete {
    fn by(self, requester: Requester) -> Self {
        Self { requester, ..self }
    }

    fn within(self, change: impl FnOnce(World) -> World) -> Self {
        Self { world: change(self.world), ..self }
    }

    fn without_other_owners(self) -> Self {
        Self { other_owners: false, ..self }
    }

    fn decided(self) -> Decided {
        let context = RemovalContext {
            requester: self.requester,
            organization: (acme(), self.world.organization),
            member: member(MIA),
            roles: self.world.roles,
            addresses: self.addresses,
            other_owners: self.other_owners,
            as_invitation: self.as_invitation,
        };
        given::<Member>(self.events).when(MemberCommand::RemoveBy(Arc::new(context)))
    }

    #[track_caller]
    fn then(self, event: MemberEvent) {
        self.decided().then([event]);
    }

    #[track_caller]
    fn then_refused(self, code: &str) {
        self.decided().then_refused(code);
    }
}

fn removed(org_role: &str, reason: RemovalReason) -> MemberEvent {
    MemberEvent::MemberRemoved {
        reason,
        role: role(org_role),
        teams: vec![],
        user: Some(user(MIA)),
        addresses: vec![hash("mia@acme.example")],
        ownership: (org_role == "owner").then_some(Ownership::Lost),
    }
}

#[test]
fn a_removal_says_what_the_member_had() {
    let teams = vec![web(), docs()];
    let MemberEvent::MemberRemoved { reason, role, user, addresses, ownership, .. } =
        removed("manager", RemovalReason::Removed)
    else {
        unreachable!()
    };
    delete([joined("manager"), on(docs()), on_as(web(), "admin")]).then(MemberEvent::MemberRemoved {
        reason,
        role,
        teams,
        user,
        addresses,
        ownership,
    });
}

#[test]
fn addresses_that_were_added_since_are_free_again_too() {
    let mut asked = delete([joined("member")]);
    asked.addresses = vec![hash("mia@acme.example"), hash("m@home.example")];
    let MemberEvent::MemberRemoved { reason, role, teams, user, ownership, .. } =
        removed("member", RemovalReason::Removed)
    else {
        unreachable!()
    };
    let addresses = vec![hash("m@home.example"), hash("mia@acme.example")];
    asked.then(MemberEvent::MemberRemoved { reason, role, teams, user, addresses, ownership });
}

#[test]
fn who_is_equal_may_remove() {
    delete([joined("manager")]).by(manager()).then(removed("manager", RemovalReason::Removed));
    delete([joined("owner")]).by(owner()).then(removed("owner", RemovalReason::Removed));
}

#[test]
fn who_is_lower_may_not() {
    delete([joined("owner")]).by(manager()).then_refused("removal_of_higher");
}

#[test]
fn everybody_may_leave() {
    for org_role in ["member", "admin", "manager", "owner"] {
        delete([joined(org_role)]).by(herself(org_role)).then(removed(org_role, RemovalReason::Left));
    }
    delete([joined("member")])
        .by(herself("member").limited_to(&["member:read"]))
        .then(removed("member", RemovalReason::Left));
}

#[test]
fn a_manager_may_leave_even_when_nobody_else_is_there() {
    delete([joined("manager")])
        .by(herself("manager"))
        .without_other_owners()
        .then(removed("manager", RemovalReason::Left));
}

#[test]
fn a_member_who_is_suspended_over_the_limit_may_leave() {
    let suspended = flagged(MemberFlag::MemberLimitRestricted);
    delete([joined("member"), suspended.clone()])
        .by(herself("member").after(&suspended))
        .then(removed("member", RemovalReason::Left));
}

#[test]
fn without_any_scope_on_members_not_even_leaving_is_possible() {
    delete([joined("member")]).by(herself("member").limited_to(&["org:admin"])).then_refused("no_permission");
}

#[test]
fn who_is_no_member_has_no_permission() {
    delete([joined("member")]).by(stranger()).then_refused("no_permission");
}

#[test]
fn a_superuser_removes_everybody() {
    delete([joined("owner")]).by(superuser()).then(removed("owner", RemovalReason::Removed));
}

#[test]
fn a_superuser_needs_the_scope_in_his_token() {
    let limited = || superuser().limited_to(&["member:write"]);
    delete([joined("member")]).by(limited()).then_refused("removal_without_scope");
    delete([invited("member", SOMEBODY)]).by(limited()).then_refused("removal_without_scope");
}

#[test]
fn an_integration_token_removes_nobody() {
    delete([joined("member")]).by(integration(acme())).then_refused("removal_of_higher");
    delete([invited("member", SOMEBODY)]).by(integration(acme())).then_refused("removal_of_higher");
    delete([joined("member")]).by(integration(globex())).then_refused("no_permission");
    delete([]).by(integration(acme())).then_refused("not_found");
}

#[test]
fn a_member_who_is_not_there_is_not_found() {
    delete([]).then_refused("not_found");
    delete([joined("member"), removed("member", RemovalReason::Left)]).then_refused("not_found");
}

#[test]
fn requests_are_not_found() {
    delete([invite_requested()]).then_refused("not_found");
    delete([join_requested()]).then_refused("not_found");
}

#[test]
fn who_does_not_administer_members_removes_none() {
    for requester in [plain_member(), admin(), owner().limited_to(&["member:write"])] {
        delete([joined("member")]).by(requester).then_refused("removal_without_scope");
    }
    delete([joined("member")]).by(owner().limited_to(&["member:read"])).then_refused("removal_without_scope");
}

#[test]
fn who_does_not_administer_members_deletes_no_invitation_of_somebody_else() {
    delete([invited("member", SOMEBODY)]).by(plain_member()).then_refused("removal_of_anothers_invitation");
}

#[test]
fn where_members_do_not_invite_they_delete_no_invitation_either() {
    delete([invited("member", REQUESTER)])
        .within(|world| world.with_flag("disable_member_invite"))
        .by(plain_member())
        .then_refused("removal_without_scope");
}

fn revoked(teams: Vec<crate::id::TeamId>) -> MemberEvent {
    MemberEvent::InviteRevoked {
        reason: RevocationReason::Revoked,
        role: role("member"),
        teams,
        addresses: vec![hash("mia@acme.example")],
    }
}

#[test]
fn the_removal_of_an_invitation_is_its_revocation() {
    delete([invited("member", SOMEBODY), on(web())]).then(revoked(vec![web()]));
    delete([invited("member", REQUESTER), on(web())]).by(plain_member()).then(revoked(vec![web()]));
    delete([invited("member", SOMEBODY), on(web())]).by(superuser()).then(revoked(vec![web()]));
}

#[test]
fn an_invitation_that_was_accepted_meanwhile_is_not_taken_for_one() {
    for requester in [owner(), plain_member()] {
        let mut asked = delete([joined("member")]).by(requester);
        asked.as_invitation = true;
        asked.then_refused("invitation_accepted");
    }
    let mut asked = delete([invited("member", SOMEBODY), on(web())]);
    asked.as_invitation = true;
    asked.then(revoked(vec![web()]));
}

#[test]
fn an_invitation_is_taken_back_by_who_administers_members() {
    delete([invited("member", SOMEBODY), on(web())]).then(revoked(vec![web()]));
    delete([invited("member", SOMEBODY)]).by(superuser()).then(revoked(vec![]));
    delete([invited("owner", SOMEBODY)]).by(manager()).then_refused("removal_of_higher");
}

#[test]
fn whoever_sent_an_invitation_may_take_it_back() {
    delete([invited("member", REQUESTER)]).by(plain_member()).then(revoked(vec![]));
    let limited = plain_member().limited_to(&["member:read"]);
    delete([invited("member", REQUESTER)]).by(limited).then_refused("removal_without_scope");
}

#[test]
fn what_was_an_invitation_once_is_not_removed_by_who_sent_it() {
    let accepted = MemberEvent::InviteAccepted {
        user: user(MIA),
        email_matches: true,
        addresses: vec![],
        released: vec![],
        ownership: None,
    };
    delete([invited("member", REQUESTER), accepted]).by(plain_member()).then_refused("removal_without_scope");
}

#[test]
fn an_invitation_that_is_managed_elsewhere_stays() {
    for (flag, code) in [
        (MemberFlag::IdpProvisioned, "identity_provider_managed"),
        (MemberFlag::PartnershipRestricted, "partnership_restricted"),
    ] {
        delete([invited("member", SOMEBODY), flagged(flag)]).then_refused(code);
    }
}

#[test]
fn the_only_owner_stays() {
    let only = || delete([joined("owner")]).without_other_owners();
    only().then_refused("last_owner_removed");
    only().by(herself("owner")).then_refused("last_owner_removed");
    only().by(superuser()).then_refused("last_owner_removed");
}

#[test]
fn the_right_to_remove_comes_before_the_only_owner() {
    delete([joined("owner")]).without_other_owners().by(manager()).then_refused("removal_of_higher");
}

#[test]
fn the_only_owner_comes_before_the_identity_provider() {
    let managed = [joined("owner"), flagged(MemberFlag::IdpProvisioned)];
    delete(managed.clone()).without_other_owners().then_refused("last_owner_removed");
    delete(managed).then_refused("identity_provider_managed");
}

#[test]
fn the_identity_provider_comes_before_the_partnership() {
    let partnership = flagged(MemberFlag::PartnershipRestricted);
    delete([joined("member"), flagged(MemberFlag::IdpProvisioned), partnership.clone()])
        .then_refused("identity_provider_managed");
    delete([joined("member"), partnership.clone()]).then_refused("partnership_restricted");
    delete([joined("member"), partnership]).by(herself("member")).then_refused("partnership_restricted");
}

#[test]
fn a_restricted_role_stands_in_nobodys_way() {
    delete([joined("member"), flagged(MemberFlag::IdpRoleRestricted)])
        .then(removed("member", RemovalReason::Removed));
}

#[test]
fn a_second_factor_is_asked_for_first() {
    delete([])
        .within(|world| world.after(&OrganizationEvent::TwoFactorRequired {}))
        .then_refused("two_factor_required");
}

#[test]
fn who_was_removed_has_nothing_left() {
    let left = removed("owner", RemovalReason::Left);
    let events = [joined("owner"), on(web()), flagged(MemberFlag::SsoLinked), left];
    let expected =
        Member { organization: Some(acme()), created_at: earlier(), removed: true, ..Member::default() };
    assert_eq!(state::<Member>(events), expected);
}

#[test]
fn the_command_alone_removes_an_invitation_too() {
    let command = MemberCommand::Remove { reason: RemovalReason::Removed, addresses: vec![] };
    given::<Member>([invited("member", SOMEBODY)]).when(command).then([MemberEvent::MemberRemoved {
        reason: RemovalReason::Removed,
        role: role("member"),
        teams: vec![],
        user: None,
        addresses: vec![hash("mia@acme.example")],
        ownership: None,
    }]);
}

//! The life of one organization: members come, change and go, with the claims checked in every append as a store
//! checks them. Here the test does what the ledger does: it looks up what a command needs to know.

mod ledger;

use std::{collections::BTreeMap, sync::Arc};

use proptest::{prelude::*, sample::select};

use super::{claims_table::ClaimsTable, commands, config};
use crate::{
    claims::ClaimKind,
    id::{MemberId, UserId},
    member::{Member, MemberCommand, RemovalReason},
    organization::Organization,
    refusal::Refusal,
    roles::{RoleId, Roles},
    specification::{World, acme, email, hash, in_thirty_days, member, role, user, username},
    user::{User, UserCommand},
};

/// Members 1 to 5 and users 1 to 3; user n registers with address n, and there are more addresses than users.
const MEMBERS: std::ops::RangeInclusive<u64> = 1..=5;
const USERS: std::ops::RangeInclusive<u64> = 1..=3;
const ADDRESSES: std::ops::RangeInclusive<u64> = 1..=5;
const ROLES: &[&str] = &["member", "manager", "owner", "owner"];

#[derive(Debug, Clone)]
enum Step {
    Register { who: u64 },
    AddEmail { who: u64, address: u64 },
    RemoveEmail { who: u64, address: u64 },
    ChoosePrimaryEmail { who: u64, address: u64 },
    Deactivate { who: u64 },
    Reactivate { who: u64 },
    Add { row: u64, who: u64, org_role: RoleId },
    Invite { row: u64, address: u64, org_role: RoleId },
    ChangeRole { row: u64, org_role: RoleId },
    Put { row: u64, by: u64, org_role: RoleId },
    Delete { row: u64, by: u64 },
    Remove { row: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let org_role = || select(ROLES).prop_map(role);
    prop_oneof![
        3 => USERS.prop_map(|who| Step::Register { who }),
        2 => (USERS, ADDRESSES).prop_map(|(who, address)| Step::AddEmail { who, address }),
        1 => (USERS, ADDRESSES).prop_map(|(who, address)| Step::RemoveEmail { who, address }),
        1 => (USERS, ADDRESSES).prop_map(|(who, address)| Step::ChoosePrimaryEmail { who, address }),
        2 => USERS.prop_map(|who| Step::Deactivate { who }),
        2 => USERS.prop_map(|who| Step::Reactivate { who }),
        6 => (MEMBERS, USERS, org_role()).prop_map(|(row, who, org_role)| Step::Add { row, who, org_role }),
        3 => (MEMBERS, ADDRESSES, org_role())
            .prop_map(|(row, address, org_role)| Step::Invite { row, address, org_role }),
        3 => (MEMBERS, org_role()).prop_map(|(row, org_role)| Step::ChangeRole { row, org_role }),
        4 => (MEMBERS, MEMBERS, org_role()).prop_map(|(row, by, org_role)| Step::Put { row, by, org_role }),
        3 => (MEMBERS, MEMBERS).prop_map(|(row, by)| Step::Delete { row, by }),
        2 => MEMBERS.prop_map(|row| Step::Remove { row }),
    ]
}

fn address(number: u64) -> String {
    format!("{number}@acme.example")
}

#[derive(Default)]
struct Life {
    organization: Arc<Organization>,
    members: BTreeMap<MemberId, Member>,
    users: BTreeMap<UserId, User>,
    claims: ClaimsTable,
}

impl Life {
    fn new() -> Self {
        Self { organization: World::default().organization, ..Self::default() }
    }

    fn step(&mut self, step: Step) -> Result<(), Refusal> {
        match step {
            Step::Register { who } => {
                let (username, email) = (username(&who.to_string()), email(&address(who)));
                self.ask_user(user(who), UserCommand::Register { username, name: None, email })
            }
            Step::AddEmail { who, address: number } => {
                let memberships = self.places(user(who), |_| true);
                self.ask_user(
                    user(who),
                    UserCommand::AddEmail { email: email(&address(number)), memberships },
                )
            }
            Step::RemoveEmail { who, address: number } => {
                let memberships = self.places(user(who), |_| true);
                let email = hash(&address(number));
                self.ask_user(user(who), UserCommand::RemoveEmail { email, memberships })
            }
            Step::ChoosePrimaryEmail { who, address: number } => {
                self.ask_user(user(who), UserCommand::ChoosePrimaryEmail { email: hash(&address(number)) })
            }
            Step::Deactivate { who } => {
                let owns = self.owned_by(user(who));
                self.ask_user(user(who), UserCommand::Deactivate { owns })
            }
            Step::Reactivate { who } => {
                let owns = self.owned_by(user(who));
                self.ask_user(user(who), UserCommand::Reactivate { owns })
            }
            Step::Add { row, who, org_role } => self.add(member(row), user(who), org_role),
            Step::Invite { row, address: number, org_role } => {
                let new = ledger::invitation(&address(number), org_role);
                self.ask_member(member(row), MemberCommand::Invite(new, in_thirty_days()))
            }
            Step::ChangeRole { row, org_role } => {
                let active = self.is_active(member(row));
                let (roles, names) = (commands::roles(), BTreeMap::new());
                self.ask_member(
                    member(row),
                    MemberCommand::ChangeOrgRole { to: org_role, active, roles, names },
                )
            }
            Step::Put { row, by, org_role } => self.put(member(row), member(by), &org_role),
            Step::Delete { row, by } => self.delete(member(row), member(by)),
            Step::Remove { row } => {
                let addresses = self.account_addresses(member(row));
                let reason = RemovalReason::Removed;
                self.ask_member(member(row), MemberCommand::Remove { reason, addresses })
            }
        }
    }

    /// What is true after every append.
    fn check(&self, roles: &Roles, had_owner: bool) {
        let mut owners = vec![];
        for (id, member) in &self.members {
            let held = self.claims.held_by(acme(), &id.to_string());
            if !member.exists() {
                assert!(held.is_empty(), "member {id} is gone and holds {held:?}");
                continue;
            }
            let holds = |kind, key: &str| held.iter().any(|claim| claim.kind == kind && claim.key == key);
            if let Some(user) = member.user {
                assert!(holds(ClaimKind::Membership, &user.to_string()), "member {id} does not hold himself");
            }
            // A member has the addresses of his account, an invitation its own.
            let invited = member.addresses.iter().filter(|_| member.is_pending()).cloned();
            for hash in invited.chain(self.account_addresses(*id)) {
                assert!(holds(ClaimKind::Address, &hash.0), "member {id} does not hold {hash}");
            }
            if member.org_role.as_ref() == Some(roles.top()) && self.is_active(*id) {
                owners.push(id.to_string());
            }
        }
        assert_eq!(self.claims.owners(acme()), owners, "the owners are those who are claimed and active");
        assert!(!had_owner || !owners.is_empty(), "an organization that had an owner has one");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn claims_say_who_is_there_and_an_organization_keeps_an_owner(steps in prop::collection::vec(step(), 0..60)) {
        let roles = commands::roles();
        let mut life = Life::new();
        for step in steps {
            let had_owner = !life.claims.owners(acme()).is_empty();
            // A refusal is an answer like any other: what matters is what it leaves behind.
            let _refusal = life.step(step).err();
            life.check(&roles, had_owner);
        }
    }
}

/// A life with user n as member n for each of these roles.
fn life_with(org_roles: &[&str]) -> Life {
    let mut life = Life::new();
    for (who, org_role) in (1..).zip(org_roles) {
        life.step(Step::Register { who }).unwrap();
        life.step(Step::Add { row: who, who, org_role: role(org_role) }).unwrap();
    }
    life
}

#[test]
fn of_two_owners_who_demote_each_other_one_stays() {
    let mut life = life_with(&["owner", "owner"]);
    let put = |row, by| Step::Put { row, by, org_role: role("member") };
    life.step(put(2, 1)).unwrap();
    assert_eq!(life.step(put(1, 2)).unwrap_err().code(), "invalid_fields");
    assert_eq!(life.claims.owners(acme()), ["1"]);
}

#[test]
fn the_last_owner_is_refused_in_the_words_of_what_was_asked() {
    let mut life = life_with(&["owner", "manager"]);
    let demoted = life.step(Step::ChangeRole { row: 1, org_role: role("member") });
    assert_eq!(demoted, Err(Refusal::LastOwnerDemoted));
    assert_eq!(life.step(Step::Remove { row: 1 }), Err(Refusal::LastOwnerRemoved));
    assert_eq!(life.step(Step::Deactivate { who: 1 }), Err(Refusal::LastOwnerRemoved));
    life.step(Step::Remove { row: 2 }).expect("a manager may always go");
}

#[test]
fn an_address_that_was_added_later_is_free_after_the_removal() {
    let mut life = life_with(&["owner", "member"]);
    let invite = || Step::Invite { row: 3, address: 5, org_role: role("member") };
    life.step(Step::AddEmail { who: 2, address: 5 }).unwrap();
    assert_eq!(life.step(invite()), Err(Refusal::AddressInOrganization));
    life.step(Step::Remove { row: 2 }).unwrap();
    life.step(invite()).unwrap();
}

#[test]
fn a_user_is_a_member_once_and_may_come_back() {
    let mut life = life_with(&["owner", "member"]);
    let again = || Step::Add { row: 4, who: 2, org_role: role("member") };
    assert_eq!(life.step(again()), Err(Refusal::AlreadyMember));
    life.step(Step::Delete { row: 2, by: 2 }).unwrap();
    life.step(again()).unwrap();
}

#[test]
fn an_address_that_was_removed_is_free_and_stays_so_when_the_person_goes() {
    let mut life = life_with(&["owner", "member"]);
    let invite = |row| Step::Invite { row, address: 5, org_role: role("member") };
    life.step(Step::AddEmail { who: 2, address: 5 }).unwrap();
    life.step(Step::RemoveEmail { who: 2, address: 5 }).unwrap();
    life.step(invite(3)).unwrap();
    life.step(Step::Remove { row: 2 }).unwrap();
    assert_eq!(life.step(invite(4)), Err(Refusal::AddressInOrganization), "the invitation holds it");
}

#[test]
fn who_became_an_owner_while_his_account_was_unusable_is_one_when_it_is_usable_again() {
    let roles = commands::roles();
    for end in [Step::Remove { row: 2 }, Step::ChangeRole { row: 2, org_role: role("member") }] {
        let mut life = life_with(&["owner", "member"]);
        life.step(Step::Deactivate { who: 2 }).unwrap();
        life.step(Step::ChangeRole { row: 2, org_role: role("owner") }).unwrap();
        assert_eq!(life.claims.owners(acme()), ["1"]);
        life.step(Step::Reactivate { who: 2 }).unwrap();
        assert_eq!(life.claims.owners(acme()), ["1", "2"]);
        life.step(end).unwrap();
        life.check(&roles, true);
        assert_eq!(life.claims.owners(acme()), ["1"]);
    }
}

//! Any split of the log into batches, and any order in which projections catch up, gives the same rows.

use std::collections::{BTreeMap, BTreeSet};

use muster_events::{
    id::{MemberId, TeamId, TokenId, UserId},
    member::{AssignedHow, MemberEvent, MemberFlag, RemovalReason, UnassignedHow},
    organization::{Feature, OrganizationEvent},
    team::{TeamEvent, TeamFlag},
    time::Timestamp,
    token::{TokenEvent, TokenOwner},
    user::{Authenticator, Renamed, UserEvent},
};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;

use super::{Lab, Log, TestViews, email, hash, id, organization, role, sealed, username};
use crate::all;

/// How many aggregates there are of each kind: few, so that events meet.
const EACH: u8 = 4;

/// What exists already, so that only events that can have happened are made.
#[derive(Default)]
struct World {
    log: Log,
    users: BTreeMap<u8, BTreeSet<u8>>,
    organizations: BTreeSet<u8>,
    teams: BTreeSet<u8>,
    tokens: BTreeSet<u8>,
    members: BTreeMap<u8, BTreeSet<u8>>,
}

/// A log that is as long as there are choices, where each leads to something that can happen.
pub(super) fn log_of(choices: &[[u8; 4]]) -> Log {
    let mut world = World::default();
    for [kind, which, other, what] in choices {
        let (which, other) = (which % EACH + 1, other % EACH + 1);
        match kind % 8 {
            0 => world.user(which, other, *what),
            1 => world.organization(which, *what),
            2 => world.team(which, *what),
            3 => world.token(which, other, *what),
            _ => world.member(which, other, *what),
        }
    }
    world.log
}

impl World {
    fn user(&mut self, which: u8, other: u8, what: u8) {
        let address = |number: u8| format!("{which}-{number}");
        let event = match self.users.get_mut(&which) {
            None => {
                self.users.insert(which, [0].into());
                let name = (what.is_multiple_of(2)).then(|| sealed("name", None));
                UserEvent::UserRegistered { username: username("u"), name, email: email(&address(0)) }
            }
            Some(addresses) => match what % 10 {
                0 if addresses.insert(other) => {
                    UserEvent::EmailAdded { email: email(&address(other)), memberships: vec![] }
                }
                0 | 1 => UserEvent::EmailVerified { email: hash(&address(*addresses.first().unwrap())) },
                2 => UserEvent::AuthenticatorEnrolled { kind: Authenticator::ALL[usize::from(other - 1)] },
                3 => UserEvent::UserDeactivated { owns: vec![] },
                4 => UserEvent::UserReactivated { owns: vec![] },
                5 => UserEvent::SuperuserRevoked {},
                6 => UserEvent::AuthenticatorRemoved { kind: Authenticator::ALL[usize::from(other - 1)] },
                7 => {
                    let username = Some(Box::new(Renamed { from: None, to: Some(username("v")) }));
                    UserEvent::UserRenamed { username, name: None }
                }
                8 => {
                    let to = hash(&address(*addresses.last().unwrap()));
                    UserEvent::PrimaryEmailChanged { from: hash(&address(0)), to }
                }
                _ => UserEvent::SuperuserGranted {},
            },
        };
        self.log.add(id(UserId::new, which.into()), event);
    }

    fn organization(&mut self, which: u8, what: u8) {
        let event = if self.organizations.insert(which) {
            let (slug, name) = (format!("o{which}"), "O".into());
            OrganizationEvent::OrganizationCreated { slug, name, default_role: role("member") }
        } else {
            match what % 6 {
                0 => OrganizationEvent::OrganizationOptionChanged {
                    option: format!("option{}", what % 3),
                    from: json!(null),
                    to: json!({"b": what, "a": [null]}),
                },
                1 => {
                    OrganizationEvent::OrganizationFlagChanged { flag: "early_adopter".into(), to: what > 99 }
                }
                2 => OrganizationEvent::DefaultRoleChanged { from: role("member"), to: role("admin") },
                3 => OrganizationEvent::TwoFactorRequired {},
                4 => OrganizationEvent::SsoEnabled {
                    provider: "okta".into(),
                    name: "Okta".into(),
                    allow_unlinked: what > 99,
                },
                _ => OrganizationEvent::FeatureSet { feature: Feature::TeamRoles, on: what > 99 },
            }
        };
        self.log.add(organization(which.into()), event);
    }

    fn team(&mut self, which: u8, what: u8) {
        let event = if self.teams.insert(which) {
            TeamEvent::TeamCreated {
                organization: organization(1),
                slug: format!("t{which}"),
                name: "T".into(),
            }
        } else {
            let flag = if what.is_multiple_of(2) { TeamFlag::BeingDeleted } else { TeamFlag::IdpProvisioned };
            TeamEvent::TeamFlagged { flag, to: what > 99 }
        };
        self.log.add(id(TeamId::new, which.into()), event);
    }

    fn token(&mut self, which: u8, other: u8, what: u8) {
        let event = if self.tokens.insert(which) {
            let owner = if what.is_multiple_of(2) {
                TokenOwner::User(id(UserId::new, other.into()))
            } else {
                TokenOwner::Organization(organization(other.into()))
            };
            TokenEvent::TokenIssued { owner, scopes: None, digest: "d".into(), key_id: "k".into() }
        } else {
            TokenEvent::TokenRevoked {}
        };
        self.log.add(id(TokenId::new, which.into()), event);
    }

    fn member(&mut self, which: u8, other: u8, what: u8) {
        let stream = id(MemberId::new, which.into());
        let Some(teams) = self.members.get_mut(&which) else {
            self.members.insert(which, BTreeSet::new());
            self.log.add(stream, begin(other, what));
            return;
        };
        let team = id(TeamId::new, other.into());
        let explicit = (what > 99).then(|| role("admin"));
        let event = match what % 8 {
            0 | 1 if teams.insert(other) => {
                MemberEvent::TeamAssigned { team, role: explicit, how: AssignedHow::Joined }
            }
            2 if teams.remove(&other) => {
                MemberEvent::TeamUnassigned { team, role: None, how: UnassignedHow::Left }
            }
            3 if teams.contains(&other) => MemberEvent::TeamRoleChanged { team, from: None, to: explicit },
            4 if teams.contains(&other) => {
                MemberEvent::TeamRoleCleared { team, was: role("admin"), because_of_org_role: role("owner") }
            }
            5 => MemberEvent::MemberFlagSet { flag: MemberFlag::ALL[usize::from(other)] },
            6 => MemberEvent::MemberFlagCleared { flag: MemberFlag::ALL[usize::from(other)] },
            7 => {
                self.members.remove(&which);
                MemberEvent::MemberRemoved {
                    reason: RemovalReason::Removed,
                    role: role("member"),
                    teams: vec![],
                    user: None,
                    addresses: vec![],
                    ownership: None,
                }
            }
            _ => MemberEvent::OrgRoleChanged { from: role("member"), to: role("admin"), ownership: None },
        };
        self.log.add(stream, event);
    }
}

fn begin(other: u8, what: u8) -> MemberEvent {
    let (organization, org_role) = (organization(1), role("member"));
    let user = id(UserId::new, other.into());
    match what % 4 {
        0 => MemberEvent::MemberInvited {
            organization,
            email: email("bob"),
            org_role,
            inviter: Some(user),
            generation: 1,
            expires_at: Timestamp::from_micros(99).unwrap(),
            imported: false,
            counted: None,
            without_letter: false,
            referrer: None,
        },
        1 => MemberEvent::InviteRequested { organization, email: email("bob"), org_role, inviter: None },
        2 => MemberEvent::JoinRequested { organization, email: email("bob"), org_role },
        _ => MemberEvent::MemberAdded { organization, user, org_role, addresses: vec![], ownership: None },
    }
}

/// Choices of events, sizes of batches, and how far one projection is ahead of the others, as after a change of theirs.
type Split = (Vec<[u8; 4]>, Vec<usize>, usize);

fn split() -> impl Strategy<Value = Split> {
    let choices = prop::collection::vec(any::<[u8; 4]>(), 1..200);
    (choices, prop::collection::vec(1..40_usize, 1..20), 0..200_usize)
}

async fn gives_the_same_rows(lab: &Lab, (choices, sizes, ahead): Split) {
    let log = log_of(&choices);
    let test = TestViews::new(lab).await;
    let entries = log.entries();
    test.applied(&all()[3..4], 0, &entries[..ahead.min(entries.len())]).await;
    let mut done = 0;
    for size in sizes.iter().cycle() {
        if done == entries.len() {
            break;
        }
        let end = (done + size).min(entries.len());
        test.applied(&all(), done as u64, &entries[done..end]).await;
        // A process that was killed after the commit gives the batch again.
        test.applied(&all(), done as u64, &entries[done..end]).await;
        done = end;
    }
    test.assert_same_as(&log.in_memory(1)).await;
    test.views.close().await;
}

fn check(lab: impl Future<Output = Lab>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lab = runtime.block_on(lab);
    let mut runner = TestRunner::new(ProptestConfig { cases: 48, ..ProptestConfig::default() });
    let case = |split| {
        runtime.block_on(gives_the_same_rows(&lab, split));
        Ok(())
    };
    runner.run(&split(), case).unwrap();
}

#[test]
fn any_split_gives_the_same_rows_in_sqlite() {
    check(async { Lab::sqlite() });
}

#[test]
fn any_split_gives_the_same_rows_in_postgres() {
    check(Lab::postgres());
}

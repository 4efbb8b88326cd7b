//! What is asked in a random history, by whom. Few people, roles and teams, so that the requests meet each other.

use std::collections::{BTreeMap, BTreeSet};

use muster::ledger::{
    Caller, CallerKind, CommandMeta, ExecuteError, Ledger, Operation, Turn,
    operations::{ImportMember, ImportedOrganization, MemberFact, Person, RemoveMember, UpdateMember},
};
use muster_events::{
    id::{MemberId, OrganizationId},
    member::{MemberFlag, MemberUpdate, TeamRoleEntry},
    roles::RoleId,
};
use proptest::{
    prelude::*,
    sample::{select, subsequence},
};

/// Whoever asks: an owner, a superuser, a manager, somebody with a retired role, members, the owner of another
/// organization, an integration.
pub(super) const SECRETS: &[&str] = &[
    "alice-token",
    "root-token",
    "mallory-token",
    "adam-token",
    "bob-token",
    "dana-token",
    "greta-token",
    "acme-integration",
];
const PEOPLE: &[&str] = &["alice-token", "mallory-token", "adam-token", "bob-token", "dana-token"];
const TEAMS: &[&str] = &["core", "infra", "web"];

/// What is asked about a member.
#[derive(Debug, Clone)]
enum What {
    Update { role: Option<&'static str>, teams: Option<Vec<String>>, team_roles: Option<Vec<TeamRoleEntry>> },
    Remove,
    Import { role: &'static str, teams: Vec<(String, Option<RoleId>)>, flags: Vec<MemberFlag> },
}

/// One request: the secrets say who asks and about whom.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    by: &'static str,
    about: &'static str,
    organization: &'static str,
    what: What,
}

/// What became of all that was asked.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    pub(super) done: usize,
    pub(super) refused: usize,
    /// The stored types of the events that were appended.
    pub(super) types: BTreeSet<String>,
}

impl Outcomes {
    pub(super) fn count(&mut self, done: bool) {
        *(if done { &mut self.done } else { &mut self.refused }) += 1;
    }

    pub(super) fn absorb(&mut self, other: Self) {
        self.done += other.done;
        self.refused += other.refused;
        self.types.extend(other.types);
    }
}

fn role(id: &str) -> RoleId {
    RoleId::new(id).unwrap()
}

fn org_role() -> impl Strategy<Value = &'static str> {
    prop_oneof![8 => select(&["owner", "manager", "member"][..]), 1 => select(&["admin", "emperor"][..])]
}

fn team_role() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![2 => Just(None), 6 => select(&[Some("contributor"), Some("admin")][..]), 1 => Just(Some("captain"))]
}

/// Each team with a role; the empty list is among them.
fn teams() -> impl Strategy<Value = Vec<(&'static str, Option<&'static str>)>> {
    let one = |team: &'static str| team_role().prop_map(move |role| (team, role));
    subsequence(TEAMS.to_vec(), 0..=TEAMS.len())
        .prop_flat_map(move |teams| teams.into_iter().map(one).collect::<Vec<_>>())
}

fn update() -> impl Strategy<Value = What> {
    let slugs = || teams().prop_map(|teams| teams.into_iter().map(|(team, _)| team.to_owned()).collect());
    let entry = |(team, role): (&str, Option<&str>)| TeamRoleEntry {
        team: team.to_owned(),
        role: role.map(str::to_owned),
    };
    let with_roles = teams().prop_map(move |teams| teams.into_iter().map(entry).collect());
    let only = |role, teams, team_roles| What::Update { role, teams, team_roles };
    prop_oneof![
        6 => org_role().prop_map(move |role| only(Some(role), None, None)),
        3 => slugs().prop_map(move |teams| only(None, Some(teams), None)),
        5 => with_roles.prop_map(move |team_roles| only(None, None, Some(team_roles))),
        3 => (org_role(), slugs()).prop_map(move |(role, teams)| only(Some(role), Some(teams), None)),
        1 => Just(only(None, None, None)),
    ]
}

fn import() -> impl Strategy<Value = What> {
    let flags = subsequence(MemberFlag::ALL.to_vec(), 0..=1);
    let known = |teams: Vec<(&str, Option<&str>)>| {
        teams.into_iter().map(|(team, as_role)| (team.to_owned(), as_role.map(role))).collect()
    };
    (org_role(), teams().prop_map(known), flags).prop_map(|(role, teams, flags)| What::Import {
        role,
        teams,
        flags,
    })
}

/// Any request by anybody. Those who may do something ask more often than those who may not, and whoever was removed
/// comes back by an import some time.
pub(super) fn anything() -> impl Strategy<Value = Asked> {
    let by = prop_oneof![4 => select(SECRETS), 6 => select(&SECRETS[..3])];
    let about = prop_oneof![8 => select(PEOPLE), 1 => select(SECRETS)];
    let organization = prop_oneof![8 => Just("acme"), 1 => Just("globex")];
    let what = prop_oneof![6 => update().boxed(), 2 => Just(What::Remove).boxed(), 2 => import().boxed()];
    (by, prop::option::weighted(0.9, about), organization, what).prop_map(
        |(by, about, organization, what)| Asked { by, about: about.unwrap_or(by), organization, what },
    )
}

/// Asks; whether it was done. A refusal is as good an answer, trouble is none.
pub(super) async fn ask(ledger: &Ledger, callers: &BTreeMap<&str, Caller>, asked: &Asked) -> bool {
    let (caller, about) = (callers[asked.by], callers[asked.about]);
    let organization = ledger.find_organization(asked.organization).await.unwrap();
    // An integration is nobody's account: an id that no member has stands for it.
    let CallerKind::User(user) = about.kind else {
        return execute(ledger, &removal(caller, organization, ledger.new_member_id()), caller).await;
    };
    if let What::Import { role: as_role, teams, flags } = &asked.what {
        let mut known = BTreeMap::new();
        for slug in TEAMS {
            known.extend(
                ledger.find_team(organization, slug).await.unwrap().map(|team| ((*slug).to_owned(), team)),
            );
        }
        let fact = MemberFact {
            person: Person::User(user),
            role: role(as_role),
            teams: teams.clone(),
            flags: flags.clone(),
        };
        let organization = ImportedOrganization { id: organization, teams: known };
        return execute(ledger, &ImportMember { organization, fact }, caller).await;
    }
    let found = ledger.find_membership(organization, user).await.unwrap();
    let member = found.unwrap_or_else(|| ledger.new_member_id());
    match &asked.what {
        What::Update { role, teams, team_roles } => {
            let changes = MemberUpdate {
                org_role: role.map(str::to_owned),
                teams: teams.clone(),
                team_roles: team_roles.clone(),
                has_other_keys: true,
                ..MemberUpdate::default()
            };
            let update =
                UpdateMember { caller, organization, member, if_match: None, address: None, changes };
            execute(ledger, &update, caller).await
        }
        What::Remove | What::Import { .. } => {
            execute(ledger, &removal(caller, organization, member), caller).await
        }
    }
}

fn removal(caller: Caller, organization: OrganizationId, member: MemberId) -> RemoveMember {
    RemoveMember { caller, organization, member, if_match: None, as_invitation: false }
}

async fn execute<O: Operation>(ledger: &Ledger, operation: &O, caller: Caller) -> bool {
    match ledger.execute(operation, &CommandMeta::by(caller.actor()), Turn::unkeyed()).await {
        Ok(_) => true,
        Err(ExecuteError::Refused { .. }) => false,
        Err(error) => panic!("{error}: {operation:?}"),
    }
}

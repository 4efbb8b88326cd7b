//! The world of the decision tests: the organization Acme with its teams, the bundled roles, and whoever asks.
//!
//! Mia is the one whom it is about. Acme's teams in the order of their ids are `web`, `docs` and `api`, so that the
//! order by slug is another one.

use std::{collections::BTreeMap, sync::Arc};

use super::state;
use crate::{
    access::Requester,
    aggregate::Aggregate,
    id::{MemberId, OrganizationId, TeamId, TokenId, UserId},
    member::{AssignedHow, Member, MemberEvent, MemberFlag, Ownership},
    organization::{Feature, Organization, OrganizationEvent},
    personal::{EmailAddress, KeyedHash, Personal, UserName},
    recorded::Actor,
    roles::{RoleId, Roles, RolesDefinition, ScopeSet},
    team::{Team, TeamEvent, TeamFlag},
    time::Timestamp,
    user::{Authenticator, User, UserEvent},
};

pub(crate) fn earlier() -> Timestamp {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

/// When something is asked.
pub(crate) fn now() -> Timestamp {
    "2026-11-24T10:00:00Z".parse().unwrap()
}

pub(crate) fn in_thirty_days() -> Timestamp {
    "2026-12-24T10:00:00Z".parse().unwrap()
}

pub(crate) fn acme() -> OrganizationId {
    OrganizationId::new(1).unwrap()
}

/// Another organization.
pub(crate) fn globex() -> OrganizationId {
    OrganizationId::new(2).unwrap()
}

pub(crate) fn web() -> TeamId {
    TeamId::new(11).unwrap()
}

pub(crate) fn docs() -> TeamId {
    TeamId::new(12).unwrap()
}

pub(crate) fn api() -> TeamId {
    TeamId::new(13).unwrap()
}

/// A team of Acme that is being deleted.
pub(crate) fn legacy() -> TeamId {
    TeamId::new(14).unwrap()
}

/// A team of the other organization.
pub(crate) fn sales() -> TeamId {
    TeamId::new(15).unwrap()
}

pub(crate) fn user(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

pub(crate) fn member(number: u64) -> MemberId {
    MemberId::new(number).unwrap()
}

/// The one whom it is about: both her membership and her account.
pub(crate) const MIA: u64 = 50;

/// Whoever asks, unless it is Mia herself.
pub(crate) const REQUESTER: u64 = 60;

/// Somebody who is neither.
pub(crate) const SOMEBODY: u64 = 70;

pub(crate) fn role(text: &str) -> RoleId {
    RoleId::new(text).unwrap()
}

pub(crate) fn scopes(texts: &[&str]) -> ScopeSet {
    ScopeSet::parse(texts.iter().copied()).unwrap()
}

pub(crate) fn hash(text: &str) -> KeyedHash {
    KeyedHash(format!("h1:{}", text.to_lowercase()).into())
}

pub(crate) fn email(text: &str) -> Personal<EmailAddress> {
    Personal::open(EmailAddress(text.into()), Some(hash(text)))
}

pub(crate) fn username(text: &str) -> Personal<UserName> {
    Personal::open(UserName(text.into()), Some(hash(text)))
}

/// Organization and team roles with a `billing` role whose holders are on no team.
pub(crate) fn roles_with_billing() -> Arc<Roles> {
    let bundled = include_str!("../roles.toml");
    let billing = "[[org_role]]\nid = \"billing\"\nname = \"Billing\"\nscopes = [\"org:read\"]\n\
                   team_roles_allowed = false\n\n";
    let at = bundled.find("[[org_role]]").unwrap();
    let text = format!("{}{billing}{}", &bundled[..at], &bundled[at..]);
    Arc::new(RolesDefinition::from_toml(&text).unwrap().into())
}

/// Mia becomes a member with this role.
pub(crate) fn joined(org_role: &str) -> MemberEvent {
    MemberEvent::MemberAdded {
        organization: acme(),
        user: user(MIA),
        org_role: role(org_role),
        addresses: vec![hash("mia@acme.example")],
        ownership: (org_role == "owner").then_some(Ownership::Gained),
    }
}

/// Mia's address is invited by this user.
pub(crate) fn invited(org_role: &str, inviter: u64) -> MemberEvent {
    MemberEvent::MemberInvited {
        organization: acme(),
        email: email("mia@acme.example"),
        org_role: role(org_role),
        inviter: Some(user(inviter)),
        generation: 1,
        expires_at: in_thirty_days(),
        imported: false,
        counted: None,
        without_letter: false,
        referrer: None,
    }
}

/// Somebody proposes to invite Mia.
pub(crate) fn invite_requested() -> MemberEvent {
    let (organization, email, org_role) = (acme(), email("mia@acme.example"), role("member"));
    MemberEvent::InviteRequested { organization, email, org_role, inviter: Some(user(SOMEBODY)) }
}

/// Mia asks to be let in.
pub(crate) fn join_requested() -> MemberEvent {
    MemberEvent::JoinRequested {
        organization: acme(),
        email: email("mia@acme.example"),
        org_role: role("member"),
    }
}

/// On the team without an explicit role.
pub(crate) fn on(team: TeamId) -> MemberEvent {
    MemberEvent::TeamAssigned { team, role: None, how: AssignedHow::Joined }
}

/// On the team with an explicit role.
pub(crate) fn on_as(team: TeamId, team_role: &str) -> MemberEvent {
    MemberEvent::TeamAssigned { team, role: Some(role(team_role)), how: AssignedHow::Joined }
}

pub(crate) fn flagged(flag: MemberFlag) -> MemberEvent {
    MemberEvent::MemberFlagSet { flag }
}

/// What a decision looks at besides its aggregate.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) organization: Arc<Organization>,
    pub(crate) teams: BTreeMap<TeamId, Arc<Team>>,
    pub(crate) roles: Arc<Roles>,
}

impl Default for World {
    fn default() -> Self {
        let created = OrganizationEvent::OrganizationCreated {
            slug: "acme".into(),
            name: "Acme".into(),
            default_role: role("member"),
        };
        let team = |organization, slug: &str, later: Vec<TeamEvent>| {
            let (slug, name) = (slug.to_owned(), slug.to_uppercase());
            let created = TeamEvent::TeamCreated { organization, slug, name };
            Arc::new(state::<Team>([created].into_iter().chain(later)))
        };
        let deleting = TeamEvent::TeamFlagged { flag: TeamFlag::BeingDeleted, to: true };
        Self {
            organization: Arc::new(state([created])),
            teams: BTreeMap::from([
                (web(), team(acme(), "web", vec![])),
                (docs(), team(acme(), "docs", vec![])),
                (api(), team(acme(), "api", vec![])),
                (legacy(), team(acme(), "legacy", vec![deleting])),
                (sales(), team(globex(), "sales", vec![])),
            ]),
            roles: Arc::new(Roles::bundled()),
        }
    }
}

impl World {
    /// After this has happened to Acme.
    pub(crate) fn after(mut self, event: &OrganizationEvent) -> Self {
        Arc::make_mut(&mut self.organization).evolve(event, earlier());
        self
    }

    pub(crate) fn without(self, feature: Feature) -> Self {
        self.after(&OrganizationEvent::FeatureSet { feature, on: false })
    }

    pub(crate) fn with_flag(self, flag: &str) -> Self {
        self.after(&OrganizationEvent::OrganizationFlagChanged { flag: flag.into(), to: true })
    }
}

fn account(later: impl IntoIterator<Item = UserEvent>) -> Arc<User> {
    let (username, email) = (username("asker"), email("asker@acme.example"));
    let registered = UserEvent::UserRegistered { username, name: None, email };
    Arc::new(state([registered].into_iter().chain(later)))
}

/// A user who is no member of Acme.
pub(crate) fn stranger() -> Requester {
    Requester {
        actor: Actor::user(user(REQUESTER), None),
        user: Some((user(REQUESTER), account([]))),
        integration: None,
        membership: None,
        token_scopes: None,
    }
}

/// A member of Acme with this role.
pub(crate) fn requester(org_role: &str) -> Requester {
    let added = MemberEvent::MemberAdded {
        organization: acme(),
        user: user(REQUESTER),
        org_role: role(org_role),
        addresses: vec![],
        ownership: None,
    };
    Requester { membership: Some((member(REQUESTER), Arc::new(state::<Member>([added])))), ..stranger() }
}

pub(crate) fn owner() -> Requester {
    requester("owner")
}

pub(crate) fn manager() -> Requester {
    requester("manager")
}

pub(crate) fn admin() -> Requester {
    requester("admin")
}

pub(crate) fn plain_member() -> Requester {
    requester("member")
}

/// A superuser who is no member of Acme.
pub(crate) fn superuser() -> Requester {
    Requester { user: Some((user(REQUESTER), account([UserEvent::SuperuserGranted {}]))), ..stranger() }
}

/// A token of the organization itself.
pub(crate) fn integration(organization: OrganizationId) -> Requester {
    let actor = Actor::integration(organization, TokenId::new(1).unwrap());
    Requester { actor, user: None, integration: Some(organization), ..stranger() }
}

/// Mia herself, with this role.
pub(crate) fn herself(org_role: &str) -> Requester {
    let mia = Arc::new(state::<Member>([joined(org_role)]));
    Requester {
        actor: Actor::user(user(MIA), None),
        user: Some((user(MIA), account([]))),
        membership: Some((member(MIA), mia)),
        ..stranger()
    }
}

impl Requester {
    /// Through a token that is limited to these scopes.
    pub(crate) fn limited_to(self, texts: &[&str]) -> Self {
        Self { token_scopes: Some(scopes(texts)), ..self }
    }

    /// After this has happened to his own membership.
    pub(crate) fn after(mut self, event: &MemberEvent) -> Self {
        let (_, membership) = self.membership.as_mut().unwrap();
        Arc::make_mut(membership).evolve(event, earlier());
        self
    }

    /// With this authenticator enrolled.
    pub(crate) fn with(mut self, kind: Authenticator) -> Self {
        let superuser = self.is_superuser().then_some(UserEvent::SuperuserGranted {});
        let enrolled = [UserEvent::AuthenticatorEnrolled { kind }];
        self.user = self.user.map(|(id, _)| (id, account(enrolled.into_iter().chain(superuser))));
        self
    }
}

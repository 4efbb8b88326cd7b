//! A small world: organizations with people in every role, made through the ledger's own commands.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use muster::{
    deployment::Deployment,
    http::{ServeOptions, serve},
    ledger::{
        CommandMeta, Operation, Turn,
        operations::{
            ImportMember, ImportOrganization, ImportedOrganization, IssueToken, MemberFact, Person,
            RegisterUser, Secret, TeamFact,
        },
    },
    store::StoredEvent,
};
use muster_events::{
    id::{MemberId, OrganizationId, TokenId, UserId},
    member::{InviteStatus, MemberFlag},
    recorded::ActorKind,
    roles::{RoleId, ScopeSet},
    time::Timestamp,
    token::TokenOwner,
    user::Authenticator,
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{Client, Place};

/// A world under construction.
#[derive(Debug)]
pub(crate) struct WorldBuilder {
    place: Place,
    deployment: Arc<Deployment>,
    users: BTreeMap<String, UserId>,
    organizations: BTreeMap<String, ImportedOrganization>,
    members: BTreeMap<(String, String), MemberId>,
    tokens: BTreeMap<String, TokenId>,
}

/// A world behind a server.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) base: String,
    pub(crate) deployment: Arc<Deployment>,
    users: BTreeMap<String, UserId>,
    organizations: BTreeMap<String, ImportedOrganization>,
    members: BTreeMap<(String, String), MemberId>,
    tokens: BTreeMap<String, TokenId>,
    shutdown: Stop,
    server: JoinHandle<()>,
    pub(crate) place: Place,
}

/// A role id.
pub(crate) fn role(id: &str) -> RoleId {
    RoleId::new(id).unwrap()
}

fn teams(teams: &[(&str, Option<&str>)]) -> Vec<(String, Option<RoleId>)> {
    teams.iter().map(|(slug, explicit)| ((*slug).to_owned(), explicit.map(role))).collect()
}

impl WorldBuilder {
    /// An empty ledger.
    pub(crate) async fn new() -> Self {
        let place = Place::new().await;
        let deployment = Arc::new(Deployment::open(&place.options()).await.unwrap());
        Self {
            place,
            deployment,
            users: BTreeMap::new(),
            organizations: BTreeMap::new(),
            members: BTreeMap::new(),
            tokens: BTreeMap::new(),
        }
    }

    /// The ledger that is built in, which need not be served.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// A person of this world.
    pub(crate) fn user(&self, key: &str) -> UserId {
        self.users[key]
    }

    /// An organization of this world.
    pub(crate) fn organization_id(&self, slug: &str) -> OrganizationId {
        self.organizations[slug].id
    }

    async fn state<O: Operation>(&self, fact: &O) -> O::Answer {
        let executed = self.deployment.ledger.execute(fact, &CommandMeta::import(), Turn::unkeyed()).await;
        executed.unwrap_or_else(|error| panic!("{error}: {fact:?}")).done().unwrap().answer
    }

    /// Registers a person with the address `key@example.com` and a token `key-token` without limits.
    pub(crate) async fn person(&mut self, key: &str) -> UserId {
        self.person_with(key, |_| {}).await
    }

    pub(crate) async fn person_with(&mut self, key: &str, change: impl FnOnce(&mut RegisterUser)) -> UserId {
        let mut fact = RegisterUser {
            username: key.to_owned(),
            name: Some(format!("{}{}", key[..1].to_uppercase(), &key[1..])),
            emails: vec![(format!("{key}@example.com"), true)],
            authenticators: vec![Authenticator::Totp],
            superuser: false,
            active: true,
            or_existing: false,
        };
        change(&mut fact);
        let id = self.state(&fact).await;
        self.users.insert(key.to_owned(), id);
        self.token(&format!("{key}-token"), TokenOwner::User(id), None).await;
        id
    }

    /// Issues a token; its secret is its name.
    pub(crate) async fn token(&mut self, secret: &str, owner: TokenOwner, scopes: Option<&[&str]>) {
        let scopes = scopes.map(|scopes| ScopeSet::parse(scopes.iter().copied()).unwrap());
        let token = self.deployment.ledger.new_token_id();
        self.state(&IssueToken { token, owner, scopes, secret: Secret(secret.to_owned()) }).await;
        self.tokens.insert(secret.to_owned(), token);
    }

    /// Creates an organization with these teams and this owner.
    pub(crate) async fn organization(
        &mut self,
        slug: &str,
        owner: &str,
        team_slugs: &[&str],
    ) -> OrganizationId {
        self.organization_with(slug, owner, team_slugs, |_| {}).await
    }

    pub(crate) async fn organization_with(
        &mut self,
        slug: &str,
        owner: &str,
        team_slugs: &[&str],
        change: impl FnOnce(&mut ImportOrganization),
    ) -> OrganizationId {
        let team = |slug: &&str| TeamFact {
            slug: (*slug).to_owned(),
            name: (*slug).to_owned(),
            idp_provisioned: false,
            active: true,
        };
        let person = Person::User(self.users[owner]);
        let mut fact = ImportOrganization {
            slug: slug.to_owned(),
            name: format!("The {slug}"),
            default_role: None,
            settings: vec![],
            features: vec![],
            sso: None,
            teams: team_slugs.iter().map(team).collect(),
            owner: MemberFact { person, role: role("owner"), teams: vec![], flags: vec![] },
        };
        change(&mut fact);
        let created = self.state(&fact).await;
        let id = created.id;
        let ledger = &self.deployment.ledger;
        let member = ledger.find_membership(id, self.users[owner]).await.unwrap().unwrap();
        self.members.insert((slug.to_owned(), owner.to_owned()), member);
        self.organizations.insert(slug.to_owned(), created);
        id
    }

    /// Makes a person a member.
    pub(crate) async fn member(
        &mut self,
        organization: &str,
        key: &str,
        org_role: &str,
        on: &[(&str, Option<&str>)],
    ) -> MemberId {
        self.member_with(organization, key, org_role, on, &[]).await
    }

    pub(crate) async fn member_with(
        &mut self,
        organization: &str,
        key: &str,
        org_role: &str,
        on: &[(&str, Option<&str>)],
        flags: &[MemberFlag],
    ) -> MemberId {
        let person = Person::User(self.users[key]);
        self.add(organization, key, person, org_role, on, flags).await
    }

    /// A row without a user: an invitation or a request for `key@example.com`.
    pub(crate) async fn pending(
        &mut self,
        organization: &str,
        key: &str,
        status: InviteStatus,
        inviter: Option<&str>,
    ) -> MemberId {
        let email = format!("{key}@example.com");
        let inviter = inviter.map(|inviter| self.users[inviter]);
        let person = Person::Pending { email, status, inviter, expires_at: None };
        self.add(organization, key, person, "member", &[], &[]).await
    }

    /// An invitation of nobody's that ends at this time.
    pub(crate) async fn pending_until(
        &mut self,
        organization: &str,
        key: &str,
        status: InviteStatus,
        expires_at: Timestamp,
    ) -> MemberId {
        let email = format!("{key}@example.com");
        let person = Person::Pending { email, status, inviter: None, expires_at: Some(expires_at) };
        self.add(organization, key, person, "member", &[], &[]).await
    }

    async fn add(
        &mut self,
        organization: &str,
        key: &str,
        person: Person,
        org_role: &str,
        on: &[(&str, Option<&str>)],
        flags: &[MemberFlag],
    ) -> MemberId {
        let fact = MemberFact { person, role: role(org_role), teams: teams(on), flags: flags.to_vec() };
        let id =
            self.state(&ImportMember { organization: self.organizations[organization].clone(), fact }).await;
        self.members.insert((organization.to_owned(), key.to_owned()), id);
        id
    }

    /// Puts the world behind a server.
    pub(crate) async fn serve(self) -> World {
        self.serve_with(ServeOptions::default()).await
    }

    pub(crate) async fn serve_with(self, options: ServeOptions) -> World {
        let (base, shutdown, server) = start(&self.deployment, options).await;
        World {
            base,
            deployment: self.deployment,
            users: self.users,
            organizations: self.organizations,
            members: self.members,
            tokens: self.tokens,
            shutdown: Stop(shutdown),
            server,
            place: self.place,
        }
    }
}

/// Stops the server of a world that is dropped: one without its ledger would only keep looking for it.
#[derive(Debug)]
struct Stop(CancellationToken);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// A server: where it is found, and what stops it.
async fn start(
    deployment: &Arc<Deployment>,
    options: ServeOptions,
) -> (String, CancellationToken, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let server = tokio::spawn({
        let (deployment, shutdown) = (Arc::clone(deployment), shutdown.clone());
        async move { serve(&deployment, listener, options, shutdown).await.unwrap() }
    });
    (base, shutdown, server)
}

impl World {
    /// The world of most tests: `acme` with alice (owner), mallory (manager), adam (retired role admin), bob, dana
    /// (explicit roles on two teams) and the teams core, infra, web; `globex` with greta (owner) and bob.
    pub(crate) async fn acme() -> Self {
        Self::acme_builder().await.serve().await
    }

    pub(crate) async fn acme_builder() -> WorldBuilder {
        Self::acme_with(&[]).await
    }

    /// The same, with settings of `acme`.
    pub(crate) async fn acme_with(settings: &[(&str, Value)]) -> WorldBuilder {
        let mut world = WorldBuilder::new().await;
        for key in ["alice", "mallory", "adam", "bob", "dana", "greta"] {
            world.person(key).await;
        }
        world.person_with("root", |root| root.superuser = true).await;
        let settings = settings.iter().map(|(field, value)| ((*field).to_owned(), value.clone())).collect();
        let teams = ["core", "infra", "web"];
        let acme = world.organization_with("acme", "alice", &teams, |acme| acme.settings = settings).await;
        world.member("acme", "mallory", "manager", &[]).await;
        world.member("acme", "adam", "admin", &[("web", None)]).await;
        world.member("acme", "bob", "member", &[("core", None)]).await;
        let on = [("core", Some("admin")), ("infra", Some("contributor")), ("web", None)];
        world.member("acme", "dana", "member", &on).await;
        world.pending("acme", "ivan", InviteStatus::Approved, Some("mallory")).await;
        world.pending("acme", "jo", InviteStatus::RequestedToJoin, None).await;
        world.organization("globex", "greta", &["fleet"]).await;
        world.member("globex", "bob", "member", &[]).await;
        let scopes = ["org:write", "member:admin", "team:write"];
        world.token("acme-integration", TokenOwner::Organization(acme), Some(&scopes)).await;
        world
    }

    /// A client with the unlimited token of a person.
    pub(crate) fn of(&self, key: &str) -> Client {
        self.with(&format!("{key}-token"))
    }

    /// A client with the token of this secret.
    pub(crate) fn with(&self, secret: &str) -> Client {
        Client::new(&self.base, Some(secret))
    }

    /// A client without a token.
    pub(crate) fn anonymous(&self) -> Client {
        Client::new(&self.base, None)
    }

    pub(crate) fn user(&self, key: &str) -> UserId {
        self.users[key]
    }

    pub(crate) fn organization(&self, slug: &str) -> OrganizationId {
        self.organizations[slug].id
    }

    pub(crate) fn token(&self, secret: &str) -> TokenId {
        self.tokens[secret]
    }

    pub(crate) fn member(&self, organization: &str, key: &str) -> MemberId {
        self.members[&(organization.to_owned(), key.to_owned())]
    }

    /// The path of a member.
    pub(crate) fn path(&self, organization: &str, key: &str) -> String {
        format!("/api/0/organizations/{organization}/members/{}/", self.member(organization, key))
    }

    /// Where the log stands.
    pub(crate) async fn head(&self) -> u64 {
        self.deployment.ledger.store().head().await.unwrap().position.0
    }

    /// The stored types of the events after `position` but those of policies, which append theirs whenever they come to
    /// it (`crate::policies` looks at them).
    pub(crate) async fn types_after(&self, position: u64) -> Vec<String> {
        let after = muster_events::stream::Position(position);
        let events = self.deployment.ledger.store().read_all(after, 1000).await.unwrap();
        let of_policy =
            |event: &StoredEvent| event.recorded().unwrap().metadata.actor.kind == ActorKind::Policy;
        events.into_iter().filter(|event| !of_policy(event)).map(|event| event.event_type).collect()
    }

    /// The same world after its server has stopped.
    pub(crate) async fn stopped(self) -> Self {
        self.shutdown.0.cancel();
        tokio::time::timeout(Duration::from_secs(30), self.server).await.unwrap().unwrap();
        Self { server: tokio::spawn(async {}), ..self }
    }

    /// The same world behind another server.
    pub(crate) async fn started(self, options: ServeOptions) -> Self {
        let (base, shutdown, server) = start(&self.deployment, options).await;
        Self { base, shutdown: Stop(shutdown), server, ..self }
    }

    /// Stops the server as SIGTERM does, and waits until it has ended. What it was kept in is left.
    pub(crate) async fn stop(self) -> Place {
        self.shutdown.0.cancel();
        tokio::time::timeout(Duration::from_secs(30), self.server).await.unwrap().unwrap();
        self.place
    }
}

//! What the endpoints are asked about.

use muster::http::ServeOptions;
use muster_events::{id::MemberId, member::InviteStatus, personal::EmailAddress, token::TokenOwner};
use reqwest::Method;
use serde_json::json;

use super::table::CALLERS;
use crate::support::{Client, World, WorldBuilder};

/// A world in which there is for every caller a member, an account, a token, an invitation, a request and a team to ask
/// about that no other caller is asked about, so that what one of them does takes nothing from the next.
pub(super) struct Stage(World);

fn other(column: usize) -> String {
    format!("other{column}")
}

fn team(column: usize) -> String {
    format!("team{column}")
}

impl Stage {
    pub(super) async fn set() -> Self {
        let mut world = WorldBuilder::new().await;
        for key in ["alice", "second", "mallory", "adam", "bob", "greta"] {
            world.person(key).await;
        }
        world.person_with("root", |root| root.superuser = true).await;
        world.organization("globex", "greta", &[]).await;
        acme(&mut world).await;
        let owner = TokenOwner::User(world.user("alice"));
        world.token("reader", owner, Some(&["org:read", "member:read", "team:read"])).await;
        world.token("limited", owner, Some(&["alerts:read"])).await;
        let scopes = ["org:write", "member:admin", "team:admin"];
        let acme = TokenOwner::Organization(world.organization_id("acme"));
        world.token("integration", acme, Some(&scopes)).await;
        // Every caller comes from an address of his own: limits that count by address are nobody else's.
        let trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        Self(world.serve_with(ServeOptions { trusted_proxies, ..ServeOptions::default() }).await)
    }

    pub(super) fn client(&self, caller: &str) -> Client {
        let world = &self.0;
        match caller {
            "nobody" => world.anonymous(),
            "stranger" => world.of("greta"),
            "member" => world.of("bob"),
            "admin" => world.of("adam"),
            "manager" => world.of("mallory"),
            "owner" => world.of("alice"),
            "superuser" => world.of("root"),
            token => world.with(token),
        }
    }

    /// A path or a body with what stands for its places when the caller of this column asks.
    pub(super) async fn fill(&self, template: &str, method: &Method, column: usize) -> String {
        let mut filled = String::new();
        for part in template.split_inclusive('}') {
            let place = part.strip_suffix('}').and_then(|part| part.rsplit_once('{'));
            match place
                .filter(|(_, name)| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase()))
            {
                Some((before, name)) => {
                    filled.extend([before, &self.place(template, name, method, column).await]);
                }
                None => filled.push_str(part),
            }
        }
        filled
    }

    async fn place(&self, template: &str, name: &str, method: &Method, column: usize) -> String {
        let world = &self.0;
        let member = |key: String| world.member("acme", &key);
        let invited = || member(format!("invited{column}"));
        match name {
            "organization" => "acme".into(),
            "member" if template.contains("/accept-invite/") => invited().to_string(),
            "member" => member(other(column)).to_string(),
            "token" if template.contains("/accept-invite/") => {
                world.deployment.ledger.keys().invitation_token(invited(), 1)
            }
            "token" => world.token(&format!("{}-token", other(column))).to_string(),
            "request" if template.contains("/access-requests/") => {
                self.access_request(member(other(column)), column).await
            }
            "request" => member(format!("wished{column}")).to_string(),
            "team" if method == Method::POST => "core".into(),
            "team" => team(column),
            "user" => world.user(&other(column)).to_string(),
            "kind" => "totp".into(),
            "hash" => {
                let second = EmailAddress(format!("{}-second@example.com", other(column)));
                world.deployment.ledger.keys().hashed(second).hash().unwrap().to_string()
            }
            "uuid" => self.picture().await,
            unknown => panic!("say in `place` what stands for {{{unknown}}}"),
        }
    }

    /// Somebody asks to be put on a team.
    async fn access_request(&self, member: MemberId, column: usize) -> String {
        let who = self.0.of(&other(column));
        let path = format!("/api/0/organizations/acme/members/{member}/teams/core/");
        who.post(&path, &json!({})).await.expect(202);
        let listed =
            self.0.of("alice").get("/api/0/organizations/acme/access-requests/").await.expect(200).json();
        let mut ids = listed.as_array().unwrap().iter().map(|request| request["id"].as_str().unwrap());
        ids.find(|id| id.starts_with(&format!("{member}-"))).unwrap().to_owned()
    }

    /// The organization has a picture.
    async fn picture(&self) -> String {
        let photo = crate::http::avatar::image(300, 9, image::ImageFormat::Jpeg);
        let body = json!({"avatar_type": "upload", "avatar_photo": photo});
        let acme =
            self.0.of("alice").put("/api/0/organizations/acme/avatar/", &body).await.expect(200).json();
        acme["avatar"]["avatarUuid"].as_str().unwrap().to_owned()
    }
}

async fn acme(world: &mut WorldBuilder) {
    let teams: Vec<_> = (0..CALLERS.len()).map(team).chain(["core".to_owned()]).collect();
    let slugs: Vec<_> = teams.iter().map(String::as_str).collect();
    let closed = vec![("openMembership".to_owned(), json!(false))];
    world.organization_with("acme", "alice", &slugs, |acme| acme.settings = closed).await;
    for (key, role) in [("second", "owner"), ("mallory", "manager"), ("adam", "admin"), ("bob", "member")] {
        world.member("acme", key, role, &[]).await;
    }
    for column in 0..CALLERS.len() {
        let key = other(column);
        let second = format!("{key}-second@example.com");
        world.person_with(&key, |person| person.emails.push((second, false))).await;
        world.member("acme", &key, "member", &[(&team(column), None)]).await;
        world.pending("acme", &format!("invited{column}"), InviteStatus::Approved, Some("mallory")).await;
        world
            .pending("acme", &format!("wished{column}"), InviteStatus::RequestedToBeInvited, Some("second"))
            .await;
    }
}

//! An invitation, from sending to acceptance.

use anyhow::{Result, ensure};
use hyper::Method;
use muster_events::{id::MemberId, member::Member};
use serde_json::{Value, json};

use super::{
    client::{Answer, Ask, Client},
    story::{ORGANIZATION, OWNER},
};
use crate::{
    cli::screen::{Rows, Screen},
    deployment::Deployment,
};

/// The token of the administrator.
const ADMINISTRATOR: &str = "root-superuser-token";

/// Asks one thing after the other, and puts what was said into a table.
struct Telling<'a> {
    client: &'a Client,
    run: &'a str,
    rows: Rows,
}

impl Telling<'_> {
    async fn command(&mut self, says: &str, path: &str, token: &str, body: &Value) -> Result<Answer> {
        let key = format!("demo-{}-{says}", self.run).replace(' ', "-");
        let ask = Ask { method: Method::POST, path, token: Some(token), key: Some(&key), body: Some(body) };
        let answer = self.client.ask(ask).await?;
        ensure!(answer.status.is_success(), "{says}: {}", answer.of_command());
        self.rows.add([says.to_owned(), format!("POST {path} {body}"), answer.of_command()]);
        Ok(answer)
    }

    async fn read(&mut self, says: &str, path: &str, token: Option<&str>, fields: &[&str]) -> Result<()> {
        let answer = self.client.ask(Ask { method: Method::GET, path, token, key: None, body: None }).await?;
        self.rows.add([says.to_owned(), format!("GET {path}"), answer.of_read(fields)]);
        Ok(())
    }
}

/// Invites somebody who has no account yet, lets her open one and accept.
pub(super) async fn tell(
    deployment: &Deployment,
    client: &Client,
    run: &str,
    screen: &mut Screen,
) -> Result<()> {
    screen.heading("An invitation, from sending to acceptance")?;
    let rows = Rows::under(["what", "request", "answer"]);
    let mut telling = Telling { client, run, rows };
    let email = format!("nina-{run}@example.com");
    let members = format!("/api/0/organizations/{ORGANIZATION}/members/");
    let body = json!({ "email": email, "orgRole": "member", "teams": ["perception"] });
    let invited = telling.command("Alice invites Nina to a team", &members, OWNER, &body).await?;
    let member: MemberId = invited.text("id")?.parse()?;
    let link = link(deployment, client, member).await?;
    let path = link.replace(&format!("{}/accept/", client.url()), "/api/0/accept-invite/");
    let fields = ["needsAuthentication", "existingMember"];
    telling.read("Whoever has the link sees what it is for", &path, None, &fields).await?;
    let body = json!({ "email": email, "name": "Nina Abernathy", "verified": true });
    let user = telling.command("Nina opens an account", "/api/0/users/", ADMINISTRATOR, &body).await?;
    let body = json!({ "user": user.text("id")? });
    let token = telling.command("Nina gets a token", "/api/0/api-tokens/", ADMINISTRATOR, &body).await?;
    telling.command("Nina accepts the invitation", &path, token.text("token")?, &json!({})).await?;
    let row = format!("{members}{member}/");
    let fields = ["pending", "orgRole", "teams"];
    telling.read("Alice sees her among the members", &row, Some(OWNER), &fields).await?;
    screen.table(&telling.rows)?;
    screen.line(format!(
        "Its link, as `muster invite-link {member}` prints it until it is accepted:\n  {link}"
    ))?;
    Ok(())
}

async fn link(deployment: &Deployment, client: &Client, member: MemberId) -> Result<String> {
    let ledger = &deployment.ledger;
    let state = ledger.state::<Member>(&member.into()).await?.state;
    let generation = state.invitation.map_or(1, |invitation| invitation.generation);
    Ok(ledger.invitation_link(&client.url(), member, generation, None))
}

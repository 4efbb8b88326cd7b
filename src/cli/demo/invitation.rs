//! An invitation, from sending to acceptance.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use hyper::Method;
use muster_events::{id::MemberId, letter::Letter, member::Member, stream::Position};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    client::{Answer, Ask, Client},
    story::{ORGANIZATION, OWNER},
};
use crate::{
    cli::screen::{Rows, Screen},
    clock::stopwatch,
    deployment::Deployment,
};

/// How long a letter may take.
const LETTER_TIME: Duration = Duration::from_secs(10);

/// Among how many of the newest events it is looked for.
const NEWEST: u64 = 100;

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
    let (letter, position) = letter_to(deployment, member).await?;
    let sent = format!("sent, recorded at position {position}");
    telling.rows.add(["A letter with the link goes to her".into(), letter, sent]);
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

/// Which letter went to an invited member, and where that is on record; it takes a moment.
async fn letter_to(deployment: &Deployment, member: MemberId) -> Result<(String, Position)> {
    let store = deployment.ledger.store();
    let began = stopwatch();
    while began.elapsed() < LETTER_TIME {
        let head = store.head().await?.position;
        let newest = store.read_all(Position(head.0.saturating_sub(NEWEST)), 1_000).await?;
        for stored in newest.iter().rev().filter(|stored| stored.event_type == "LetterSent") {
            let letter = deployment.ledger.state::<Letter>(&stored.stream).await?.state;
            let letter = letter.letter.as_ref().filter(|letter| letter.about.member == Some(member));
            if letter.is_some() {
                return Ok((format!("letter {}", stored.stream.aggregate_id), stored.position));
            }
        }
        sleep(LETTER_TIME / 100).await;
    }
    bail!("the letter to the invited member was not sent within {} s", LETTER_TIME.as_secs());
}

async fn link(deployment: &Deployment, client: &Client, member: MemberId) -> Result<String> {
    let ledger = &deployment.ledger;
    let state = ledger.state::<Member>(&member.into()).await?.state;
    let generation = state.invitation.map_or(1, |invitation| invitation.generation);
    Ok(ledger.invitation_link(&client.url(), member, generation, None))
}

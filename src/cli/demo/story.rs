//! What happens in the demonstration: roles change over HTTP, the history tells it, somebody is invited and accepts,
//! and the audit log sums it up.

use anyhow::{Context, Result};
use hyper::Method;
use muster_events::{id::MemberId, recorded::ActorKind};
use serde_json::{Value, json};

use super::{
    audit_log,
    client::{Ask, Client},
    invitation,
};
use crate::{
    cli::{
        events,
        import::Imported,
        names::Names,
        screen::{Rows, Screen},
    },
    clock,
    deployment::Deployment,
    history::Sight,
    store::{LogQuery, Order},
};

/// The organization of the demonstration.
pub(super) const ORGANIZATION: &str = "acme";
/// The token of Alice, an owner.
pub(super) const OWNER: &str = "alice-owner-token";
/// Events of the history that are shown.
const SHOWN: usize = 12;

/// One change that somebody asks for.
struct Step {
    /// What is going on.
    says: &'static str,
    /// Whose token asks.
    token: &'static str,
    /// The key of the member in the import file.
    member: &'static str,
    /// What is asked.
    body: fn() -> Value,
}

const STEPS: [Step; 4] = [
    Step {
        says: "Alice makes Dana a manager",
        token: OWNER,
        member: "dana",
        body: || json!({ "orgRole": "manager" }),
    },
    Step {
        says: "Alice lets Bob run the team perception",
        token: OWNER,
        member: "bob",
        body: || {
            json!({ "teamRoles": [
                { "teamSlug": "perception", "role": "admin" },
                { "teamSlug": "simulation", "role": null },
            ] })
        },
    },
    Step {
        says: "Mallory, a manager, tries to make Bob an owner",
        token: "mallory-manager-token",
        member: "bob",
        body: || json!({ "orgRole": "owner" }),
    },
    Step {
        says: "Olga makes Mallory a plain member",
        token: "olga-owner-token",
        member: "mallory",
        body: || json!({ "orgRole": "member" }),
    },
];

/// Carries out the steps and shows what became of them.
pub(super) async fn tell(
    deployment: &Deployment,
    imported: &Imported,
    client: &Client,
    screen: &mut Screen,
) -> Result<()> {
    let members =
        &imported.organizations.get(ORGANIZATION).context("the example has lost its organization")?.members;
    let id = |key: &str| members.get(key).copied().with_context(|| format!("the example has lost {key}"));
    screen.heading("Roles change, over HTTP")?;
    let mut rows = Rows::under(["what", "request body", "answer"]);
    // A demonstration on a ledger that is kept makes its changes each time.
    let run = hex::encode(clock::random_bytes::<4>());
    for (index, step) in STEPS.iter().enumerate() {
        let (path, body) = (member_path(id(step.member)?), (step.body)());
        let ask = Ask {
            method: Method::PUT,
            path: &path,
            token: Some(step.token),
            key: Some(&format!("demo-{run}-{index}")),
            body: Some(&body),
        };
        let answer = client.ask(ask).await?;
        rows.add([step.says.to_owned(), body.to_string(), answer.of_command()]);
    }
    screen.table(&rows)?;
    history(deployment, screen).await?;
    invitation::tell(deployment, client, &run, screen).await?;
    audit_log::tell(client, screen).await?;
    try_it(client, id("dana")?, screen)
}

fn member_path(member: MemberId) -> String {
    format!("/api/0/organizations/{ORGANIZATION}/members/{member}/")
}

/// The newest events that people asked for.
async fn history(deployment: &Deployment, screen: &mut Screen) -> Result<()> {
    let ledger = &deployment.ledger;
    let query = LogQuery {
        organization: Some(ledger.find_organization(ORGANIZATION).await?),
        actor_kind: Some(ActorKind::User),
        order: Order::Descending,
        limit: SHOWN,
        ..LogQuery::default()
    };
    let mut stored = ledger.store().query(query).await?;
    stored.reverse();
    let shown = events::history(deployment).show(&stored, Sight::ALL).await?;
    screen.heading("The history: who changed what from what to what")?;
    screen.table(&events::table(&shown, &mut Names::of(ledger)).await)?;
    Ok(())
}

fn try_it(client: &Client, dana: MemberId, screen: &mut Screen) -> Result<()> {
    let base = format!("{}/api/0/organizations/{ORGANIZATION}", client.url());
    let authorization = &format!("-H 'Authorization: Bearer {OWNER}'");
    screen.heading("Try it in another window")?;
    screen.line("The roster, three members of it:")?;
    screen.line(format!("  curl -s {authorization} '{base}/members/?per_page=3'"))?;
    screen.line("Dana becomes a member again; sent twice, with the same key, it happens once:")?;
    screen.line(format!(
        "  curl -si -X PUT {authorization} -H 'Content-Type: application/json' -H 'Idempotency-Key: dana-1' \
         -d '{{\"orgRole\":\"member\"}}' '{base}/members/{dana}/'"
    ))?;
    screen.line("Dana's history:")?;
    screen.line(format!("  curl -s {authorization} '{base}/members/{dana}/events/'"))?;
    Ok(())
}

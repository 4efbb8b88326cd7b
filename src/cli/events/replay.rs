//! `muster events replay`.

use anyhow::Result;
use muster_events::{id::OrganizationId, stream::Position};
use muster_projections::{
    members::{self, MemberDetails, MemberFilter, search},
    read::Page,
    teams,
};
use serde_json::{Value, json};

use super::{history, moment};
use crate::{
    cli::{
        config::Settings,
        names::unsealed,
        open, org,
        screen::{Rows, Screen, Shape, count, seconds},
    },
    deployment::Deployment,
    history::Past,
    store::LogQuery,
};

/// Rows that are read at once.
const PAGE: u32 = 500;
/// Organizations that are looked for at once.
const EVENTS: usize = 1_000;

/// `muster events replay`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Replay {
    /// The moment: a time (RFC 3339), or a position as `muster events list` shows it
    #[arg(long, value_name = "POINT")]
    to: String,
    /// Only this organization: slug or id
    #[arg(long, value_name = "ORGANIZATION")]
    organization: Option<String>,
    #[command(flatten)]
    shape: Shape,
}

impl Replay {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::existing(settings).await?;
        let position = moment(&deployment, "--to", &self.to).await?;
        let organizations = match &self.organization {
            Some(named) => vec![org::find_past(&deployment.ledger, named, "--organization").await?],
            None => organizations(&deployment, position).await?,
        };
        let history = history(&deployment);
        let mut all = vec![];
        for id in organizations {
            let past = history.past(id, position).await?;
            let Some(state) = state(&deployment, id, &past).await? else { continue };
            if self.shape.json {
                all.push(state);
            } else {
                print(&state, &past, screen)?;
            }
        }
        if self.shape.json {
            screen.json(&json!({ "position": history.at(position), "organizations": all }))?;
        } else {
            screen.line(format!("\nThat is how it stood after position {position}."))?;
        }
        Ok(())
    }
}

/// Every organization that there had been by then.
pub(super) async fn organizations(
    deployment: &Deployment,
    position: Position,
) -> Result<Vec<OrganizationId>> {
    let (mut found, mut after) = (vec![], None);
    loop {
        let types = vec!["OrganizationCreated".to_owned()];
        let query = LogQuery { types, up_to: Some(position), after, limit: EVENTS, ..LogQuery::default() };
        let events = deployment.ledger.store().query(query).await?;
        found.extend(events.iter().filter_map(|event| event.organization));
        match events.last() {
            Some(last) if events.len() == EVENTS => after = Some(last.position),
            _ => return Ok(found),
        }
    }
}

/// The organization with its teams and members; none where it was not there.
async fn state(deployment: &Deployment, id: OrganizationId, past: &Past) -> Result<Option<Value>> {
    let Some(organization) = &past.organization else { return Ok(None) };
    let (mut teams, mut members) = (vec![], vec![]);
    let mut page = Page { offset: 0, limit: PAGE };
    loop {
        let listed = teams::query::list(&past.views, id, None, page).await?;
        teams.extend(
            listed.rows.iter().map(
                |listed| json!({"id": listed.team.id, "slug": listed.team.slug, "name": listed.team.name}),
            ),
        );
        if !listed.more {
            break;
        }
        page.offset += PAGE;
    }
    page.offset = 0;
    loop {
        let listed = search::page(&past.views, id, &MemberFilter::default(), page).await?;
        for row in &listed.rows {
            if let Some(details) = members::query::find(&past.views, id, row.id).await? {
                members.push(member(deployment, &details).await);
            }
        }
        if !listed.more {
            break;
        }
        page.offset += PAGE;
    }
    Ok(Some(json!({
        "id": id, "slug": organization.slug, "name": organization.name,
        "defaultRole": organization.default_role, "teams": teams, "members": members,
    })))
}

async fn member(deployment: &Deployment, details: &MemberDetails) -> Value {
    let (row, keys) = (&details.member, deployment.ledger.keys());
    let email = match (&row.account, &row.email) {
        (Some(account), _) => unsealed(keys, &account.email).await,
        (None, Some(email)) => unsealed(keys, email).await,
        (None, None) => String::new(),
    };
    let teams = details.teams.iter().map(|team| json!({"team": team.slug, "role": team.role}));
    json!({
        "id": row.id, "user": row.user, "email": email, "role": row.org_role, "pending": row.user.is_none(),
        "teams": teams.collect::<Vec<_>>(),
    })
}

fn print(state: &Value, past: &Past, screen: &mut Screen) -> Result<()> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |name: &str| state[name].as_array().cloned().unwrap_or_default();
    let members = list("members");
    screen.heading(format!(
        "{} ({}), {}, {}{}",
        text(&state["name"]),
        text(&state["slug"]),
        count(list("teams").len(), "team"),
        count(members.len(), "member"),
        past.recorded_at.map(|at| format!(", {}", seconds(at))).unwrap_or_default(),
    ))?;
    let mut rows = Rows::under(["id", "who", "role", "teams"]);
    for member in &members {
        let teams = member["teams"].as_array().cloned().unwrap_or_default();
        let team = |team: &Value| match team["role"].as_str() {
            Some(role) => format!("{} ({role})", text(&team["team"])),
            None => text(&team["team"]),
        };
        let teams: Vec<_> = teams.iter().map(team).collect();
        let invited = if member["pending"] == true { ", invited" } else { "" };
        let role = format!("{}{invited}", text(&member["role"]));
        rows.add([text(&member["id"]), text(&member["email"]), role, teams.join(", ")]);
    }
    if rows.is_empty() {
        screen.line("Nobody was in it.")?;
    } else {
        screen.table(&rows)?;
    }
    Ok(())
}

//! `muster events diff`.

use anyhow::Result;
use serde_json::Value;

use super::{history, moment, replay::organizations};
use crate::{
    cli::{
        config::Settings,
        exit::Usage,
        names::Names,
        open, org,
        screen::{Rows, Screen, Shape},
    },
    history::{Changed, Difference},
};

/// `muster events diff`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Diff {
    /// After this moment: a time (RFC 3339), or a position as `muster events list` shows it
    from: String,
    /// Up to this moment
    to: String,
    /// Only this organization: slug or id
    #[arg(long, value_name = "ORGANIZATION")]
    organization: Option<String>,
    #[command(flatten)]
    shape: Shape,
}

impl Diff {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::existing(settings).await?;
        let (from, to) =
            (moment(&deployment, "FROM", &self.from).await?, moment(&deployment, "TO", &self.to).await?);
        if from > to {
            return Err(Usage("FROM: is later than TO".into()).into());
        }
        let all = match &self.organization {
            Some(named) => vec![org::find_past(&deployment.ledger, named, "--organization").await?],
            None => organizations(&deployment, to).await?,
        };
        let history = history(&deployment);
        let mut names = Names::of(&deployment.ledger);
        let (mut differences, mut nothing) = (vec![], true);
        for id in all {
            let difference = history.difference(id, from, to, None).await?;
            if self.shape.json {
                differences.push(serde_json::json!({ "id": id, "difference": difference }));
                continue;
            }
            let rows = rows(&difference, &mut names).await;
            if let Some(complete) = difference.complete_to {
                screen.line(format!(
                    "Only up to position {complete} everything can be read; see `muster doctor`."
                ))?;
            }
            if !rows.is_empty() {
                nothing = false;
                screen.heading(names.organization(id).await)?;
                screen.table(&rows)?;
            }
        }
        if self.shape.json {
            screen.json(&differences)?;
        } else if nothing {
            screen.line(format!("Nothing changed between positions {from} and {to}."))?;
        }
        Ok(())
    }
}

async fn rows(difference: &Difference, names: &mut Names<'_>) -> Rows {
    let mut rows = Rows::under(["what", "change", "before", "after", "by"]);
    let Difference { organization, teams, members, .. } = difference;
    let kinds = [("", organization), ("team ", teams), ("", members)];
    for (kind, changed) in kinds.iter().flat_map(|(kind, all)| all.iter().map(move |one| (kind, one))) {
        let what = format!("{kind}{}", name(changed));
        let by = by(changed, names).await;
        rows.add([what, changed.change.to_owned(), words(&changed.from), words(&changed.to), by]);
    }
    rows
}

/// What people call it.
fn name(changed: &Changed) -> &str {
    let named = |key| changed.to[key].as_str().or_else(|| changed.from[key].as_str());
    named("email").or_else(|| named("slug")).unwrap_or(&changed.what)
}

/// What it is, in a few words: of a member his role and his teams.
fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(fields) if fields.contains_key("role") => {
            let teams = fields["teams"].as_object().into_iter().flatten();
            let teams = teams.map(|(team, role)| match role.as_str() {
                Some(role) => format!("{team} ({role})"),
                None => team.clone(),
            });
            let said =
                [&fields["status"], &fields["role"]].map(|said| said.as_str().unwrap_or_default().to_owned());
            said.into_iter().chain(teams).collect::<Vec<_>>().join(", ")
        }
        Value::Object(fields) => fields.values().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Everybody who asked for something that led there.
async fn by(changed: &Changed, names: &mut Names<'_>) -> String {
    let mut all: Vec<String> = vec![];
    for event in &changed.events {
        let actor =
            if event.actor["on_behalf_of"].is_object() { &event.actor["on_behalf_of"] } else { &event.actor };
        let kind = actor["kind"].as_str().unwrap_or_default();
        let name = match (kind, actor["id"].as_str().and_then(|id| id.parse().ok())) {
            ("user", Some(id)) => names.user(id).await,
            _ => kind.to_owned(),
        };
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all.join(", ")
}

//! The audit log of the organization.

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::Value;

use super::{
    client::{Ask, Client},
    story::{ORGANIZATION, OWNER},
};
use crate::cli::screen::{Rows, Screen};

/// Entries that are shown.
const SHOWN: usize = 5;

/// Shows the newest entries, as an owner sees them.
pub(super) async fn tell(client: &Client, screen: &mut Screen) -> Result<()> {
    let path = format!("/api/0/organizations/{ORGANIZATION}/audit-logs/?per_page={SHOWN}");
    let ask = Ask { method: Method::GET, path: &path, token: Some(OWNER), key: None, body: None };
    let answer = client.ask(ask).await?;
    let entries = answer.body["rows"].as_array().with_context(|| format!("no audit log: {}", answer.body))?;
    screen.heading("The audit log, newest first")?;
    let mut rows = Rows::under(["who", "what", "changes"]);
    for entry in entries {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        rows.add([text(&entry["actor"]["name"]), text(&entry["note"]), changes(&entry["data"]["changes"])]);
    }
    screen.table(&rows)?;
    Ok(())
}

/// Each changed field, before and after.
fn changes(changes: &Value) -> String {
    let told = changes.as_array().into_iter().flatten().map(|change| {
        let field = change["field"].as_str().unwrap_or_default();
        format!("{field}: {} -> {}", shown(&change["from"]), shown(&change["to"]))
    });
    told.collect::<Vec<_>>().join("; ")
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::String(text) => text.clone(),
        Value::Object(team) => {
            let role = team.get("role").and_then(Value::as_str).unwrap_or("no role of its own");
            format!("{} ({role})", team.get("teamSlug").and_then(Value::as_str).unwrap_or_default())
        }
        other => other.to_string(),
    }
}

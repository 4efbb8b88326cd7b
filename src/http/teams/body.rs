//! The bodies of POST and PUT team (behaviour.md 5.6). Only the form is checked here.

use muster_events::{
    refusal::FieldError,
    team::{NewTeam, TeamChanges},
};
use serde_json::{Map, Value};

use crate::http::body::{Text, string};

/// What a POST asks for. What is null counts as not given.
pub(super) fn new_team(fields: &Map<String, Value>) -> NewTeam {
    let mut malformed = vec![];
    let given = |name: &str| fields.get(name).filter(|value| !value.is_null());
    let slug = read("slug", given("slug"), &mut malformed);
    let name = read("name", given("name"), &mut malformed);
    NewTeam { slug, name, malformed }
}

/// What a PUT asks for.
pub(super) fn changes(fields: &Map<String, Value>) -> TeamChanges {
    let mut malformed = vec![];
    let slug = read("slug", fields.get("slug"), &mut malformed);
    let name = read("name", fields.get("name"), &mut malformed);
    TeamChanges { slug, name, malformed }
}

fn read(field: &str, value: Option<&Value>, malformed: &mut Vec<FieldError>) -> Option<String> {
    value.and_then(|value| string(field, value).map_err(|error| malformed.push(error)).ok())
}

/// What a team is called.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "slug": "design", "name": "Design" }))]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct TeamBody {
    /// Lower-case letters, digits and dashes, at most 50; of a new team made from the name when absent.
    slug: Option<Text>,
    /// At most 64 characters; of a new team the slug when absent.
    name: Option<Text>,
}

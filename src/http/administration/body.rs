//! The body of an administration, with the keys of an import file; all errors come together.

use std::collections::BTreeSet;

use muster_events::{
    member::MemberFlag,
    organization::{Feature, SsoProvider},
    refusal::{FieldError, Refusal},
};
use serde_json::{Map, Value};

use crate::{
    http::body::{boolean, kind_of, list, string},
    ledger::operations::{AdministerOrganization, FlagsChange, SsoChange, TeamMarks},
};

/// The most members or teams of one request.
const MAX_ENTRIES: usize = 1000;

type Fields = Map<String, Value>;

/// What is asked of the organization; what is wrong with it, else.
pub(super) fn parse(organization: String, fields: &Fields) -> Result<AdministerOrganization, Refusal> {
    let mut errors = vec![];
    let mut asked = AdministerOrganization { organization, ..AdministerOrganization::default() };
    for (field, value) in fields {
        let read = match field.as_str() {
            "features" => features(value).map(|features| asked.features = features),
            "sso" => sso(value).map(|sso| asked.sso = Some(sso)),
            "members" => members(value).map(|members| asked.members = members),
            "teams" => teams(value).map(|teams| asked.teams = teams),
            _ => Err(FieldError::new(
                field,
                "There is no such field; there are features, sso, members and teams.",
            )),
        };
        errors.extend(read.err());
    }
    if errors.is_empty() { Ok(asked) } else { Err(Refusal::InvalidFields { errors }) }
}

fn object<'a>(field: &str, value: &'a Value) -> Result<&'a Fields, FieldError> {
    value
        .as_object()
        .ok_or_else(|| FieldError::new(field, format!("A JSON object is expected, not {}.", kind_of(value))))
}

fn no_choice(field: &str, text: &str) -> FieldError {
    let start: String = text.chars().take(80).collect();
    FieldError::new(field, format!("\"{start}\" is not a valid choice."))
}

fn features(value: &Value) -> Result<Vec<(Feature, bool)>, FieldError> {
    let field = "features";
    let feature = |(name, on): (&String, &Value)| {
        let feature = Feature::by_name(name).ok_or_else(|| no_choice(field, name))?;
        Ok((feature, boolean(field, on)?))
    };
    object(field, value)?.iter().map(feature).collect()
}

/// A text of an entry that has to be there and say something.
fn text(field: &str, entry: &Fields, key: &str) -> Result<String, FieldError> {
    let value = entry.get(key).ok_or_else(|| FieldError::new(field, format!("An entry lacks \"{key}\".")))?;
    let text = string(field, value)?;
    match text.chars().count() {
        0 => Err(FieldError::new(field, format!("\"{key}\" may not be blank."))),
        count if count > SsoProvider::MAX_TEXT => Err(FieldError::new(
            field,
            format!("\"{key}\" has more than {} characters.", SsoProvider::MAX_TEXT),
        )),
        _ => Ok(text),
    }
}

fn flag(field: &str, entry: &Fields, key: &str) -> Result<Option<bool>, FieldError> {
    entry.get(key).map(|value| boolean(field, value)).transpose()
}

/// Null is none; without a name, the provider is called by its id.
fn sso(value: &Value) -> Result<SsoChange, FieldError> {
    let field = "sso";
    if value.is_null() {
        return Ok(SsoChange::Off);
    }
    let entry = object(field, value)?;
    let provider = text(field, entry, "provider")?;
    let name = if entry.contains_key("name") { text(field, entry, "name")? } else { provider.clone() };
    let allow_unlinked = flag(field, entry, "allowUnlinked")?.unwrap_or(false);
    Ok(SsoChange::On(SsoProvider { provider, name, allow_unlinked }))
}

fn members(value: &Value) -> Result<Vec<(String, FlagsChange)>, FieldError> {
    let field = "members";
    let member = |value: &Value| {
        let entry = object(field, value)?;
        let flags = entry.get("flags").ok_or_else(|| FieldError::new(field, "An entry lacks \"flags\"."))?;
        Ok((text(field, entry, "id")?, flags_of(field, flags)?))
    };
    list(field, value, MAX_ENTRIES)?.iter().map(member).collect()
}

/// An object says of each flag whether it is set; a list, as in an import file, names all that are.
fn flags_of(field: &str, value: &Value) -> Result<FlagsChange, FieldError> {
    let named = |name: &str| name.parse::<MemberFlag>().map_err(|_| no_choice(field, name));
    if let Value::Object(each) = value {
        let each = each.iter().map(|(name, on)| Ok((named(name)?, boolean(field, on)?)));
        return each.collect::<Result<_, _>>().map(FlagsChange::Each);
    }
    let all = list(field, value, MemberFlag::ALL.len())?.iter().map(|name| named(&string(field, name)?));
    all.collect::<Result<BTreeSet<_>, _>>().map(FlagsChange::Exactly)
}

fn teams(value: &Value) -> Result<Vec<TeamMarks>, FieldError> {
    let field = "teams";
    let team = |value: &Value| {
        let entry = object(field, value)?;
        Ok(TeamMarks {
            team: text(field, entry, "slug")?,
            idp_provisioned: flag(field, entry, "idpProvisioned")?,
            being_deleted: flag(field, entry, "active")?.map(|active| !active),
        })
    };
    list(field, value, MAX_ENTRIES)?.iter().map(team).collect()
}

#[cfg(test)]
mod tests {
    use muster_events::refusal::Refusal;
    use serde_json::{Value, json};

    use super::parse;

    #[test]
    fn all_errors_of_a_body_come_together() {
        let body = json!({
            "features": {"team-roles": "perhaps"}, "sso": {"name": "Okta"}, "members": [{"id": "7"}],
            "teams": [{"slug": "core", "active": 7}], "settings": {},
        });
        let Value::Object(body) = body else { unreachable!() };
        let Err(Refusal::InvalidFields { errors }) = parse("acme".into(), &body) else {
            panic!("it was read")
        };
        let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["features", "sso", "members", "teams", "settings"]);
    }
}

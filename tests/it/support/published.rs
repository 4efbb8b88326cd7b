//! Compares every success with the published schema of the endpoints that clients of this wire format know already.
//!
//! The schema is third-party data and no part of this repository: it is looked for where `MUSTER_TEST_SCHEMA` says,
//! else beside the repository.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex},
};

use jsonschema::Validator;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::{client::Answer, described::template};

/// Where an answer may differ, and nowhere else (behaviour.md D22).
struct Exception {
    /// The method and the end of the path of the endpoint; none for all.
    of: Option<(&'static str, &'static str)>,
    /// The property that holds the object.
    within: Option<&'static str>,
    /// The field of the object.
    field: &'static str,
    differs: Differs,
}

enum Differs {
    /// The field may be absent.
    Absent,
    /// It may be null.
    Null,
}

const EXCEPTIONS: [Exception; 3] = [
    Exception { of: None, within: Some("user"), field: "emails", differs: Differs::Absent },
    Exception {
        of: Some(("put", "/members/{member_id}/teams/{team_id_or_slug}/")),
        within: None,
        field: "teamRole",
        differs: Differs::Null,
    },
    // Whoever is invited may be on a team; elsewhere the schema knows that he is nobody's account yet.
    Exception {
        of: Some(("get", "/teams/{organization_id_or_slug}/{team_id_or_slug}/members/")),
        within: None,
        field: "user",
        differs: Differs::Null,
    },
];

/// Where the schema is.
pub(crate) fn file() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/sentry-openapi-members.json");
    std::env::var_os("MUSTER_TEST_SCHEMA").filter(|place| !place.is_empty()).map_or(beside, PathBuf::from)
}

static SCHEMA: LazyLock<Option<Value>> = LazyLock::new(|| {
    let file = file();
    let Ok(text) = fs::read_to_string(&file) else {
        eprintln!("answers are not compared with the published schema: there is no {}", file.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
});

type Validators = HashMap<(String, String, u16), Option<Arc<Validator>>>;

static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);

/// Fails when a success is not what is published. What is published about no endpoint of ours is of no account, and so
/// is what we have beyond.
pub(crate) fn check(asked: &Method, url: &Url, answer: &Answer) {
    let Some(schema) = SCHEMA.as_ref().filter(|_| (200..300).contains(&answer.status)) else { return };
    let paths = schema["paths"].as_object().unwrap();
    // `owner=1` asks for another list (behaviour.md 7), about which nothing is published.
    if url.path() == "/api/0/organizations/" && url.query_pairs().any(|(name, _)| name == "owner") {
        return;
    }
    let Some(template) = template(paths.keys(), url.path()) else { return };
    let Some(validator) = validator(schema, asked, template, answer.status) else { return };
    let shown = answer.json();
    if is_of_nobody(answer, &shown) {
        return;
    }
    let faults = faults(&validator, &shown);
    assert!(
        faults.is_empty(),
        "{asked} {template} differs from the published schema:\n{}",
        faults.join("\n")
    );
}

/// A repetition keeps its status when what it was about is gone, or not to be shown to this requester any more; then
/// it is answered with the id alone. What is published knows no repetitions.
pub(super) fn is_of_nobody(answer: &Answer, shown: &Value) -> bool {
    let only_id = shown.as_object().is_some_and(|fields| fields.keys().eq(["id"]));
    only_id && answer.header("idempotent-replayed") == Some("true")
}

fn faults(validator: &Validator, answer: &Value) -> Vec<String> {
    validator.iter_errors(answer).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

fn validator(schema: &Value, asked: &Method, template: &str, status: u16) -> Option<Arc<Validator>> {
    let method = asked.as_str().to_lowercase();
    let key = (method.clone(), template.to_owned(), status);
    let mut validators = VALIDATORS.lock().unwrap();
    let compile = || {
        let published = schema["paths"][template][&method]["responses"].get(status.to_string())?;
        let mut published = published["content"]["application/json"].get("schema")?.clone();
        adapt(&mut published, None, &(method.as_str(), template));
        Some(Arc::new(jsonschema::validator_for(&published).unwrap()))
    };
    validators.entry(key).or_insert_with(compile).clone()
}

/// From the dialect of `OpenAPI` 3.0, which has `nullable`, to JSON Schema, with the exceptions.
fn adapt(schema: &mut Value, name: Option<&str>, of: &(&str, &str)) {
    if let Value::Array(items) = schema {
        for item in items {
            adapt(item, name, of);
        }
    }
    let Some(fields) = schema.as_object_mut() else { return };
    for exception in &EXCEPTIONS {
        let here = exception.of.is_none_or(|(method, end)| method == of.0 && of.1.ends_with(end))
            && exception.within.is_none_or(|within| Some(within) == name);
        if !here || fields.get("properties").and_then(|all| all.get(exception.field)).is_none() {
            continue;
        }
        match exception.differs {
            Differs::Absent => {
                if let Some(Value::Array(required)) = fields.get_mut("required") {
                    required.retain(|required| required != exception.field);
                }
            }
            Differs::Null => fields["properties"][exception.field]["nullable"] = json!(true),
        }
    }
    if fields.get("nullable") == Some(&json!(true)) {
        if let Some(kind) = fields.get_mut("type") {
            *kind = json!([kind.take(), "null"]);
        }
        if let Some(Value::Array(choices)) = fields.get_mut("enum") {
            choices.push(Value::Null);
        }
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        properties.iter_mut().for_each(|(name, property)| adapt(property, Some(name), of));
    }
    for inside in ["items", "additionalProperties", "allOf", "anyOf", "oneOf"] {
        if let Some(inside) = fields.get_mut(inside) {
            adapt(inside, None, of);
        }
    }
}

/// The faults of `answer` as an answer to `asked` at `path`; none where nothing is published about it.
pub(crate) fn compare(asked: &Method, path: &str, status: u16, answer: &Value) -> Option<Vec<String>> {
    let schema = SCHEMA.as_ref()?;
    let template = template(schema["paths"].as_object().unwrap().keys(), path)?;
    validator(schema, asked, template, status).map(|validator| faults(&validator, answer))
}

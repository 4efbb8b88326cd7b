//! Compares every answer with the description of the endpoints (`/openapi.json`).

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use jsonschema::Validator;
use reqwest::Method;
use serde_json::Value;

use super::{client::Answer, published::is_of_nobody};

/// What nobody describes: the description itself, and the page that shows it.
const UNDESCRIBED: [&str; 2] = ["/openapi.json", "/docs"];

/// What is answered where there is no endpoint: nothing is found, the request cannot be read, or there are too many.
const ANSWERS_TO_UNKNOWN_PATHS: [u16; 3] = [404, 400, 503];

/// What is answered where there is an endpoint, but not for this method.
const ANSWERS_TO_OTHER_METHODS: [u16; 2] = [405, 503];

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(muster::http::description()).unwrap());

/// Every endpoint: its method and its path.
pub(crate) fn endpoints() -> Vec<(Method, String)> {
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    let methods = |(path, item): (&String, &Value)| {
        let names = item.as_object().unwrap().keys().filter_map(|name| method(name));
        names.map(|method| (method, path.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(methods).collect()
}

/// An item of a path has more keys than methods.
fn method(name: &str) -> Option<Method> {
    let known = [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH];
    known.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(name))
}

/// The path among `templates` that `path` is one of; names that stand there as they are go before places.
pub(crate) fn template<'a>(templates: impl Iterator<Item = &'a String>, path: &str) -> Option<&'a String> {
    let with_slash = if path.starts_with("/api/") && !path.ends_with('/') { "/" } else { "" };
    let parts: Vec<_> = path.split('/').chain(with_slash.split_terminator('/')).collect();
    let is_place = |part: &str| part.starts_with('{');
    let fits = |template: &&String| {
        let wanted: Vec<_> = template.split('/').collect();
        let same = |(wanted, part): (&&str, &&str)| wanted == part || (is_place(wanted) && !part.is_empty());
        wanted.len() == parts.len() && wanted.iter().zip(&parts).all(same)
    };
    templates.filter(fits).min_by_key(|template| template.split('/').filter(|part| is_place(part)).count())
}

/// Fails when the answer is none that the description lists.
pub(crate) fn check(asked: &Method, path: &str, answer: &Answer) {
    if UNDESCRIBED.iter().any(|undescribed| path.starts_with(undescribed)) {
        return;
    }
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    let Some(template) = template(paths.keys(), path) else {
        assert!(
            ANSWERS_TO_UNKNOWN_PATHS.contains(&answer.status),
            "{asked} {path} is answered and not described: {answer:#?}"
        );
        return;
    };
    let name = if *asked == Method::HEAD { "get".into() } else { asked.as_str().to_lowercase() };
    let operation = &paths[template][&name];
    if operation.is_null() {
        assert!(
            ANSWERS_TO_OTHER_METHODS.contains(&answer.status),
            "{asked} {template} is answered and not described: {answer:#?}"
        );
        return;
    }
    let Some(response) = operation["responses"].get(answer.status.to_string()) else {
        panic!("{asked} {template}: the status {} is not described: {answer:#?}", answer.status)
    };
    check_body((&format!("{asked} {template}"), answer.status), response, answer);
}

/// By method, path and status.
type Validators = HashMap<(String, u16), Arc<Validator>>;

static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);

/// Fails when the body of the answer has another form than the description says. What it says nothing about, refusals
/// and empty bodies, is looked at by the tests of the endpoint.
fn check_body(of: (&str, u16), response: &Value, answer: &Answer) {
    let Some(schema) = response["content"]["application/json"].get("schema") else { return };
    if answer.header("content-type") != Some("application/json") || is_of_nobody(answer, &answer.json()) {
        return;
    }
    let compile = || {
        let mut schema = schema.clone();
        schema["components"] = DESCRIPTION["components"].clone();
        Arc::new(jsonschema::validator_for(&schema).unwrap())
    };
    let mut validators = VALIDATORS.lock().unwrap();
    let validator = Arc::clone(validators.entry((of.0.to_owned(), of.1)).or_insert_with(compile));
    drop(validators);
    let faults: Vec<_> = validator
        .iter_errors(&answer.json())
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{} {} is not as described:\n{}", of.0, of.1, faults.join("\n"));
}

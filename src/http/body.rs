//! Reading a JSON body: what is wrong with it is said in one form everywhere.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use muster_events::refusal::FieldError;
use serde_json::{Map, Value};
use utoipa::openapi::{
    RefOr, Schema,
    schema::{ObjectBuilder, SchemaType, Type},
};

use super::problem::Problem;

/// The raw body of a request, which the idempotency key covers too, and the JSON object in it.
#[derive(Debug, Clone)]
pub(super) struct JsonObject {
    /// As it was sent.
    pub(super) raw: Bytes,
    /// What it says; an empty body is an empty object.
    pub(super) fields: Map<String, Value>,
}

/// The raw body of a request that has nothing to say in it; the idempotency key covers it all the same.
#[derive(Debug, Clone)]
pub(super) struct Raw(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, Problem> {
        Bytes::from_request(request, state).await.map(Self).map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::new(rejection.status(), "body_too_large", "The request body is too large.")
            } else {
                Problem::new(StatusCode::BAD_REQUEST, "body_unreadable", "The request body cannot be read.")
            }
        })
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonObject {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).cloned();
        let Raw(raw) = Raw::from_request(request, state).await?;
        if raw.is_empty() {
            return Ok(Self { raw, fields: Map::new() });
        }
        let kind = kind.as_ref().and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !is_json(kind) {
            let text = format!("Unsupported media type \"{kind}\" in request.");
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", text));
        }
        let malformed = |text: String| Problem::new(StatusCode::BAD_REQUEST, "malformed_json", text);
        match serde_json::from_slice(&raw) {
            Ok(Value::Object(fields)) => Ok(Self { raw, fields }),
            Ok(other) => Err(malformed(format!("A JSON object is expected, not {}.", kind_of(&other)))),
            Err(error) => Err(malformed(format!("JSON parse error - {error}"))),
        }
    }
}

fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json") || kind.to_ascii_lowercase().ends_with("+json")
}

/// What a value is, for a person.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// For the description: how a string field may be written, see [`string`].
pub(super) struct Text;

impl utoipa::PartialSchema for Text {
    fn schema() -> RefOr<Schema> {
        written("A string; a number counts as its digits.", [Type::String, Type::Number])
    }
}

impl utoipa::ToSchema for Text {}

/// For the description: how a boolean field may be written, see [`boolean`].
pub(super) struct Flag;

impl utoipa::PartialSchema for Flag {
    fn schema() -> RefOr<Schema> {
        let words = "A boolean; also `true`, `t`, `yes`, `y`, `on`, `1` and their opposites in any case.";
        written(words, [Type::Boolean, Type::String, Type::Number])
    }
}

impl utoipa::ToSchema for Flag {}

fn written<const N: usize>(description: &str, types: [Type; N]) -> RefOr<Schema> {
    let types = SchemaType::from_iter(types);
    ObjectBuilder::new().schema_type(types).description(Some(description)).into()
}

/// A string field. Numbers are taken for their digits, as clients of this wire format may send them.
pub(super) fn string(field: &str, value: &Value) -> Result<String, FieldError> {
    match value {
        Value::String(text) if text.contains('\0') => {
            Err(FieldError::new(field, "Null characters are not allowed."))
        }
        Value::String(text) => Ok(text.trim().to_owned()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null => Err(FieldError::new(field, "This field may not be null.")),
        _ => Err(FieldError::new(field, "Not a valid string.")),
    }
}

/// A list field, at most `most` long.
pub(super) fn list<'a>(field: &str, value: &'a Value, most: usize) -> Result<&'a [Value], FieldError> {
    match value {
        Value::Array(items) if items.len() > most => {
            Err(FieldError::new(field, format!("Ensure this field has no more than {most} elements.")))
        }
        Value::Array(items) => Ok(items),
        Value::Null => Err(FieldError::new(field, "This field may not be null.")),
        other => {
            let text = format!("Expected a list of items but got type \"{}\".", python_type(other));
            Err(FieldError::new(field, text))
        }
    }
}

/// A boolean field, in all the ways in which it may be written (behaviour.md, generic errors).
pub(super) fn boolean(field: &str, value: &Value) -> Result<bool, FieldError> {
    let text = match value {
        Value::Bool(value) => return Ok(*value),
        Value::String(text) => text.to_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    match text.as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err(FieldError::new(field, "Must be a valid boolean.")),
    }
}

/// Type names as they stand in the error texts that clients of this wire format compare.
pub(super) fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

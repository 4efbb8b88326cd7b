//! The values that options can have: how each is checked and in which form it is stored.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{relay, selector};
use crate::roles::Roles;

/// Most characters that all sensitive fields of an organization have together (behaviour 7.1).
const SENSITIVE_FIELDS_LIMIT: usize = 4000;

/// Which values an option can have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueType {
    /// True or false, in any of the spellings that clients send.
    Boolean,
    /// A whole number, both limits included.
    IntegerWithin(i64, i64),
    /// A number that need not be whole, both limits included.
    NumberWithin(i32, i32),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// How many crash reports are kept for one issue: up to 100, -1 for all of them. Older clients send
    /// true for all, and false or null for none.
    CrashReportCount,
    /// An organization role that is defined, retired or not.
    OrgRole,
    /// Words to scrub, of limited length together.
    SensitiveFields,
    /// Selectors of fields that are never scrubbed.
    PiiSelectors,
    /// Scrubbing rules: a JSON object in a string, or nothing.
    PiiConfig,
    /// A list of texts in which each stands once.
    DistinctStrings,
    /// The relays whose reports are trusted, without the times at which each was added and changed.
    TrustedRelays,
}

/// The value of an option while none is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "named after the forms of JSON")]
pub enum DefaultValue {
    Null,
    Bool(bool),
    Integer(i64),
    Number(f64),
    Text(&'static str),
    /// The empty one.
    List,
}

impl DefaultValue {
    /// The value as JSON.
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(on) => on.into(),
            Self::Integer(integer) => integer.into(),
            Self::Number(number) => number.into(),
            Self::Text(text) => text.into(),
            Self::List => json!([]),
        }
    }
}

/// Why a value is refused; the text is the answer for the field.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum InvalidValue {
    #[error("This field may not be null.")]
    Null,
    #[error("Must be a valid boolean.")]
    Boolean,
    #[error("A valid integer is required.")]
    Integer,
    #[error("A valid number is required.")]
    Number,
    #[error("Ensure this value is greater than or equal to {0}.")]
    TooSmall(i64),
    #[error("Ensure this value is less than or equal to {0}.")]
    TooLarge(i64),
    #[error("\"{0}\" is not a valid choice.")]
    Choice(String),
    #[error("Not a valid string.")]
    Text,
    #[error("Expected a list of items but got type \"{0}\".")]
    List(&'static str),
    #[error("Invalid role")]
    Role,
    #[error("Empty values are not allowed.")]
    EmptyItem,
    #[error("List of sensitive fields is too long.")]
    SensitiveFieldsTooLong,
    #[error("invalid syntax near \"{0}\"")]
    Selector(String),
    #[error("invalid scrubbing rules: {0}")]
    PiiConfig(String),
    #[error("Bad structure received for Trusted Relays")]
    RelayStructure,
    #[error("Relay key info with missing name in Trusted Relays")]
    RelayNameMissing,
    #[error("Relay key info with empty name in Trusted Relays")]
    RelayNameEmpty,
    #[error("Missing public key for relay key info with name:'{0}' in Trusted Relays")]
    RelayKeyMissing(String),
    #[error("Invalid public key for relay key info with name:'{0}' in Trusted Relays")]
    RelayKeyInvalid(String),
    #[error("Duplicated key in Trusted Relays: '{0}'")]
    RelayKeyDuplicated(String),
}

impl ValueType {
    /// Checks a value that was sent, and answers it in the one form in which it is stored.
    pub fn check(self, sent: &Value, roles: &Roles) -> Result<Value, InvalidValue> {
        match self {
            Self::Boolean => boolean(sent).map(Value::Bool),
            Self::IntegerWithin(least, most) => integer_within(sent, least, most),
            Self::NumberWithin(least, most) => number_within(sent, least, most),
            Self::Choice(words) => choice(sent, words),
            Self::CrashReportCount => crash_report_count(sent),
            Self::OrgRole => org_role(sent, roles),
            Self::SensitiveFields => sensitive_fields(sent),
            Self::PiiSelectors => pii_selectors(sent),
            Self::PiiConfig => pii_config(sent),
            Self::DistinctStrings => distinct_strings(sent),
            Self::TrustedRelays => relay::trusted_relays(sent),
        }
    }
}

fn boolean(sent: &Value) -> Result<bool, InvalidValue> {
    let word = match sent {
        Value::Bool(on) => return Ok(*on),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.to_lowercase(),
        Value::Null | Value::Array(_) | Value::Object(_) => return Err(InvalidValue::Boolean),
    };
    match word.as_str() {
        "1" | "true" | "t" | "yes" | "y" | "on" => Ok(true),
        "0" | "false" | "f" | "no" | "n" | "off" => Ok(false),
        _ => Err(InvalidValue::Boolean),
    }
}

fn integer_within(sent: &Value, least: i64, most: i64) -> Result<Value, InvalidValue> {
    let written = match sent {
        Value::Null => return Err(InvalidValue::Null),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(InvalidValue::Integer),
    };
    // Clients without whole numbers send 5.0, which loses nothing; 5.5 would.
    let whole = written.split_once('.').map_or(&*written, |(whole, rest)| {
        if rest.bytes().all(|digit| digit == b'0') { whole } else { &written }
    });
    match whole.parse::<i64>() {
        Ok(integer) if integer < least => Err(InvalidValue::TooSmall(least)),
        Ok(integer) if integer > most => Err(InvalidValue::TooLarge(most)),
        Ok(integer) => Ok(integer.into()),
        Err(_) => Err(InvalidValue::Integer),
    }
}

fn number_within(sent: &Value, least: i32, most: i32) -> Result<Value, InvalidValue> {
    let number = match sent {
        Value::Null => return Err(InvalidValue::Null),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    match number {
        Some(number) if number < f64::from(least) => Err(InvalidValue::TooSmall(least.into())),
        Some(number) if number > f64::from(most) => Err(InvalidValue::TooLarge(most.into())),
        // Not-a-number passes both comparisons and has no form in JSON.
        Some(number) if number.is_finite() => Ok(number.into()),
        Some(_) | None => Err(InvalidValue::Number),
    }
}

fn choice(sent: &Value, words: &[&str]) -> Result<Value, InvalidValue> {
    match sent {
        Value::Null => Err(InvalidValue::Null),
        Value::String(word) if words.contains(&word.as_str()) => Ok(sent.clone()),
        Value::String(word) => Err(InvalidValue::Choice(word.clone())),
        other => Err(InvalidValue::Choice(other.to_string())),
    }
}

fn crash_report_count(sent: &Value) -> Result<Value, InvalidValue> {
    match sent {
        Value::Bool(true) => Ok((-1).into()),
        Value::Bool(false) | Value::Null => Ok(0.into()),
        count => integer_within(count, -1, 100),
    }
}

fn org_role(sent: &Value, roles: &Roles) -> Result<Value, InvalidValue> {
    match sent.as_str() {
        Some(role) if roles.org_role(role).is_some() => Ok(role.into()),
        Some(_) | None => Err(InvalidValue::Role),
    }
}

fn sensitive_fields(sent: &Value) -> Result<Value, InvalidValue> {
    let fields = filled_texts(sent)?;
    let characters: usize = fields.iter().map(|field| field.chars().count()).sum();
    if characters > SENSITIVE_FIELDS_LIMIT {
        return Err(InvalidValue::SensitiveFieldsTooLong);
    }
    Ok(fields.into())
}

fn pii_selectors(sent: &Value) -> Result<Value, InvalidValue> {
    let selectors = filled_texts(sent)?;
    selectors.iter().try_for_each(|selector| selector::check(selector)).map_err(InvalidValue::Selector)?;
    Ok(selectors.into())
}

fn distinct_strings(sent: &Value) -> Result<Value, InvalidValue> {
    let mut seen = BTreeSet::new();
    let mut texts = filled_texts(sent)?;
    texts.retain(|text| seen.insert(text.clone()));
    Ok(texts.into())
}

fn filled_texts(sent: &Value) -> Result<Vec<String>, InvalidValue> {
    let read = |item: &Value| match item.as_str().map(str::trim) {
        None => Err(InvalidValue::Text),
        Some("") => Err(InvalidValue::EmptyItem),
        Some(text) => Ok(text.to_owned()),
    };
    items(sent)?.iter().map(read).collect()
}

pub(super) fn items(sent: &Value) -> Result<&Vec<Value>, InvalidValue> {
    match sent {
        Value::Array(items) => Ok(items),
        Value::Null => Err(InvalidValue::Null),
        Value::Bool(_) => Err(InvalidValue::List("bool")),
        Value::Number(number) if number.is_f64() => Err(InvalidValue::List("float")),
        Value::Number(_) => Err(InvalidValue::List("int")),
        Value::String(_) => Err(InvalidValue::List("str")),
        Value::Object(_) => Err(InvalidValue::List("dict")),
    }
}

/// Checks as much of the rules as an organization's administrator gets wrong by hand: that they are JSON, and
/// that what they apply to is well-formed. Applying them is no business of a ledger (decision D20).
fn pii_config(sent: &Value) -> Result<Value, InvalidValue> {
    let text = match sent {
        Value::Null => return Ok(Value::Null),
        Value::String(text) => text.trim(),
        _ => return Err(InvalidValue::Text),
    };
    if text.is_empty() {
        return Ok(text.into());
    }
    let malformed = |reason: &str| InvalidValue::PiiConfig(reason.to_owned());
    let config: Value = serde_json::from_str(text).map_err(|error| malformed(&error.to_string()))?;
    let config = config.as_object().ok_or_else(|| malformed("expected an object"))?;
    if let Some(applications) = config.get("applications") {
        let applications = applications.as_object();
        for selector in applications.ok_or_else(|| malformed("applications: expected an object"))?.keys() {
            selector::check(selector).map_err(InvalidValue::Selector)?;
        }
    }
    Ok(text.into())
}

//! The bodies of commands on accounts, read field by field, so that all errors come together.

use muster_events::{
    refusal::{FieldError, Refusal},
    user::{Authenticator, Naming},
};
use serde_json::{Map, Value};

use crate::{
    http::body::{boolean, list, string},
    ledger::operations::{AccountChange, MAX_EMAIL_ADDRESS, Profile, RegisterUser, is_email_address},
};

/// The most characters of a user name or a display name.
const MAX_NAME: usize = 128;

/// The most addresses and authenticators that an account is registered with.
const MAX_ENTRIES: usize = 100;

type Fields = Map<String, Value>;

/// Collects what is wrong.
#[derive(Debug, Default)]
struct Errors(Vec<FieldError>);

impl Errors {
    /// The value of a field that need not be there.
    fn take<T>(
        &mut self,
        fields: &Fields,
        field: &str,
        read: impl Fn(&str, &Value) -> Result<T, FieldError>,
    ) -> Option<T> {
        read(field, fields.get(field)?).map_err(|error| self.0.push(error)).ok()
    }

    /// The value of a field that has to be there.
    fn demand<T>(
        &mut self,
        fields: &Fields,
        field: &str,
        read: impl Fn(&str, &Value) -> Result<T, FieldError>,
    ) -> Option<T> {
        if !fields.contains_key(field) {
            self.0.push(FieldError::new(field, "This field is required."));
        }
        self.take(fields, field, read)
    }

    fn refusal(self) -> Result<(), Refusal> {
        if self.0.is_empty() { Ok(()) } else { Err(Refusal::InvalidFields { errors: self.0 }) }
    }
}

fn at_most(field: &str, text: String, most: usize) -> Result<String, FieldError> {
    if text.chars().count() > most {
        let message = format!("Ensure this field has no more than {most} characters.");
        return Err(FieldError::new(field, message));
    }
    Ok(text)
}

fn email(field: &str, value: &Value) -> Result<String, FieldError> {
    let text = at_most(field, string(field, value)?, MAX_EMAIL_ADDRESS)?;
    if is_email_address(&text) {
        Ok(text)
    } else {
        Err(FieldError::new(field, "Enter a valid email address."))
    }
}

fn name(field: &str, value: &Value) -> Result<String, FieldError> {
    let text = at_most(field, string(field, value)?, MAX_NAME)?;
    if text.is_empty() {
        return Err(FieldError::new(field, "This field may not be blank."));
    }
    if text.contains(char::is_control) {
        return Err(FieldError::new(field, "Control characters are not allowed."));
    }
    Ok(text)
}

/// A display name; null and a blank one are none.
fn display_name(field: &str, value: &Value) -> Result<Naming<String>, FieldError> {
    let is_none = value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
    if is_none { Ok(Naming::Cleared) } else { name(field, value).map(Naming::Named) }
}

fn kind(field: &str, value: &Value) -> Result<Authenticator, FieldError> {
    let text = string(field, value)?;
    text.parse().map_err(|_| {
        let start: String = text.chars().take(80).collect();
        FieldError::new(field, format!("\"{start}\" is not a valid choice."))
    })
}

fn kinds(field: &str, value: &Value) -> Result<Vec<Authenticator>, FieldError> {
    list(field, value, MAX_ENTRIES)?.iter().map(|value| kind(field, value)).collect()
}

/// Further addresses: objects with `email` and `verified`.
fn further(field: &str, value: &Value) -> Result<Vec<(String, bool)>, FieldError> {
    let entry = |value: &Value| {
        let Value::Object(entry) = value else {
            return Err(FieldError::new(
                field,
                "Each entry must be an object with \"email\" and \"verified\".",
            ));
        };
        let address =
            entry.get("email").ok_or_else(|| FieldError::new(field, "An entry lacks \"email\"."))?;
        let verified = entry.get("verified").map_or(Ok(false), |value| boolean(field, value))?;
        Ok((email(field, address)?, verified))
    };
    list(field, value, MAX_ENTRIES)?.iter().map(entry).collect()
}

/// A new account, with the keys of a user in an import file.
pub(super) fn register(fields: &Fields) -> Result<RegisterUser, Refusal> {
    let mut errors = Errors::default();
    let primary = errors.demand(fields, "email", email);
    let username = errors.take(fields, "username", name);
    let display = match errors.take(fields, "name", display_name) {
        Some(Naming::Named(name)) => Some(name),
        Some(Naming::Cleared | Naming::Stays) | None => None,
    };
    let verified = errors.take(fields, "verified", boolean).unwrap_or(false);
    let further = errors.take(fields, "emails", further).unwrap_or_default();
    let authenticators = errors.take(fields, "authenticators", kinds).unwrap_or_default();
    let superuser = errors.take(fields, "superuser", boolean).unwrap_or(false);
    let active = errors.take(fields, "active", boolean).unwrap_or(true);
    errors.refusal()?;
    let primary = primary.unwrap_or_default();
    Ok(RegisterUser {
        username: username.unwrap_or_else(|| primary.clone()),
        name: display,
        emails: [(primary, verified)].into_iter().chain(further).collect(),
        authenticators,
        superuser,
        active,
        or_existing: false,
    })
}

/// A change of the account as a whole.
pub(super) fn profile(fields: &Fields) -> Result<AccountChange, Refusal> {
    let mut errors = Errors::default();
    let profile = Profile {
        username: errors.take(fields, "username", name),
        name: errors.take(fields, "name", display_name).unwrap_or_default(),
        active: errors.take(fields, "active", boolean),
        superuser: errors.take(fields, "superuser", boolean),
    };
    errors.refusal()?;
    Ok(AccountChange::Profile(profile))
}

/// A new address.
pub(super) fn new_email(fields: &Fields) -> Result<String, Refusal> {
    let mut errors = Errors::default();
    let email = errors.demand(fields, "email", email);
    errors.refusal()?;
    Ok(email.unwrap_or_default())
}

/// What is said of an address: whether it is verified, whether it is the primary one.
pub(super) fn of_email(fields: &Fields) -> Result<(Option<bool>, Option<bool>), Refusal> {
    let mut errors = Errors::default();
    let verified = errors.take(fields, "verified", boolean);
    let primary = errors.take(fields, "primary", boolean);
    errors.refusal()?;
    Ok((verified, primary))
}

/// A new authenticator.
pub(super) fn new_authenticator(fields: &Fields) -> Result<Authenticator, Refusal> {
    let mut errors = Errors::default();
    let kind = errors.demand(fields, "kind", kind);
    errors.refusal()?;
    kind.ok_or(Refusal::NotFound)
}

#[cfg(test)]
mod tests {
    use muster_events::refusal::Refusal;
    use serde_json::{Value, json};

    use super::{profile, register};

    fn fields_in_error<T>(outcome: Result<T, Refusal>) -> Vec<String> {
        match outcome {
            Err(Refusal::InvalidFields { errors }) => errors.into_iter().map(|error| error.field).collect(),
            _ => vec![],
        }
    }

    #[test]
    fn all_errors_of_a_body_come_together() {
        let body = json!({
            "email": "no address", "username": "", "name": 7.5, "verified": "perhaps", "emails": [{}],
            "authenticators": ["fax"], "superuser": null, "active": [],
        });
        let Value::Object(body) = body else { unreachable!() };
        let all = ["email", "username", "verified", "emails", "authenticators", "superuser", "active"];
        assert_eq!(fields_in_error(register(&body)), all);
        assert_eq!(fields_in_error(profile(&body)), ["username", "active", "superuser"]);
    }

    #[test]
    fn an_address_is_enough_for_an_account() {
        let Value::Object(body) = json!({"email": " a@example.com "}) else { unreachable!() };
        let account = register(&body).unwrap();
        assert_eq!((account.username.as_str(), account.emails.len()), ("a@example.com", 1));
        assert!(account.active && !account.superuser && account.name.is_none());
    }
}

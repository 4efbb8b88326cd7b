//! Checks of the users of an import file.

use std::collections::BTreeMap;

use super::{
    file::UserRow,
    plan::{Once, PlannedUser},
};
use crate::ledger::operations::{MAX_EMAIL_ADDRESS, RegisterUser, is_email_address};

/// The most characters of a user name or a display name.
const NAME_LIMIT: usize = 128;

/// The users of a file, checked.
#[derive(Debug, Default)]
pub(super) struct Users {
    pub(super) planned: Vec<PlannedUser>,
    by_key: BTreeMap<String, usize>,
}

impl Users {
    /// The account of the user with this key.
    pub(super) fn get(&self, key: &str) -> Option<&RegisterUser> {
        self.by_key.get(key).map(|index| &self.planned[*index].account)
    }
}

/// Checks the users against each other.
pub(super) fn check(rows: Vec<UserRow>) -> Result<Users, String> {
    let (mut users, mut keys) = (Users::default(), Once::default());
    let (mut emails, mut names) = (Once::default(), Once::default());
    for (index, row) in rows.into_iter().enumerate() {
        let at = format!("users[{index}]");
        keys.add(&row.key, format!("{at}.key"))?;
        check_email(&row.email, &format!("{at}.email"))?;
        emails.add(row.email.to_lowercase(), format!("{at}.email"))?;
        for (index, further) in row.emails.iter().enumerate() {
            let at = format!("{at}.emails[{index}].email");
            check_email(&further.email, &at)?;
            emails.add(further.email.to_lowercase(), at)?;
        }
        let username = row.username.unwrap_or_else(|| row.email.clone());
        check_name(&username, &format!("{at}.username"))?;
        names.add(username.to_lowercase(), format!("{at}.username"))?;
        if let Some(name) = &row.name {
            check_name(name, &format!("{at}.name"))?;
        }
        let further = row.emails.into_iter().map(|further| (further.email, further.verified));
        let account = RegisterUser {
            username,
            name: row.name,
            emails: [(row.email, row.verified)].into_iter().chain(further).collect(),
            authenticators: row.authenticators,
            superuser: row.superuser,
            active: row.active,
            or_existing: true,
        };
        users.by_key.insert(row.key.clone(), users.planned.len());
        users.planned.push(PlannedUser { key: row.key, account });
    }
    Ok(users)
}

/// Refuses what the API would not take for an address either.
pub(in crate::cli) fn check_email(email: &str, at: &str) -> Result<(), String> {
    if !is_email_address(email) {
        return Err(format!("{at}: \"{}\" is no e-mail address", email.escape_debug()));
    }
    if email.chars().count() > MAX_EMAIL_ADDRESS {
        return Err(format!("{at}: the address is longer than {MAX_EMAIL_ADDRESS} characters"));
    }
    Ok(())
}

/// Refuses a name that is empty, endless or not for the eye.
pub(in crate::cli) fn check_name(name: &str, at: &str) -> Result<(), String> {
    match name.chars().count() {
        _ if name.trim().is_empty() => Err(format!("{at}: a name is needed")),
        count if count > NAME_LIMIT => Err(format!("{at}: the name is longer than {NAME_LIMIT} characters")),
        _ if name.contains(char::is_control) => Err(format!("{at}: the name has a control character")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check_email;

    #[test]
    fn an_address_is_what_the_api_takes_for_one() {
        for email in ["a@b.example", "alice@example.com", "o'neil+x@sub.example.org", "käthe@example.com"] {
            assert!(check_email(email, "email").is_ok(), "{email} was refused");
        }
        let long = format!("{}@example.com", "x".repeat(70));
        for email in
            ["", "alice", "@example.com", "alice@", "a@b@c.d", "a@.com", "a b@c.d", "a@b.c\0", "a@b", &long]
        {
            assert!(check_email(email, "email").is_err(), "{email:?} passed");
        }
    }
}

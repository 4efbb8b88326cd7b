//! The check of an import file as a whole: everything is found before anything is written.

use std::sync::Arc;

use muster_events::roles::{Roles, ScopeSet};

use super::{
    file::{File, TokenRow},
    organizations,
    plan::{Once, Plan, PlannedOrganization, PlannedOwner, PlannedToken},
    users::{self, Users},
};

/// Checks a file against itself and against the roles in force; an error says where, and what to mend.
pub(super) fn check(file: File, roles: &Arc<Roles>) -> Result<Plan, String> {
    let users = users::check(file.users)?;
    let organizations = organizations::check(file.organizations, &users, roles)?;
    let tokens = check_tokens(file.tokens, &users, &organizations)?;
    Ok(Plan { users: users.planned, organizations, tokens })
}

fn check_tokens(
    rows: Vec<TokenRow>,
    users: &Users,
    organizations: &[PlannedOrganization],
) -> Result<Vec<PlannedToken>, String> {
    let mut places = Once::default();
    let mut planned = vec![];
    for (index, row) in rows.into_iter().enumerate() {
        let at = format!("tokens[{index}]");
        let secret = row.token;
        if secret.0.is_empty() || secret.0.contains(|character: char| !character.is_ascii_graphic()) {
            return Err(format!("{at}.token: a secret of visible ASCII characters without blanks is needed"));
        }
        if let Some(before) = places.at(&secret.0) {
            return Err(format!("{at}.token: the same secret stands at {before} already"));
        }
        places.add(&secret.0, format!("{at}.token"))?;
        let owner = match (row.user, row.organization) {
            (Some(key), None) if users.get(&key).is_some() => PlannedOwner::User(key),
            (Some(key), None) => {
                return Err(format!("{at}.user: no user in this file has the key \"{key}\""));
            }
            (None, Some(slug)) if organizations.iter().any(|planned| planned.slug == slug) => {
                PlannedOwner::Organization(slug)
            }
            (None, Some(slug)) => {
                return Err(format!(
                    "{at}.organization: no organization in this file has the slug \"{slug}\""
                ));
            }
            _ => return Err(format!("{at}: either `user` or `organization` is needed")),
        };
        let scopes =
            row.scopes.map(|scopes| ScopeSet::of_token(scopes.iter().map(String::as_str))).transpose();
        let scopes = scopes.map_err(|unknown| format!("{at}.scopes: {unknown}"))?;
        planned.push(PlannedToken { at, secret, owner, scopes });
    }
    Ok(planned)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use muster_events::roles::Roles;
    use serde_json::{Value, json};

    use super::{File, check};

    fn example() -> Value {
        json!({
            "users": [
                {"key": "alice", "email": "alice@example.com"},
                {"key": "bob", "email": "bob@example.com", "username": "bob"},
            ],
            "organizations": [{
                "slug": "acme", "name": "Acme", "teams": [{"slug": "core"}],
                "members": [
                    {"key": "bob", "user": "bob", "role": "member", "teams": [{"team": "core", "role": "admin"}]},
                    {"key": "alice", "user": "alice", "role": "owner"},
                    {"key": "carol", "email": "carol@example.com", "role": "member", "inviter": "alice"},
                ],
            }],
            "tokens": [{"token": "secret", "user": "alice", "scopes": ["org:read"]}],
        })
    }

    fn check_text(file: &Value) -> Result<super::Plan, String> {
        check(File::parse(file.to_string().as_bytes())?, &Arc::new(Roles::bundled()))
    }

    #[test]
    fn the_first_owner_need_not_be_the_first_member() {
        let plan = check_text(&example()).unwrap();
        assert_eq!(plan.organizations[0].owner, 1);
    }

    #[test]
    fn what_a_program_shows_of_an_import_has_no_secret() {
        let mut file = example();
        file["tokens"][0]["token"] = json!("t0ps3cret");
        let read = File::parse(file.to_string().as_bytes()).unwrap();
        assert!(!format!("{read:?}").contains("t0ps3cret"));
        let plan = check(read, &Arc::new(Roles::bundled())).unwrap();
        assert_eq!(plan.tokens[0].secret.0, "t0ps3cret");
        assert!(!format!("{plan:?}").contains("t0ps3cret"));
    }

    /// Changes one thing in a good file, and looks at what is said about it.
    #[track_caller]
    fn refused(pointer: &str, value: Value, says: &str) {
        let mut file = example();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        file.pointer_mut(parent).unwrap()[key] = value;
        let error = check_text(&file).expect_err(pointer);
        assert!(error.contains(says), "{pointer}: {error}");
    }

    #[test]
    fn a_user_that_does_not_fit_is_named_with_its_place() {
        for (field, value, says) in [
            ("key", "alice", "users[1].key: \"alice\" stands at users[0].key already"),
            ("email", "ALICE@example.com", "users[1].email: \"alice@example.com\" stands at users[0].email"),
            ("email", "bob", "users[1].email: \"bob\" is no e-mail address"),
            ("username", "Alice@Example.com", "users[1].username: \"alice@example.com\" stands at"),
            ("username", " ", "users[1].username: a name is needed"),
        ] {
            refused(&format!("/users/1/{field}"), json!(value), says);
        }
    }

    #[test]
    fn an_organization_that_does_not_fit_is_named_with_its_place() {
        refused("/users/0/active", json!(false), "\"acme\" has no owner");
        for (field, value, says) in [
            ("slug", json!("Acme"), "organizations[0]: The slug \"Acme\" should not contain uppercase"),
            ("name", json!(""), "organizations[0]: name: "),
            (
                "defaultRole",
                json!("king"),
                "organizations[0].defaultRole: there is no organization role \"king\"",
            ),
            ("settings", json!({"openness": 1}), "openness"),
            ("teams/0/slug", json!("c o"), "organizations[0].teams[0]: "),
            ("members/1/role", json!("member"), "\"acme\" has no owner"),
        ] {
            refused(&format!("/organizations/0/{field}"), value, says);
        }
    }

    #[test]
    fn a_member_that_does_not_fit_is_named_with_its_place() {
        for (field, value, says) in [
            ("0/user", "carol", "members[0].user: no user in this file has the key"),
            ("0/user", "alice", "members[1].user: \"alice\" stands at"),
            ("0/role", "boss", "members[0].role: there is no organization role \"boss\"; there are admin,"),
            ("0/teams/0/team", "x", "members[0].teams[0].team: this organization has no team"),
            ("0/teams/0/role", "x", "members[0].teams[0].role: there is no team role \"x\""),
            ("0/inviter", "alice", "members[0].inviter: only a row with `email`"),
            ("0/email", "b@example.com", "members[0]: `user` and `email` exclude each other"),
            ("2/inviter", "dave", "members[2].inviter: no member of this"),
            ("2/inviter", "carol", "members[2].inviter: the member \"carol\" is an invitation or a request"),
            ("2/email", "Bob@example.com", "members[2].email: \"bob@example.com\" stands"),
        ] {
            refused(&format!("/organizations/0/members/{field}"), json!(value), says);
        }
        let nobody = json!({"key": "bob", "role": "member"});
        refused("/organizations/0/members", json!([nobody]), "members[0]: `user` (a member) or `email`");
    }

    #[test]
    fn a_token_that_does_not_fit_is_named_with_its_place() {
        for (field, value, says) in [
            ("user", json!("carol"), "tokens[0].user: no user in this file"),
            ("organization", json!("acme"), "tokens[0]: either `user` or `organization`"),
            ("scopes", json!(["Org"]), "tokens[0].scopes: "),
            ("token", json!("two words"), "tokens[0].token: a secret of visible"),
        ] {
            refused(&format!("/tokens/0/{field}"), value, says);
        }
    }

    #[test]
    fn slugs_and_secrets_stand_once() {
        let mut file = example();
        let organization = file["organizations"][0].clone();
        file["organizations"].as_array_mut().unwrap().push(organization);
        let error = check_text(&file).unwrap_err();
        assert!(
            error.starts_with("organizations[1].slug: \"acme\" stands at organizations[0].slug"),
            "{error}"
        );
        let mut file = example();
        let token = file["tokens"][0].clone();
        file["tokens"].as_array_mut().unwrap().push(token);
        let error = check_text(&file).unwrap_err();
        assert!(!error.contains("secret\""), "a secret is not repeated: {error}");
        let mut file = example();
        file["organizations"][0]["teams"].as_array_mut().unwrap().push(json!({"slug": "core"}));
        let error = check_text(&file).unwrap_err();
        assert!(error.starts_with("organizations[0].teams[1].slug: \"core\" stands"), "{error}");
    }
}

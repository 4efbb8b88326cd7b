//! One organization with an owner and many members, as a file to import.

use std::path::Path;

use serde_json::{Value, json};

/// The token of the owner.
pub(crate) const OWNER_TOKEN: &str = "crowd-owner-token";

/// Writes the file: organization `acme` with the owner `p0` and the members `p1` to `p<members>`.
pub(crate) fn write_crowd(file: &Path, members: usize) {
    let user = |number: usize| {
        let key = format!("p{number}");
        json!({"key": key, "email": format!("{key}@example.com"), "username": key})
    };
    let member = |number: usize| {
        let key = format!("p{number}");
        json!({"key": key, "user": key, "role": if number == 0 { "owner" } else { "member" }})
    };
    let crowd = json!({
        "users": (0..=members).map(user).collect::<Vec<_>>(),
        "organizations": [{
            "slug": "acme", "name": "Acme", "teams": [], "members": (0..=members).map(member).collect::<Vec<_>>(),
        }],
        "tokens": [{"token": OWNER_TOKEN, "user": "p0"}],
    });
    std::fs::write(file, crowd.to_string()).unwrap();
}

/// The path of member `number`, from what the import has printed.
pub(crate) fn path_in_crowd(imported: &Value, number: usize) -> String {
    let id = imported["organizations"]["acme"]["members"][format!("p{number}")].as_str().unwrap();
    format!("/api/0/organizations/acme/members/{id}/")
}

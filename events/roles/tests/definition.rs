//! Roles files: which are refused, and in which words.

use super::file;
use crate::roles::{RolesDefinition, RolesError};

#[test]
fn a_definition_survives_the_log() {
    let definition = RolesDefinition::bundled();
    let stored = serde_json::to_value(&definition).unwrap();
    assert_eq!(stored["org_role"][1]["description"].as_str().unwrap().matches('\n').count(), 0);
    assert_eq!(serde_json::from_value::<RolesDefinition>(stored).unwrap(), definition);
}

/// Each mistake, made in an otherwise sensible file, and what the operator is told about it.
#[test]
fn a_file_that_makes_no_sense_is_refused_with_the_entry_named() {
    let sensible =
        file(&[("low", &["org:read"]), ("high", &["org:write"])], &[("mate", None), ("head", Some("high"))]);
    assert!(RolesDefinition::from_toml(&sensible).is_ok());
    let table = [
        ("name = \"N\"", "name = ", "line 4: "),
        ("global = false", "globl = false", "line 5: unknown field `globl`"),
        ("global = false", "global = 1", "line 5: invalid type"),
        ("id = \"high\"", "id = \"low\"", "org_role `low` is defined twice"),
        ("id = \"head\"", "id = \"mate\"", "team_role `mate` is defined twice"),
        ("id = \"mate\"", "id = \"Mate\"", "the role id \"Mate\" is malformed"),
        ("id = \"mate\"", "id = \"\"", "the role id \"\" is malformed"),
        (
            "id = \"mate\"",
            "id = \"a23456789-123456789-123456789-123\"",
            "is too long: write at most 32 characters",
        ),
        ("name = \"N\"", "name = \" \"", "org_role `low` has an empty name"),
        ("org:read", "org:Read", "org_role `low` has the malformed scope \"org:Read\""),
        (
            "default_org_role = \"low\"",
            "default_org_role = \"none\"",
            "default_org_role names `none`, which no",
        ),
        ("global = false", "retired = true", "default_org_role names `low`, which is retired"),
        (
            "name = \"N\"\nglobal = false\nscopes = [\"org:write\"]",
            "name = \"N\"\nretired = true\nscopes = []",
            "the last org_role, `high`, is retired",
        ),
        (
            "name = \"N\"\nglobal = false\nscopes = [\"org:write\"]",
            "name = \"N\"\nteam_roles_allowed = false\nscopes = []",
            "the last org_role, `high`, must not have",
        ),
        (
            "minimum_role_for = \"high\"",
            "minimum_role_for = \"hihg\"",
            "team_role `head` has `minimum_role_for = \"hihg\"`",
        ),
    ];
    for (sense, mistake, told) in table {
        let text = sensible.replacen(sense, mistake, 1);
        assert_ne!(text, sensible, "{mistake}");
        let error = RolesDefinition::from_toml(&text).unwrap_err().to_string();
        assert!(error.contains(told), "{mistake}: {error}");
    }
}

#[test]
fn a_file_defines_between_one_and_64_roles_of_each_kind() {
    let team: &[(&str, Option<&str>)] = &[("mate", None)];
    let none = |text: &str| RolesDefinition::from_toml(text).unwrap_err().to_string();
    assert!(none(&file(&[], team)).contains("there is no [[org_role]]"));
    assert!(none(&file(&[("low", &[])], &[])).contains("there is no [[team_role]]"));
    let ids: Vec<_> = (0..65).map(|number| format!("role-{number}")).collect();
    let many: Vec<(&str, &[&str])> = ids.iter().map(|id| (id.as_str(), [].as_slice())).collect();
    assert!(RolesDefinition::from_toml(&file(&many[..64], team)).is_ok());
    assert!(matches!(
        RolesDefinition::from_toml(&file(&many, team)),
        Err(RolesError::TooManyRoles { count: 65, .. })
    ));
}

//! The tables of the organizations.

use crate::table::{
    Column,
    ColumnType::{Bool, Integer, Json, Text},
    Table,
};

/// One row an organization.
pub static ORGANIZATIONS: Table = Table {
    name: "organizations",
    key: &[Column::new("id", Integer)],
    columns: &[
        Column::new("slug", Text),
        Column::new("name", Text),
        Column::new("default_role", Text),
        Column::optional("sso_provider", Text),
        Column::optional("sso_name", Text),
        Column::optional("sso_allow_unlinked", Bool),
        Column::new("avatar_kind", Text),
        Column::optional("avatar_uuid", Text),
        Column::optional("avatar_digest", Text),
        Column::optional("deletion_due", Integer),
        Column::new("created_at", Integer),
        Column::new("sequence", Integer),
    ],
    indexes: &[&["avatar_uuid"], &["created_at"], &["deletion_due"]],
};

/// The options that are stored.
pub static ORGANIZATION_OPTIONS: Table = Table {
    name: "organization_options",
    key: &[Column::new("organization_id", Integer), Column::new("option", Text)],
    columns: &[Column::new("value", Json)],
    indexes: &[],
};

/// The flags that were changed, by stored name.
pub static ORGANIZATION_FLAGS: Table = Table {
    name: "organization_flags",
    key: &[Column::new("organization_id", Integer), Column::new("flag", Text)],
    columns: &[Column::new("is_set", Bool)],
    indexes: &[],
};

/// The features that were switched.
pub static ORGANIZATION_FEATURES: Table = Table {
    name: "organization_features",
    key: &[Column::new("organization_id", Integer), Column::new("feature", Text)],
    columns: &[Column::new("is_on", Bool)],
    indexes: &[],
};

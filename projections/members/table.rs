//! The tables of the members.

use muster_events::member::MemberFlag;

use crate::table::{
    Column,
    ColumnType::{Bool, Integer, Json, Text},
    Table,
};

/// One row a member, invitation or request. A flag has a column of its own, because an event changes one flag.
pub static MEMBERS: Table = Table {
    name: "members",
    key: &[Column::new("id", Integer)],
    columns: &[
        Column::new("organization_id", Integer),
        Column::optional("user_id", Integer),
        Column::optional("email", Json),
        Column::optional("email_hash", Text),
        Column::new("org_role", Text),
        Column::new("invite_status", Text),
        Column::optional("inviter_id", Integer),
        Column::optional("expires_at", Integer),
        // When an expiry is to be recorded; none once it has been, though the row still shows when that was.
        Column::optional("expiry_due_at", Integer),
        Column::new("idp_provisioned", Bool),
        Column::new("idp_role_restricted", Bool),
        Column::new("sso_linked", Bool),
        Column::new("sso_invalid", Bool),
        Column::new("member_limit_restricted", Bool),
        Column::new("partnership_restricted", Bool),
        Column::new("created_at", Integer),
        Column::new("sequence", Integer),
    ],
    indexes: &[
        &["organization_id", "id"],
        &["user_id"],
        &["inviter_id"],
        &["expiry_due_at"],
        &["organization_id", "invite_status", "id"],
    ],
};

/// Which member is on which team, with the explicit role there.
pub static MEMBER_TEAMS: Table = Table {
    name: "member_teams",
    key: &[Column::new("member_id", Integer), Column::new("team_id", Integer)],
    columns: &[Column::optional("role", Text)],
    indexes: &[&["team_id"]],
};

/// For which member it was asked that he may join which team, and by whom when not by himself.
pub static ACCESS_REQUESTS: Table = Table {
    name: "team_access_requests",
    key: &[Column::new("member_id", Integer), Column::new("team_id", Integer)],
    columns: &[Column::optional("requester_id", Integer), Column::new("requested_at", Integer)],
    indexes: &[&["team_id"]],
};

/// The column of a flag.
pub(super) fn flag_column(flag: MemberFlag) -> &'static str {
    match flag {
        MemberFlag::IdpProvisioned => "idp_provisioned",
        MemberFlag::IdpRoleRestricted => "idp_role_restricted",
        MemberFlag::SsoLinked => "sso_linked",
        MemberFlag::SsoInvalid => "sso_invalid",
        MemberFlag::MemberLimitRestricted => "member_limit_restricted",
        MemberFlag::PartnershipRestricted => "partnership_restricted",
    }
}

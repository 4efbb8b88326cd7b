//! What is asked about members.

use std::collections::BTreeSet;

use muster_events::{
    id::{MemberId, OrganizationId, TeamId, UserId},
    member::{InviteStatus, MemberFlag},
    personal::{EmailAddress, Personal, UserName},
    roles::RoleId,
    stream::Sequence,
    time::Timestamp,
};

use super::{MemberFilter, search, table::flag_column};
use crate::{
    database::Query,
    error::ViewError,
    read::{Cells, Listed, Page, damaged},
    users::{self, UserRow},
    views::Views,
};

/// A member, an invitation or a request.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberRow {
    /// Its id.
    pub id: MemberId,
    /// The organization.
    pub organization: OrganizationId,
    /// The sequence of the last event that this row shows.
    pub sequence: Sequence,
    /// The user, once the row is claimed.
    pub user: Option<UserId>,
    /// The user's account; none also while the account itself cannot be shown.
    pub account: Option<UserRow>,
    /// The invited address, while the row is not claimed.
    pub email: Option<Personal<EmailAddress>>,
    /// The role.
    pub org_role: RoleId,
    /// Whether this is a member or a request.
    pub invite_status: InviteStatus,
    /// Who invited or proposed.
    pub inviter: Option<Inviter>,
    /// When the invitation stops being valid.
    pub expires_at: Option<Timestamp>,
    /// The flags that are set.
    pub flags: BTreeSet<MemberFlag>,
    /// When the row came to be.
    pub created_at: Timestamp,
}

/// Who invited: what his display name is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Inviter {
    /// The user.
    pub user: UserId,
    /// His display name.
    pub name: Option<Personal<String>>,
    /// His user name.
    pub username: Personal<UserName>,
    /// His primary address.
    pub email: Personal<EmailAddress>,
}

/// A member with the teams that he is on.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberDetails {
    /// The member.
    pub member: MemberRow,
    /// The teams, by slug.
    pub teams: Vec<MemberTeam>,
}

/// A team that a member is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberTeam {
    /// Its id.
    pub id: TeamId,
    /// Its slug.
    pub slug: String,
    /// Whether it is not being deleted.
    pub active: bool,
    /// The explicit role there.
    pub role: Option<RoleId>,
}

pub(super) fn select(rest: &str) -> String {
    select_with("", rest)
}

/// What makes a [`MemberRow`], and `more` columns of what `rest` joins. Accounts and inviters are joined, so that a
/// page is one query, however long it is.
pub(super) fn select_with(more: &str, rest: &str) -> String {
    let flags = MemberFlag::ALL.map(|flag| format!("m.{}", flag_column(flag))).join(", ");
    let account = users::query::COLUMNS;
    format!(
        "SELECT m.id, m.organization_id, m.sequence, m.user_id, m.email, m.org_role, m.invite_status, m.expires_at, \
            m.created_at, {flags}, i.id AS i_id, i.name AS i_name, i.username AS i_username, \
            (SELECT e.email FROM user_emails e WHERE e.user_id = i.id AND e.hash = i.email_hash) AS i_email, \
            {account}{more} \
        FROM members m LEFT JOIN users u ON u.id = m.user_id LEFT JOIN users i ON i.id = m.inviter_id {rest}"
    )
}

/// What is listed (behaviour.md 4.1): no requests, no accounts that cannot be used.
pub(super) const LISTED: &str =
    "m.organization_id = $1 AND m.invite_status = 'approved' AND (m.user_id IS NULL OR u.active)";

impl MemberRow {
    pub(super) fn read(cells: Cells<'_>) -> Result<Self, ViewError> {
        let mut flags = BTreeSet::new();
        for flag in MemberFlag::ALL {
            if cells.flag(flag_column(flag))? {
                flags.insert(flag);
            }
        }
        Ok(Self {
            id: cells.id("id")?,
            organization: cells.id("organization_id")?,
            sequence: cells.sequence("sequence")?,
            user: cells.optional_id("user_id")?,
            account: UserRow::read(cells)?,
            email: cells.optional_json("email")?,
            org_role: cells.role("org_role")?,
            invite_status: invite_status(cells.text("invite_status")?)?,
            inviter: Inviter::read(cells)?,
            expires_at: cells.optional_time("expires_at")?,
            flags,
            created_at: cells.time("created_at")?,
        })
    }
}

impl MemberTeam {
    pub(super) fn read(cells: Cells<'_>) -> Result<Self, ViewError> {
        Ok(Self {
            id: cells.id("id")?,
            slug: cells.text("slug")?.into(),
            active: cells.flag("active")?,
            role: cells.optional_role("role")?,
        })
    }
}

impl Inviter {
    fn read(cells: Cells<'_>) -> Result<Option<Self>, ViewError> {
        let Some(user) = cells.optional_id("i_id")? else { return Ok(None) };
        let (name, username) = (cells.optional_json("i_name")?, cells.json("i_username")?);
        Ok(Some(Self { user, name, username, email: cells.json("i_email")? }))
    }
}

pub(super) fn invite_status(name: &str) -> Result<InviteStatus, ViewError> {
    [InviteStatus::Approved, InviteStatus::RequestedToBeInvited, InviteStatus::RequestedToJoin]
        .into_iter()
        .find(|status| status.name() == name)
        .ok_or_else(|| damaged("invite_status", name))
}

/// The member of this organization with this id, whatever his status.
pub async fn find(
    views: &Views,
    organization: OrganizationId,
    member: MemberId,
) -> Result<Option<MemberDetails>, ViewError> {
    let mut reading = views.reading().await?;
    let sql = select("WHERE m.organization_id = $1 AND m.id = $2");
    let query = Query::new(sql).bind(organization).bind(member);
    let Some(row) = reading.row(&query).await? else { return Ok(None) };
    let sql = "SELECT t.id, t.slug, t.active, mt.role FROM member_teams mt JOIN teams t ON t.id = mt.team_id \
        WHERE mt.member_id = $1 ORDER BY t.slug, t.id";
    let teams = reading.rows(&Query::new(sql).bind(member)).await?;
    let teams = teams.iter().map(|row| MemberTeam::read(Cells(row))).collect::<Result<_, _>>()?;
    Ok(Some(MemberDetails { member: MemberRow::read(Cells(&row))?, teams }))
}

/// The members of an organization as they are listed: approved, account active or none yet; by id.
pub async fn list(
    views: &Views,
    organization: OrganizationId,
    page: Page,
) -> Result<Listed<MemberRow>, ViewError> {
    search::page(views, organization, &MemberFilter::default(), page).await
}

/// How many members [`list`] lists.
pub async fn count(views: &Views, organization: OrganizationId) -> Result<u64, ViewError> {
    let sql =
        format!("SELECT count(*) AS n FROM members m LEFT JOIN users u ON u.id = m.user_id WHERE {LISTED}");
    let row = views.readers().row(&Query::new(sql).bind(organization)).await?;
    row.map_or(Ok(0), |row| Cells(&row).count("n"))
}

/// The roles that any row holds, invitations and requests included: of organizations, and explicitly on teams.
pub async fn held_roles(views: &Views) -> Result<(BTreeSet<RoleId>, BTreeSet<RoleId>), ViewError> {
    let mut reading = views.reading().await?;
    let mut held = [BTreeSet::new(), BTreeSet::new()];
    let of_organizations = "SELECT DISTINCT org_role AS role FROM members";
    let on_teams = "SELECT DISTINCT role FROM member_teams WHERE role IS NOT NULL";
    for (roles, sql) in held.iter_mut().zip([of_organizations, on_teams]) {
        for row in reading.rows(&Query::new(sql)).await? {
            roles.insert(Cells(&row).role("role")?);
        }
    }
    let [org_roles, team_roles] = held;
    Ok((org_roles, team_roles))
}

/// The members with this role whose accounts can be used, by id.
pub async fn owners(
    views: &Views,
    organization: OrganizationId,
    role: &RoleId,
) -> Result<Vec<MemberId>, ViewError> {
    let sql = "SELECT m.id FROM members m JOIN users u ON u.id = m.user_id \
        WHERE m.organization_id = $1 AND m.invite_status = 'approved' AND m.org_role = $2 AND u.active ORDER BY m.id";
    let rows = views.readers().rows(&Query::new(sql).bind(organization).bind(role)).await?;
    rows.iter().map(|row| Cells(row).id("id")).collect()
}

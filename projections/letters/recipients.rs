//! Who may get a letter about an organization.

use muster_events::{
    id::{MemberId, OrganizationId, TeamId, UserId},
    personal::{EmailAddress, Personal},
    roles::RoleId,
};

use crate::{
    database::Query,
    error::ViewError,
    read::{Cells, Id},
    views::Views,
};

/// Somebody with an address.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// His row.
    pub member: MemberId,
    /// His account; none where the row is an invitation or a request.
    pub user: Option<UserId>,
    /// The primary address of the account, else the invited one.
    pub email: Personal<EmailAddress>,
    /// His organization role.
    pub org_role: RoleId,
    /// Whether he is on the team that was asked for.
    pub is_on_team: bool,
    /// His explicit role there.
    pub team_role: Option<RoleId>,
}

/// The row of one member whose account can be used, or of an invitation or request.
pub async fn of(views: &Views, member: MemberId) -> Result<Option<Candidate>, ViewError> {
    Ok(read(views, "m.id = $1 AND (m.user_id IS NULL OR u.active)", member, None).await?.pop())
}

/// Everybody in the organization whose account can be used, by id; with how they stand on `team`.
pub async fn with_account(
    views: &Views,
    organization: OrganizationId,
    team: Option<TeamId>,
) -> Result<Vec<Candidate>, ViewError> {
    let wanted = "m.organization_id = $1 AND m.invite_status = 'approved' AND u.active";
    read(views, wanted, organization, team).await
}

async fn read<I: Id + Into<crate::table::Value>>(
    views: &Views,
    wanted: &str,
    id: I,
    team: Option<TeamId>,
) -> Result<Vec<Candidate>, ViewError> {
    let team = team.map_or(0, TeamId::get);
    let sql = format!(
        "SELECT m.id, m.user_id, m.org_role, t.member_id AS on_team, t.role AS team_role, \
            CASE WHEN m.user_id IS NULL THEN m.email ELSE \
            (SELECT e.email FROM user_emails e WHERE e.user_id = u.id AND e.hash = u.email_hash) END AS email \
        FROM members m LEFT JOIN users u ON u.id = m.user_id \
            LEFT JOIN member_teams t ON t.member_id = m.id AND t.team_id = {team} \
        WHERE {wanted} ORDER BY m.id"
    );
    let rows = views.readers().rows(&Query::new(sql).bind(id)).await?;
    let mut found = vec![];
    for row in &rows {
        let cells = Cells(row);
        // Who was erased has no address.
        let Some(email) = cells.optional_json("email")? else { continue };
        found.push(Candidate {
            member: cells.id("id")?,
            user: cells.optional_id("user_id")?,
            email,
            org_role: cells.role("org_role")?,
            is_on_team: cells.optional_id::<MemberId>("on_team")?.is_some(),
            team_role: cells.optional_role("team_role")?,
        });
    }
    Ok(found)
}

//! What is asked about the members of one team.

use muster_events::{
    id::{OrganizationId, TeamId},
    roles::RoleId,
};

use super::query::{MemberRow, select_with};
use crate::{database::Query, error::ViewError, read::Cells, views::Views};

/// A member of a team.
#[derive(Debug, Clone, PartialEq)]
pub struct TeamMember {
    /// The member.
    pub member: MemberRow,
    /// The explicit role on the team.
    pub role: Option<RoleId>,
}

/// All members of a team, by id: approved, account active or none yet. All of them, because who wants them by address
/// has to open the addresses first.
pub async fn list(
    views: &Views,
    organization: OrganizationId,
    team: TeamId,
) -> Result<Vec<TeamMember>, ViewError> {
    let sql = select_with(
        ", mt.role AS team_role",
        "JOIN member_teams mt ON mt.member_id = m.id \
        WHERE m.organization_id = $1 AND mt.team_id = $2 AND m.invite_status = 'approved' \
            AND (m.user_id IS NULL OR u.active) ORDER BY m.id",
    );
    let rows = views.readers().rows(&Query::new(sql).bind(organization).bind(team)).await?;
    let member = |cells: Cells<'_>| {
        Ok(TeamMember { member: MemberRow::read(cells)?, role: cells.optional_role("team_role")? })
    };
    rows.iter().map(|row| member(Cells(row))).collect()
}

//! What is asked about requests to join teams.

use std::collections::BTreeMap;

use muster_events::id::{OrganizationId, TeamId, UserId};

use super::query::{MemberRow, select_with};
use crate::{
    database::{Query, Transaction},
    error::ViewError,
    read::{Cells, Listed, Page},
    table::Value,
    users::{self, UserRow},
    views::Views,
};

/// A request that a member may join a team.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessRequestRow {
    /// The member.
    pub member: MemberRow,
    /// The team.
    pub team: TeamId,
    /// Who asked, when it was not the member himself.
    pub requester: Option<UserRow>,
}

/// What can still be granted: the team is not being deleted, the member is not on it and his account can be used.
const OPEN: &str = "m.organization_id = $1 AND t.active AND (m.user_id IS NULL OR u.active) \
    AND NOT EXISTS (SELECT 1 FROM member_teams mt WHERE mt.member_id = r.member_id AND mt.team_id = r.team_id)";

const REQUESTS: &str =
    "JOIN team_access_requests r ON r.member_id = m.id JOIN teams t ON t.id = r.team_id WHERE";

/// The open requests of an organization, oldest first; only those for `teams` where they are given.
pub async fn list(
    views: &Views,
    organization: OrganizationId,
    teams: Option<&[TeamId]>,
    page: Page,
) -> Result<Listed<AccessRequestRow>, ViewError> {
    let (mut among, mut values) = (String::new(), vec![]);
    if let Some(teams) = teams {
        let places: Vec<_> = (4..4 + teams.len()).map(|place| format!("${place}")).collect();
        values.extend(teams.iter().map(|team| Value::from(*team)));
        among = if teams.is_empty() {
            " AND 1 = 0".into()
        } else {
            format!(" AND r.team_id IN ({})", places.join(", "))
        };
    }
    let order = "ORDER BY r.requested_at, r.member_id, r.team_id LIMIT $3 OFFSET $2";
    let sql = select_with(", r.team_id, r.requester_id", &format!("{REQUESTS} {OPEN}{among} {order}"));
    let query = Query::new(sql).bind(organization).bind(page.offset).bind(page.probe());
    let query = values.into_iter().fold(query.persistent(teams.is_none()), Query::bind);
    let mut reading = views.reading().await?;
    let mut rows = vec![];
    for row in reading.rows(&query).await? {
        let cells = Cells(&row);
        rows.push((MemberRow::read(cells)?, cells.id("team_id")?, cells.optional_id("requester_id")?));
    }
    let page = page.cut(rows);
    let asked: Vec<UserId> = page.rows.iter().filter_map(|(_, _, requester)| *requester).collect();
    let requesters = accounts(&mut reading, &asked).await?;
    let row = |(member, team, requester): (_, _, Option<UserId>)| AccessRequestRow {
        member,
        team,
        requester: requester.and_then(|requester| requesters.get(&requester).cloned()),
    };
    Ok(Listed { rows: page.rows.into_iter().map(row).collect(), more: page.more })
}

/// How many requests [`list`] lists in all.
pub async fn count(views: &Views, organization: OrganizationId) -> Result<u64, ViewError> {
    let sql = format!(
        "SELECT count(*) AS n FROM members m LEFT JOIN users u ON u.id = m.user_id {REQUESTS} {OPEN}"
    );
    let row = views.readers().row(&Query::new(sql).bind(organization)).await?;
    row.map_or(Ok(0), |row| Cells(&row).count("n"))
}

async fn accounts(reading: &mut Transaction, ids: &[UserId]) -> Result<BTreeMap<UserId, UserRow>, ViewError> {
    let mut found = BTreeMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let places: Vec<_> = (1..=ids.len()).map(|place| format!("${place}")).collect();
    let columns = users::query::COLUMNS;
    let sql = format!("SELECT {columns} FROM users u WHERE u.id IN ({})", places.join(", "));
    let query = ids.iter().copied().fold(Query::new(sql).persistent(ids.len() == 1), Query::bind);
    for row in reading.rows(&query).await? {
        if let Some(account) = UserRow::read(Cells(&row))? {
            found.insert(account.id, account);
        }
    }
    Ok(found)
}

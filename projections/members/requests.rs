//! What is asked about requests to invite and requests to join.

use std::collections::BTreeMap;

use muster_events::{
    id::{MemberId, OrganizationId},
    member::InviteStatus,
    personal::{EmailAddress, Personal},
};

use super::query::{MemberDetails, MemberRow, MemberTeam, invite_status, select};
use crate::{
    database::Query,
    error::ViewError,
    read::{Cells, Listed, Page},
    table::Value,
    views::Views,
};

/// What the order of requests rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestKey {
    /// Its id.
    pub id: MemberId,
    /// What kind of request.
    pub status: InviteStatus,
    /// The address.
    pub email: Option<Personal<EmailAddress>>,
}

impl RequestKey {
    fn read(cells: Cells<'_>) -> Result<Self, ViewError> {
        Ok(Self {
            id: cells.id("id")?,
            status: invite_status(cells.text("invite_status")?)?,
            email: cells.optional_json("email")?,
        })
    }
}

/// The requests of an organization, those to join only `with_joins`: by kind, then by id. Addresses are sealed here, so
/// that whoever wants them in order puts them in order himself.
pub async fn keys(
    views: &Views,
    organization: OrganizationId,
    with_joins: bool,
    page: Page,
) -> Result<Listed<RequestKey>, ViewError> {
    let sql = "SELECT id, invite_status, email FROM members \
        WHERE organization_id = $1 AND invite_status IN ($2, $3) AND user_id IS NULL \
        ORDER BY invite_status, id LIMIT $5 OFFSET $4";
    let invite = InviteStatus::RequestedToBeInvited;
    let other = if with_joins { InviteStatus::RequestedToJoin } else { invite };
    let query = Query::new(sql).bind(organization).bind(invite.name()).bind(other.name());
    let rows = views.readers().rows(&query.bind(page.offset).bind(page.probe())).await?;
    let rows = rows.iter().map(|row| RequestKey::read(Cells(row))).collect::<Result<_, _>>()?;
    Ok(page.cut(rows))
}

/// The requests with these ids, in this order; those that have been answered meanwhile are left out. Two queries, however
/// many there are.
pub async fn details(
    views: &Views,
    organization: OrganizationId,
    ids: &[MemberId],
) -> Result<Vec<MemberDetails>, ViewError> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let places: Vec<_> = (2..ids.len() + 2).map(|place| format!("${place}")).collect();
    let places = places.join(", ");
    let of_ids = |sql: String| {
        let query = Query::new(sql).persistent(false).bind(organization);
        ids.iter().fold(query, |query, id| query.bind(Value::from(*id)))
    };
    let mut reading = views.reading().await?;
    let approved = InviteStatus::Approved.name();
    let rows = select(&format!(
        "WHERE m.organization_id = $1 AND m.invite_status <> '{approved}' AND m.id IN ({places})"
    ));
    let rows = reading.rows(&of_ids(rows)).await?;
    let teams = format!(
        "SELECT mt.member_id, t.id, t.slug, t.active, mt.role FROM member_teams mt JOIN teams t ON t.id = mt.team_id \
        WHERE t.organization_id = $1 AND mt.member_id IN ({places}) ORDER BY mt.member_id, t.slug, t.id"
    );
    let mut teams_of: BTreeMap<MemberId, Vec<MemberTeam>> = BTreeMap::new();
    for row in reading.rows(&of_ids(teams)).await? {
        let cells = Cells(&row);
        teams_of.entry(cells.id("member_id")?).or_default().push(MemberTeam::read(cells)?);
    }
    let mut found = BTreeMap::new();
    for row in &rows {
        let member = MemberRow::read(Cells(row))?;
        let teams = teams_of.remove(&member.id).unwrap_or_default();
        found.insert(member.id, MemberDetails { member, teams });
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

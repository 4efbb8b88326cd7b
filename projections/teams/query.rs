//! What is asked about teams.

use muster_events::{
    id::{MemberId, OrganizationId, TeamId},
    roles::RoleId,
    stream::Sequence,
    time::Timestamp,
};

use super::filter::TeamFilter;
use crate::{
    database::Query,
    error::ViewError,
    read::{Cells, Listed, Page},
    views::Views,
};

/// A team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamRow {
    /// Its id.
    pub id: TeamId,
    /// The organization.
    pub organization: OrganizationId,
    /// The sequence of the last event that this row shows.
    pub sequence: Sequence,
    /// The slug.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// Whether it is not being deleted.
    pub active: bool,
    /// Whether it is managed through the identity provider.
    pub idp_provisioned: bool,
    /// When it came to be.
    pub created_at: Timestamp,
}

/// A team with what a list of teams says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTeam {
    /// The team.
    pub team: TeamRow,
    /// How many approved members with an active account are on it.
    pub members: u64,
    /// How the viewer is on it; none when he is not.
    pub viewer: Option<OnTeam>,
    /// Whether it was asked that the viewer may join it.
    pub pending: bool,
}

/// How somebody is on a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnTeam {
    /// The explicit role there.
    pub role: Option<RoleId>,
}

impl TeamRow {
    fn read(cells: Cells<'_>) -> Result<Self, ViewError> {
        Ok(Self {
            id: cells.id("id")?,
            organization: cells.id("organization_id")?,
            sequence: cells.sequence("sequence")?,
            slug: cells.text("slug")?.into(),
            name: cells.text("name")?.into(),
            active: cells.flag("active")?,
            idp_provisioned: cells.flag("idp_provisioned")?,
            created_at: cells.time("created_at")?,
        })
    }
}

impl ListedTeam {
    fn read(cells: Cells<'_>) -> Result<Self, ViewError> {
        let viewer = if cells.optional_id::<MemberId>("viewer_id")?.is_some() {
            Some(OnTeam { role: cells.optional_role("viewer_role")? })
        } else {
            None
        };
        let (members, pending) = (cells.count("members")?, cells.flag("pending")?);
        Ok(Self { team: TeamRow::read(cells)?, members, viewer, pending })
    }
}

/// The active teams of an organization, by slug, as `viewer` sees them.
pub async fn list(
    views: &Views,
    organization: OrganizationId,
    viewer: Option<MemberId>,
    page: Page,
) -> Result<Listed<ListedTeam>, ViewError> {
    search(views, organization, viewer, &TeamFilter::default(), page).await
}

/// The active team of an organization with this id, as `viewer` sees it.
pub async fn find(
    views: &Views,
    organization: OrganizationId,
    viewer: Option<MemberId>,
    team: TeamId,
) -> Result<Option<ListedTeam>, ViewError> {
    let filter = TeamFilter { ids: Some(vec![team]), ..TeamFilter::default() };
    let found = search(views, organization, viewer, &filter, Page { offset: 0, limit: 1 }).await?;
    Ok(found.rows.into_iter().next())
}

/// The active team of an organization that this names: its slug, or its id.
pub async fn find_named(
    views: &Views,
    organization: OrganizationId,
    viewer: Option<MemberId>,
    slug_or_id: &str,
) -> Result<Option<ListedTeam>, ViewError> {
    let filter = TeamFilter { slugs: Some(vec![slug_or_id.into()]), ..TeamFilter::default() };
    let found = search(views, organization, viewer, &filter, Page { offset: 0, limit: 1 }).await?;
    match (found.rows.into_iter().next(), slug_or_id.parse()) {
        (None, Ok(id)) => find(views, organization, viewer, id).await,
        (found, _) => Ok(found),
    }
}

/// Those of [`list`] that `filter` wants.
pub async fn search(
    views: &Views,
    organization: OrganizationId,
    viewer: Option<MemberId>,
    filter: &TeamFilter,
    page: Page,
) -> Result<Listed<ListedTeam>, ViewError> {
    let wanted = filter.conditions(5);
    let sql = format!(
        "SELECT t.id, t.organization_id, t.sequence, t.slug, t.name, t.active, t.idp_provisioned, \
            t.created_at, mine.member_id AS viewer_id, mine.role AS viewer_role, \
            (SELECT count(*) FROM member_teams mt JOIN members m ON m.id = mt.member_id \
                JOIN users u ON u.id = m.user_id \
                WHERE mt.team_id = t.id AND m.invite_status = 'approved' AND u.active) AS members, \
            EXISTS (SELECT 1 FROM team_access_requests r \
                WHERE r.member_id = $2 AND r.team_id = t.id) AS pending \
        FROM teams t LEFT JOIN member_teams mine ON mine.member_id = $2 AND mine.team_id = t.id \
        WHERE t.organization_id = $1 AND t.active{} ORDER BY t.slug, t.id LIMIT $4 OFFSET $3",
        wanted.sql
    );
    let query = Query::new(sql).persistent(filter.is_usual());
    let query = query.bind(organization).bind(viewer).bind(page.offset).bind(page.probe());
    let query = wanted.values.into_iter().fold(query, Query::bind);
    let rows = views.readers().rows(&query).await?;
    let rows = rows.iter().map(|row| ListedTeam::read(Cells(row))).collect::<Result<_, _>>()?;
    Ok(page.cut(rows))
}

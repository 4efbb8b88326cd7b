//! What is asked about organizations.

use std::collections::BTreeMap;

use muster_events::{
    id::OrganizationId,
    organization::{Avatar, AvatarImage, AvatarKind, Feature, Organization, SsoProvider},
    stream::Sequence,
    time::Timestamp,
};

use crate::{
    database::{Query, Row, Transaction},
    error::ViewError,
    read::{Cells, Listed, Page, damaged},
    views::Views,
};

/// An organization.
#[derive(Debug, Clone, PartialEq)]
pub struct OrganizationRow {
    /// Its id.
    pub id: OrganizationId,
    /// The sequence of the last event that this row shows.
    pub sequence: Sequence,
    /// Its state, the same value as the fold of its stream.
    pub state: Organization,
}

/// An organization with what a list of organizations says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedOrganization {
    /// The organization.
    pub organization: OrganizationRow,
    /// How many approved members with an active account it has.
    pub members: u64,
    /// How many invitations are open.
    pub pending: u64,
}

pub(super) const COLUMNS: &str = "o.id, o.sequence, o.slug, o.name, o.default_role, o.sso_provider, o.sso_name, \
    o.sso_allow_unlinked, o.avatar_kind, o.avatar_uuid, o.avatar_digest, o.deletion_due, o.created_at";

impl OrganizationRow {
    pub(super) fn read(cells: Cells<'_>) -> Result<Self, ViewError> {
        let sso = match cells.optional_text("sso_provider")? {
            None => None,
            Some(provider) => Some(SsoProvider {
                provider: provider.into(),
                name: cells.text("sso_name")?.into(),
                allow_unlinked: cells.flag("sso_allow_unlinked")?,
            }),
        };
        let state = Organization {
            slug: cells.text("slug")?.into(),
            name: cells.text("name")?.into(),
            default_role: Some(cells.role("default_role")?),
            created_at: cells.time("created_at")?,
            sso,
            avatar: avatar(cells)?,
            deletion_due: cells.optional_time("deletion_due")?,
            ..Organization::default()
        };
        Ok(Self { id: cells.id("id")?, sequence: cells.sequence("sequence")?, state })
    }
}

fn avatar(cells: Cells<'_>) -> Result<Avatar, ViewError> {
    let kind = cells.text("avatar_kind")?;
    let kind = AvatarKind::by_name(kind).ok_or_else(|| damaged("avatar_kind", kind))?;
    let image = match cells.optional_text("avatar_uuid")? {
        None => None,
        Some(uuid) => Some(AvatarImage { uuid: uuid.into(), digest: cells.text("avatar_digest")?.into() }),
    };
    Ok(Avatar { kind, image })
}

/// The digest of the picture that is found under `uuid`; none when no organization has it any more.
pub async fn picture(views: &Views, uuid: &str) -> Result<Option<String>, ViewError> {
    let sql = "SELECT avatar_digest FROM organizations WHERE avatar_uuid = $1";
    let row = views.readers().row(&Query::new(sql).bind(uuid)).await?;
    row.map(|row| Ok(Cells(&row).text("avatar_digest")?.to_owned())).transpose()
}

/// The organization with this id.
pub async fn find(views: &Views, organization: OrganizationId) -> Result<Option<OrganizationRow>, ViewError> {
    let mut reading = views.reading().await?;
    let sql = format!("SELECT {COLUMNS} FROM organizations o WHERE o.id = $1");
    let row = reading.row(&Query::new(sql).bind(organization)).await?;
    let Some(row) = row else { return Ok(None) };
    let mut found = OrganizationRow::read(Cells(&row))?;
    complete(&mut reading, [&mut found]).await?;
    Ok(Some(found))
}

/// All organizations, by id.
pub async fn list(views: &Views, page: Page) -> Result<Listed<ListedOrganization>, ViewError> {
    let mut reading = views.reading().await?;
    let sql = format!(
        "SELECT {COLUMNS}, \
            (SELECT count(*) FROM members m JOIN users u ON u.id = m.user_id \
                WHERE m.organization_id = o.id AND m.invite_status = 'approved' AND u.active) AS members, \
            (SELECT count(*) FROM members m \
                WHERE m.organization_id = o.id AND m.invite_status = 'approved' AND m.user_id IS NULL) AS pending \
        FROM organizations o ORDER BY o.id LIMIT $2 OFFSET $1"
    );
    let rows = reading.rows(&Query::new(sql).bind(page.offset).bind(page.probe())).await?;
    let listed = |cells: Cells<'_>| {
        let (members, pending) = (cells.count("members")?, cells.count("pending")?);
        Ok::<_, ViewError>(ListedOrganization {
            organization: OrganizationRow::read(cells)?,
            members,
            pending,
        })
    };
    let rows = rows.iter().map(|row| listed(Cells(row))).collect::<Result<_, _>>()?;
    let mut page: Listed<ListedOrganization> = page.cut(rows);
    complete(&mut reading, page.rows.iter_mut().map(|listed| &mut listed.organization)).await?;
    Ok(page)
}

/// Adds options, flags and features: one query each, however many organizations.
pub(super) async fn complete(
    reading: &mut Transaction,
    organizations: impl IntoIterator<Item = &mut OrganizationRow>,
) -> Result<(), ViewError> {
    let mut states: BTreeMap<_, _> =
        organizations.into_iter().map(|organization| (organization.id, &mut organization.state)).collect();
    if states.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = states.keys().copied().collect();
    for row in attributes(reading, "option, value FROM organization_options", &ids).await? {
        let cells = Cells(&row);
        if let Some(state) = states.get_mut(&cells.id("organization_id")?) {
            state.options.insert(cells.text("option")?.into(), cells.json("value")?);
        }
    }
    for row in attributes(reading, "flag, is_set FROM organization_flags", &ids).await? {
        let cells = Cells(&row);
        if let Some(state) = states.get_mut(&cells.id("organization_id")?) {
            state.flags.insert(cells.text("flag")?.into(), cells.flag("is_set")?);
        }
    }
    for row in attributes(reading, "feature, is_on FROM organization_features", &ids).await? {
        let cells = Cells(&row);
        let name = cells.text("feature")?;
        let feature = Feature::by_name(name).ok_or_else(|| damaged("feature", name))?;
        if let Some(state) = states.get_mut(&cells.id("organization_id")?) {
            state.features.insert(feature, cells.flag("is_on")?);
        }
    }
    Ok(())
}

async fn attributes(
    reading: &mut Transaction,
    columns_and_table: &str,
    ids: &[OrganizationId],
) -> Result<Vec<Row>, ViewError> {
    let places: Vec<_> = (1..=ids.len()).map(|place| format!("${place}")).collect();
    let places = places.join(", ");
    let sql = format!("SELECT organization_id, {columns_and_table} WHERE organization_id IN ({places})");
    // The text differs with the number of organizations: not worth a place among the prepared statements.
    let query = Query::new(sql).persistent(ids.len() == 1);
    Ok(reading.rows(&ids.iter().copied().fold(query, Query::bind)).await?)
}

/// The organizations whose end is due at `now`, at most `limit`.
pub async fn due(views: &Views, now: Timestamp, limit: u32) -> Result<Vec<OrganizationId>, ViewError> {
    let sql = "SELECT id FROM organizations WHERE deletion_due <= $1 ORDER BY deletion_due, id LIMIT $2";
    let query = Query::new(sql).bind(now).bind(i64::from(limit));
    views.readers().rows(&query).await?.iter().map(|row| Cells(row).id("id")).collect()
}

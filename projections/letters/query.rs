//! What is asked about letters.

use std::collections::BTreeSet;

use muster_events::{
    id::OrganizationId,
    letter::{DropReason, LetterId, LetterKind, LetterStatus},
    time::Timestamp,
};

use crate::{
    database::Query,
    error::ViewError,
    read::{Cells, Listed, Page, damaged},
    views::Views,
};

/// A letter.
#[derive(Debug, Clone, PartialEq)]
pub struct LetterRow {
    /// Its id.
    pub id: LetterId,
    /// What kind it is.
    pub kind: LetterKind,
    /// The organization that it is about.
    pub organization: OrganizationId,
    /// How it stands.
    pub status: LetterStatus,
    /// Failed attempts since it was queued or released.
    pub attempts: u64,
    /// The last reply code of the mail server, where it replied.
    pub code: Option<u64>,
    /// Why it was dropped.
    pub dropped_why: Option<DropReason>,
    /// When it is tried next, while it waits.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When something last happened to it.
    pub changed_at: Timestamp,
}

impl LetterRow {
    fn read(cells: Cells<'_>) -> Result<Self, ViewError> {
        let why = cells.optional_text("dropped_why")?;
        let status = cells.text("status")?;
        let status = LetterStatus::by_name(status).ok_or_else(|| damaged("status", status))?;
        Ok(Self {
            id: cells.text("id")?.parse().map_err(|error| damaged("id", error))?,
            kind: cells.text("kind")?.parse().map_err(|error| damaged("kind", error))?,
            organization: cells.id("organization_id")?,
            status,
            attempts: cells.count("attempts")?,
            code: cells.optional_count("code")?,
            dropped_why: why
                .map(|why| DropReason::by_name(why).ok_or_else(|| damaged("dropped_why", why)))
                .transpose()?,
            next_attempt_at: cells.optional_time("next_attempt_at")?,
            queued_at: cells.time("queued_at")?,
            changed_at: cells.time("changed_at")?,
        })
    }
}

const COLUMNS: &str = "l.id, l.kind, l.organization_id, l.status, l.attempts, l.code, l.dropped_why, \
    l.next_attempt_at, l.queued_at, l.changed_at";

/// The letters that are to be tried at `now`, in the order in which they were queued: of each recipient the first that
/// waits, and none while that one is in back-off. Those that are set `aside` are not there and hold nobody up; nor does a
/// letter whose recipient is not known.
pub async fn due(
    views: &Views,
    now: Timestamp,
    aside: &BTreeSet<LetterId>,
    limit: u32,
) -> Result<Vec<LetterId>, ViewError> {
    let no_aside = aside.is_empty();
    let aside: Vec<_> = aside.iter().map(|id| format!("'{id}'")).collect();
    let aside = if no_aside { "''".to_owned() } else { aside.join(", ") };
    let sql = format!(
        "SELECT l.id FROM letters l WHERE l.status = 'queued' AND l.next_attempt_at <= $1 AND l.id NOT IN ({aside}) \
        AND NOT EXISTS (SELECT 1 FROM letters e WHERE e.recipient = l.recipient AND e.status = 'queued' \
            AND e.queued_position < l.queued_position AND e.recipient <> '' AND e.id NOT IN ({aside})) \
        ORDER BY l.queued_position LIMIT $2"
    );
    let query = Query::new(sql).bind(now).bind(i64::from(limit)).persistent(no_aside);
    let rows = views.readers().rows(&query).await?;
    rows.iter().map(|row| Cells(row).text("id")?.parse().map_err(|error| damaged("id", error))).collect()
}

/// Which letters are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Those that stand so.
    pub status: Option<LetterStatus>,
    /// Those about this organization.
    pub organization: Option<OrganizationId>,
}

/// The letters, the newest first.
pub async fn list(views: &Views, filter: Filter, page: Page) -> Result<Listed<LetterRow>, ViewError> {
    let mut wanted = vec!["true".to_owned()];
    if let Some(status) = filter.status {
        wanted.push(format!("l.status = '{}'", status.name()));
    }
    if let Some(organization) = filter.organization {
        wanted.push(format!("l.organization_id = {organization}"));
    }
    let wanted = wanted.join(" AND ");
    let sql = format!(
        "SELECT {COLUMNS} FROM letters l WHERE {wanted} ORDER BY l.queued_position DESC LIMIT $2 OFFSET $1"
    );
    let rows = views.readers().rows(&Query::new(sql).bind(page.offset).bind(page.probe())).await?;
    let rows = rows.iter().map(|row| LetterRow::read(Cells(row))).collect::<Result<_, _>>()?;
    Ok(page.cut(rows))
}

/// The letter with this id.
pub async fn find(views: &Views, id: LetterId) -> Result<Option<LetterRow>, ViewError> {
    let sql = format!("SELECT {COLUMNS} FROM letters l WHERE l.id = $1");
    let row = views.readers().row(&Query::new(sql).bind(id.to_string().as_str())).await?;
    row.map(|row| LetterRow::read(Cells(&row))).transpose()
}

/// How many letters there are that somebody may have to look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// That wait.
    pub queued: u64,
    /// That were parked.
    pub parked: u64,
    /// Since when the oldest one waits.
    pub oldest: Option<Timestamp>,
}

/// What waits and what was parked.
pub async fn backlog(views: &Views) -> Result<Backlog, ViewError> {
    let count = |status| format!("(SELECT count(*) FROM letters WHERE status = '{status}')");
    let sql = format!(
        "SELECT {} AS queued, {} AS parked, (SELECT queued_at FROM letters WHERE status = 'queued' \
            ORDER BY queued_position LIMIT 1) AS oldest",
        count("queued"),
        count("parked")
    );
    let Some(row) = views.readers().row(&Query::new(sql)).await? else { return Ok(Backlog::default()) };
    let cells = Cells(&row);
    Ok(Backlog {
        queued: cells.count("queued")?,
        parked: cells.count("parked")?,
        oldest: cells.optional_time("oldest")?,
    })
}

//! The list of organizations that somebody asks for (behaviour.md 5.6).

use std::fmt::{Display, Write as _};

use muster_events::{
    id::{MemberId, OrganizationId, UserId},
    personal::KeyedHash,
    roles::RoleId,
};

use super::query::{COLUMNS, OrganizationRow, complete};
use crate::{
    database::Query,
    error::ViewError,
    read::{Cells, Listed, Page},
    table::Value,
    views::Views,
};

/// Whose organizations are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// All of the deployment.
    Everybody,
    /// Those that a person is a member of.
    Member(UserId),
    /// Those in which a person has this role.
    Holder(UserId, RoleId),
    /// One, of its own token.
    Itself(OrganizationId),
}

/// What is asked for. Values of one filter are alternatives; all filters have to fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// The slug is one of these.
    Slug(Vec<String>),
    /// The id is one of these.
    Id(Vec<OrganizationId>),
    /// It has one of these members.
    MemberId(Vec<MemberId>),
    /// It has a member or an invitation with one of these addresses.
    Email(Vec<KeyedHash>),
    /// Whether it is about to be deleted is one of these.
    IsBeingDeleted(Vec<bool>),
    /// Name or slug has this in it, in letters of any case.
    Text(String),
}

/// An organization that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundOrganization {
    /// The organization.
    pub organization: OrganizationRow,
    /// How many members with an active account have the role that was asked for; none when none was.
    pub holders: u64,
}

/// How many members with an active account an organization has, and how many of them have a role.
const MEMBERS: &str = "(SELECT count(*) FROM members m JOIN users u ON u.id = m.user_id \
    WHERE m.organization_id = o.id AND m.invite_status = 'approved' AND u.active";

/// A query in the making: its condition, and the values in it.
struct Condition {
    text: String,
    values: Vec<Value>,
}

impl Condition {
    fn place(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn and(&mut self, condition: impl Display) {
        let _ = write!(self.text, " AND {condition}");
    }

    /// `column` is one of these; nothing is one of none.
    fn one_of<T: Into<Value>>(&mut self, column: &str, values: impl IntoIterator<Item = T>) -> String {
        let places: Vec<_> = values.into_iter().map(|value| self.place(value)).collect();
        if places.is_empty() { "1 = 0".into() } else { format!("{column} IN ({})", places.join(", ")) }
    }

    fn of(&mut self, of: &Of) {
        match of {
            Of::Everybody => {}
            Of::Itself(id) => {
                let id = self.place(*id);
                self.and(format!("o.id = {id}"));
            }
            Of::Member(user) => {
                let user = self.place(*user);
                self.and(format!("o.id IN (SELECT organization_id FROM members WHERE user_id = {user})"));
            }
            Of::Holder(user, role) => {
                let (user, role) = (self.place(*user), self.place(role));
                self.and(format!(
                    "o.id IN (SELECT organization_id FROM members WHERE user_id = {user} AND org_role = {role})"
                ));
            }
        }
    }

    fn fits(&mut self, filter: &Filter) {
        let condition = match filter {
            Filter::Slug(slugs) => self.one_of("o.slug", slugs.iter().map(String::as_str)),
            Filter::Id(ids) => self.one_of("o.id", ids.iter().copied()),
            Filter::MemberId(ids) => {
                let is_one = self.one_of("m.id", ids.iter().copied());
                format!("o.id IN (SELECT m.organization_id FROM members m WHERE {is_one})")
            }
            Filter::Email(hashes) => {
                let invited = self.one_of("m.email_hash", hashes.iter().map(|hash| hash.0.as_str()));
                let joined = self.one_of("hash", hashes.iter().map(|hash| hash.0.as_str()));
                format!(
                    "o.id IN (SELECT m.organization_id FROM members m WHERE {invited} \
                        OR m.user_id IN (SELECT user_id FROM user_emails WHERE {joined}))"
                )
            }
            Filter::IsBeingDeleted(wanted) => {
                let is_wanted = |is| wanted.contains(&is);
                match (is_wanted(true), is_wanted(false)) {
                    (true, true) => return,
                    (true, false) => "o.deletion_due IS NOT NULL".into(),
                    (false, true) => "o.deletion_due IS NULL".into(),
                    (false, false) => "1 = 0".into(),
                }
            }
            Filter::Text(text) => {
                let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
                let like = self.place(format!("%{}%", escaped.to_lowercase()).as_str());
                format!("(lower(o.name) LIKE {like} ESCAPE '\\' OR o.slug LIKE {like} ESCAPE '\\')")
            }
        };
        self.and(condition);
    }
}

/// What is asked for: the newest first, or those with the most members.
pub async fn search(
    views: &Views,
    of: &Of,
    filters: &[Filter],
    by_members: bool,
    page: Page,
) -> Result<Listed<FoundOrganization>, ViewError> {
    let mut condition = Condition { text: String::new(), values: vec![] };
    condition.of(of);
    for filter in filters {
        condition.fits(filter);
    }
    let holders = match of {
        Of::Holder(_, role) => {
            let role = condition.place(role);
            format!("{MEMBERS} AND m.org_role = {role})")
        }
        Of::Everybody | Of::Member(_) | Of::Itself(_) => "CAST(0 AS bigint)".into(),
    };
    let order = if by_members { format!("{MEMBERS}) DESC, ") } else { String::new() };
    let (limit, offset) = (condition.place(page.probe()), condition.place(page.offset));
    let sql = format!(
        "SELECT {COLUMNS}, {holders} AS holders FROM organizations o WHERE 1 = 1{} \
         ORDER BY {order}o.created_at DESC, o.id DESC LIMIT {limit} OFFSET {offset}",
        condition.text
    );
    // The text differs from request to request: not worth a place among the prepared statements.
    let query = condition.values.into_iter().fold(Query::new(sql).persistent(false), Query::bind);
    let mut reading = views.reading().await?;
    let rows = reading.rows(&query).await?;
    let found = |cells: Cells<'_>| {
        let holders = cells.count("holders")?;
        Ok::<_, ViewError>(FoundOrganization { organization: OrganizationRow::read(cells)?, holders })
    };
    let rows = rows.iter().map(|row| found(Cells(row))).collect::<Result<_, _>>()?;
    let mut page: Listed<FoundOrganization> = page.cut(rows);
    complete(&mut reading, page.rows.iter_mut().map(|found| &mut found.organization)).await?;
    Ok(page)
}

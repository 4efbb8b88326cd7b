//! The members of an organization that a query means. All of a query but its free text is asked of the database; what
//! people are called is sealed there, so whoever can open it looks at one batch after the other.

use std::{collections::BTreeMap, fmt::Write as _};

use muster_events::{
    id::{MemberId, OrganizationId, UserId},
    member::MemberFlag,
    personal::{EmailAddress, Personal},
};

use super::{
    Candidate, MemberFilter, MemberRow,
    filter::Condition,
    query::{LISTED, select},
    table::flag_column,
};
use crate::{
    database::{Query, Transaction},
    error::ViewError,
    read::{Cells, Listed, Page},
    table::Value,
    views::Views,
};

/// How many candidates are read at once.
const BATCH: u32 = 500;

/// A `WHERE` in the making: its text, and the values in it.
struct Where {
    text: String,
    values: Vec<Value>,
}

impl Where {
    /// Members that are listed, as far as the database can tell whether they fit.
    fn listed(organization: OrganizationId, filter: &MemberFilter) -> Self {
        let mut condition = Self { text: format!("WHERE {LISTED}"), values: vec![organization.into()] };
        for part in &filter.conditions {
            let text = condition.of(part);
            condition.text += " AND ";
            condition.text += &text;
        }
        condition
    }

    fn place(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// The column has one of the values; nothing has one of none.
    fn one_of<T: Into<Value>>(&mut self, column: &str, values: impl IntoIterator<Item = T>) -> String {
        let places: Vec<_> = values.into_iter().map(|value| self.place(value)).collect();
        if places.is_empty() { "1 = 0".into() } else { format!("{column} IN ({})", places.join(", ")) }
    }

    fn of(&mut self, condition: &Condition) -> String {
        let is = |wanted: &bool| if *wanted { "" } else { "NOT " };
        match condition {
            Condition::Nobody => "1 = 0".into(),
            Condition::Address(hashes) => {
                let invited = self.one_of("m.email_hash", hashes);
                let own = self.one_of("e.hash", hashes);
                format!("({invited} OR m.user_id IN (SELECT e.user_id FROM user_emails e WHERE {own}))")
            }
            Condition::Member(ids) => self.one_of("m.id", ids.iter().copied()),
            Condition::User(ids) => self.one_of("m.user_id", ids.iter().copied()),
            Condition::Role(roles) => self.one_of("m.org_role", roles),
            Condition::Invited(wanted) => format!("{}m.user_id IS NULL", is(wanted)),
            Condition::SsoLinked(wanted) => {
                format!("{}m.{}", is(wanted), flag_column(MemberFlag::SsoLinked))
            }
            Condition::SecondFactor(wanted) => format!(
                "u.id IS NOT NULL AND {}(u.totp_at IS NOT NULL OR u.sms_at IS NOT NULL OR u.u2f_at IS NOT NULL)",
                is(wanted)
            ),
        }
    }

    /// The text differs from query to query: only that of the whole list is worth a place among the prepared ones.
    fn query(self, filter: &MemberFilter) -> Query {
        let is_whole_list = filter.conditions.is_empty();
        self.values.into_iter().fold(Query::new(select(&self.text)).persistent(is_whole_list), Query::bind)
    }
}

/// The members that fit, by id, as far as the filter asks for no text.
pub async fn page(
    views: &Views,
    organization: OrganizationId,
    filter: &MemberFilter,
    page: Page,
) -> Result<Listed<MemberRow>, ViewError> {
    let mut condition = Where::listed(organization, filter);
    let (limit, offset) = (condition.place(page.probe()), condition.place(page.offset));
    let _ = write!(condition.text, " ORDER BY m.id LIMIT {limit} OFFSET {offset}");
    let rows = views.readers().rows(&condition.query(filter)).await?;
    let rows = rows.iter().map(|row| MemberRow::read(Cells(row))).collect::<Result<_, _>>()?;
    Ok(page.cut(rows))
}

/// Reads all candidates for a filter that asks for text, in batches, by id; every batch sees the same state.
pub struct Scan<'a> {
    reading: Transaction,
    organization: OrganizationId,
    filter: &'a MemberFilter,
    after: Option<MemberId>,
}

impl<'a> Scan<'a> {
    /// Begins before the first candidate.
    pub async fn begin(
        views: &Views,
        organization: OrganizationId,
        filter: &'a MemberFilter,
    ) -> Result<Self, ViewError> {
        Ok(Self { reading: views.reading().await?, organization, filter, after: None })
    }

    /// The next candidates; none when there are no more.
    pub async fn next_batch(&mut self) -> Result<Vec<Candidate>, ViewError> {
        let after = self.after.map_or(0, |id| id.get().cast_signed());
        let mut condition = Where::listed(self.organization, self.filter);
        let (after_place, limit) = (condition.place(after), condition.place(BATCH));
        let _ = write!(condition.text, " AND m.id > {after_place} ORDER BY m.id LIMIT {limit}");
        let rows = self.reading.rows(&condition.query(self.filter)).await?;
        let rows: Vec<_> = rows.iter().map(|row| MemberRow::read(Cells(row))).collect::<Result<_, _>>()?;
        let Some(last) = rows.last().map(|row| row.id) else { return Ok(vec![]) };
        self.after = Some(last);
        let mut addresses = self.addresses(after, last).await?;
        let candidate = |row: MemberRow| {
            let addresses = row.user.and_then(|user| addresses.remove(&user)).unwrap_or_default();
            Candidate { row, addresses }
        };
        Ok(rows.into_iter().map(candidate).collect())
    }

    /// All addresses of the accounts of a range of members.
    async fn addresses(
        &mut self,
        after: i64,
        last: MemberId,
    ) -> Result<BTreeMap<UserId, Vec<Personal<EmailAddress>>>, ViewError> {
        let sql = "SELECT e.user_id, e.email FROM members m JOIN user_emails e ON e.user_id = m.user_id \
            WHERE m.organization_id = $1 AND m.id > $2 AND m.id <= $3 ORDER BY e.user_id, e.added_at, e.hash";
        let query = Query::new(sql).bind(self.organization).bind(after).bind(last);
        let mut addresses: BTreeMap<UserId, Vec<_>> = BTreeMap::new();
        for row in &self.reading.rows(&query).await? {
            let cells = Cells(row);
            addresses.entry(cells.id("user_id")?).or_default().push(cells.json("email")?);
        }
        Ok(addresses)
    }
}

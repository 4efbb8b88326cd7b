//! Which teams of a list are wanted.

use std::fmt::Write as _;

use muster_events::id::TeamId;

use crate::table::Value;

/// No slug and no name is longer: a longer text is in none of them.
const LONGEST: usize = 64;

/// Which teams are wanted; all by default.
#[derive(Debug, Clone, Default)]
pub struct TeamFilter {
    /// Those with this text in slug or name, whatever its case.
    pub text: Option<String>,
    /// Those with one of these slugs.
    pub slugs: Option<Vec<String>>,
    /// Those with one of these ids.
    pub ids: Option<Vec<TeamId>>,
    /// Those that the viewer is on.
    pub own: bool,
}

/// Conditions on `teams AS t`, with the values whose places are in them.
#[derive(Debug)]
pub(super) struct Conditions {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
    first_place: usize,
}

impl TeamFilter {
    /// The conditions, each with `AND` before it, whose values have the places from `first_place` on.
    pub(super) fn conditions(&self, first_place: usize) -> Conditions {
        let mut conditions = Conditions { sql: String::new(), values: vec![], first_place };
        if let Some(text) = &self.text {
            conditions.containing(text);
        }
        if let Some(slugs) = &self.slugs {
            conditions.among("t.slug", slugs.iter().map(|slug| slug.as_str().into()));
        }
        if let Some(ids) = &self.ids {
            conditions.among("t.id", ids.iter().map(|id| (*id).into()));
        }
        if self.own {
            conditions.sql += " AND mine.member_id IS NOT NULL";
        }
        conditions
    }

    /// Whether the text of the query stays the same, whatever is looked for.
    pub(super) fn is_usual(&self) -> bool {
        self.text.is_none() && self.slugs.is_none() && self.ids.as_ref().is_none_or(|ids| ids.len() == 1)
    }
}

impl Conditions {
    fn place(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.first_place + self.values.len() - 1)
    }

    fn containing(&mut self, text: &str) {
        if text.chars().count() > LONGEST {
            return self.nothing();
        }
        let mut pattern = String::from("%");
        for character in text.chars() {
            if matches!(character, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('%');
        let place = self.place(pattern.as_str().into());
        let like = format!("LIKE lower({place}) ESCAPE '\\'");
        let _ = write!(self.sql, " AND (lower(t.slug) {like} OR lower(t.name) {like})");
    }

    fn among(&mut self, column: &str, values: impl Iterator<Item = Value>) {
        let places: Vec<_> = values.map(|value| self.place(value)).collect();
        if places.is_empty() {
            return self.nothing();
        }
        let _ = write!(self.sql, " AND {column} IN ({})", places.join(", "));
    }

    fn nothing(&mut self) {
        self.sql += " AND 1 = 0";
    }
}

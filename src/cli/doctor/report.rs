//! What was looked at, and what is wrong.

use std::io;

use muster_events::stream::Position;
use serde::Serialize;

use crate::cli::screen::{Screen, count};

/// Findings of one kind that are listed; there may be one for each event of a damaged log.
const LISTED: usize = 20;

/// One kind of check.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    /// What was looked at.
    pub(super) name: &'static str,
    /// Whether nothing is wrong.
    pub(super) ok: bool,
    /// What was found to be right, in numbers.
    pub(super) looked_at: String,
    /// One sentence for each thing that is wrong, and what to mend.
    pub(super) findings: Vec<String>,
    /// How many more there are.
    pub(super) not_listed: usize,
}

/// Everything that was looked at.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// Whether nothing is wrong.
    pub(super) ok: bool,
    /// Which incarnation of the log was looked at.
    pub(super) incarnation: String,
    /// Up to which position.
    pub(super) position: Position,
    /// The running digest of all leaves up to there: to be kept, and compared by a later look at the same position.
    pub(super) digest: String,
    /// The checks.
    pub(super) checks: Vec<Check>,
}

/// Things that are wrong.
#[derive(Debug, Default)]
pub(super) struct Findings {
    listed: Vec<String>,
    not_listed: usize,
}

impl Findings {
    /// One more.
    pub(super) fn add(&mut self, sentence: impl Into<String>) {
        if self.listed.len() < LISTED { self.listed.push(sentence.into()) } else { self.not_listed += 1 }
    }

    /// Several more.
    pub(super) fn extend(&mut self, sentences: impl IntoIterator<Item = String>) {
        sentences.into_iter().for_each(|sentence| self.add(sentence));
    }

    /// All of the others.
    pub(super) fn absorb(&mut self, other: Self) {
        self.extend(other.listed);
        self.not_listed += other.not_listed;
    }

    /// Whether nothing is wrong.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// The check that found them.
    pub(super) fn into_check(self, name: &'static str, looked_at: impl Into<String>) -> Check {
        let Self { listed: findings, not_listed } = self;
        Check { name, ok: findings.is_empty(), looked_at: looked_at.into(), findings, not_listed }
    }
}

impl Report {
    /// How many things are wrong.
    pub(super) fn wrong(&self) -> usize {
        self.checks.iter().map(|check| check.findings.len() + check.not_listed).sum()
    }

    /// For a person.
    pub(super) fn print(&self, screen: &mut Screen) -> io::Result<()> {
        for Check { name, ok, looked_at, findings, not_listed } in &self.checks {
            let mark = if *ok { "ok   " } else { "WRONG" };
            screen.text(format!("{mark}  {name:12}  {looked_at}"))?;
            findings.iter().try_for_each(|finding| screen.text(format!("         - {finding}")))?;
            if *not_listed > 0 {
                screen.line(format!("         - and {not_listed} more"))?;
            }
        }
        let Self { position, digest, incarnation, .. } = self;
        screen.line(format!(
            "\nThe digest of everything up to position {incarnation}-{position} is\n  {digest}"
        ))?;
        screen.line(
            "Keep both: a later doctor that shows another digest there has found a history that was altered.",
        )?;
        screen.line(match self.wrong() {
            0 => "Nothing is wrong.".to_owned(),
            wrong => format!(
                "{} wrong.",
                if wrong == 1 { "1 thing is".into() } else { count(wrong, "thing") + " are" }
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Findings;

    #[test]
    fn a_damaged_log_does_not_fill_the_screen() {
        let mut findings = Findings::default();
        findings.extend((0..50).map(|number| format!("{number} is wrong.")));
        let check = findings.into_check("log", "50 events");
        assert!(!check.ok);
        assert_eq!((check.findings.len(), check.not_listed), (20, 30));
    }
}

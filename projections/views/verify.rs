//! Comparing rows with what the log makes of them: an independent fold in memory, and what differs from it.

use std::collections::BTreeMap;

use muster_events::stream::{Position, Sequence, StreamId};
use serde::Serialize;

use super::{
    Generation, ParkedStream, State, Views, bookkeeping, generation,
    parked::{self, Parked},
};
use crate::{
    database::Transaction,
    error::ViewError,
    projection::{LogEntry, Projection},
    sink::{memory::MemoryTables, page::page},
    table::{ColumnType, Table, Value},
};

/// Rows that are read at once.
const PAGE: usize = 2_000;

/// One thing in which a view is not what the log makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// The key of the row, or the stream.
    pub key: String,
    /// The column; none where the whole row is meant.
    pub column: Option<&'static str>,
    /// What the view says; none where it has no such row.
    pub view: Option<String>,
    /// What the log says; none where it gives no such row.
    pub log: Option<String>,
}

/// All of them, the first of which are named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// How many there are.
    pub count: u64,
    /// In how many rows of each table.
    pub rows: BTreeMap<&'static str, u64>,
    /// The first ones.
    pub named: Vec<Difference>,
}

impl Differences {
    /// How many are named.
    pub const NAMED: usize = 100;

    fn add(&mut self, difference: Difference) {
        self.count += 1;
        if self.named.len() < Self::NAMED {
            self.named.push(difference);
        }
    }
}

/// The rows that the log makes of one projection, in memory.
#[derive(Debug)]
pub struct LogFold {
    projection: &'static Projection,
    tables: MemoryTables,
    position: Position,
    /// The streams that are set aside in the view, each from which sequence on: they are left out here.
    left_out: BTreeMap<StreamId, Sequence>,
    /// Those that cannot be taken and are not set aside in the view.
    refused: BTreeMap<StreamId, String>,
}

impl LogFold {
    /// At the beginning of the log. What is set aside in the view is left out.
    pub fn new(projection: &'static Projection, parked: &[ParkedStream]) -> Self {
        Self {
            projection,
            tables: MemoryTables::default(),
            position: Position::ZERO,
            left_out: left_out(parked),
            refused: BTreeMap::new(),
        }
    }

    /// Up to where the log is folded.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Folds those of `entries` that lie after its position and not after `end`. They are what concerns the projection
    /// of the log up to `position`.
    pub fn take(&mut self, entries: &[LogEntry], position: Position, end: Position) {
        let after = self.position;
        for entry in entries.iter().filter(|entry| entry.position > after && entry.position <= end) {
            self.take_one(entry);
        }
        self.position = position.min(end).max(after);
    }

    fn take_one(&mut self, entry: &LogEntry) {
        let stream = &entry.stream;
        let waits = self.left_out.get(stream).is_some_and(|first| entry.sequence >= *first);
        if !self.projection.takes(stream) || waits || self.refused.contains_key(stream) {
            return;
        }
        let taken = self.projection.changes(entry).and_then(|changes| {
            let misfit = changes.iter().find_map(|change| change.check().err());
            misfit.map_or_else(|| self.tables.apply(changes), Err).map_err(|misfit| misfit.to_string())
        });
        if let Err(error) = taken {
            self.refused.insert(stream.clone(), format!("{error}, at position {}", entry.position));
        }
    }

    /// Whether the fold is what is to be compared with a view in which these streams are set aside: what was set aside
    /// meanwhile lies ahead, and nothing was taken up again.
    pub fn fits(&self, parked: &[ParkedStream]) -> bool {
        let now = left_out(parked);
        self.left_out.iter().all(|(stream, first)| now.get(stream) == Some(first))
            && parked.iter().all(|parked| {
                self.left_out.contains_key(&parked.stream) || parked.first_position > self.position
            })
    }

    /// From here on these streams are left out.
    pub fn leave_out(&mut self, parked: &[ParkedStream]) {
        self.left_out = left_out(parked);
    }
}

fn left_out(parked: &[ParkedStream]) -> BTreeMap<StreamId, Sequence> {
    parked.iter().map(|parked| (parked.stream.clone(), parked.first_sequence)).collect()
}

/// A generation as it was in one moment.
pub struct Snapshot {
    pub(super) reading: Transaction,
    pub(super) projection: &'static Projection,
    pub(super) generation: Generation,
    pub(super) parked: Vec<ParkedStream>,
}

impl Views {
    /// The living rows of `projection` as they are now, or those of the generation of that number; none where there are
    /// none of this version.
    pub async fn snapshot(
        &self,
        projection: &'static Projection,
        number: Option<u32>,
    ) -> Result<Option<Snapshot>, ViewError> {
        if !bookkeeping::is_there(&self.readers, &bookkeeping::GENERATIONS).await? {
            return Ok(None);
        }
        let mut reading = self.reading().await?;
        let stored = generation::read(&reading.rows(&generation::query()).await?)?;
        let is_meant = |of: &&Generation| {
            of.projection == projection.name
                && of.version == projection.version
                && number.map_or(of.state == State::Living, |number| of.number == number)
        };
        let Some(generation) = stored.iter().find(is_meant).cloned() else { return Ok(None) };
        let parked = Parked::read(&reading.rows(&parked::query()).await?)?.only(&generation);
        let parked = parked.iter().cloned().collect();
        Ok(Some(Snapshot { reading, projection, generation, parked }))
    }
}

impl Snapshot {
    /// Which generation it is.
    pub fn generation(&self) -> &Generation {
        &self.generation
    }

    /// Up to where it is the fold of the log.
    pub fn position(&self) -> Position {
        self.generation.position
    }

    /// What is set aside in it.
    pub fn parked(&self) -> &[ParkedStream] {
        &self.parked
    }

    /// Compares row by row with `fold`, which stands at the same position. The number of rows, and the differences.
    pub async fn compare(mut self, fold: &LogFold) -> Result<(u64, Differences), ViewError> {
        let (mut rows, mut differences) = (0, Differences::default());
        for table in self.projection.tables {
            rows += self.compare_table(table, fold, &mut differences).await?;
        }
        for (stream, error) in &fold.refused {
            *differences.rows.entry("parked").or_default() += 1;
            differences.add(Difference {
                table: "parked",
                key: stream.to_string(),
                column: None,
                view: None,
                log: Some(format!("cannot be taken: {error}")),
            });
        }
        Ok((rows, differences))
    }

    async fn compare_table(
        &mut self,
        table: &'static Table,
        fold: &LogFold,
        differences: &mut Differences,
    ) -> Result<u64, ViewError> {
        let name = self.generation.name_of(table);
        let mut expected = fold.tables.iter(table).peekable();
        let (mut rows, mut after) = (0, None::<Vec<Value>>);
        loop {
            let mut page = page(&mut self.reading, table, &name, after.as_deref(), PAGE).await?;
            rows += u64::try_from(page.len()).unwrap_or(u64::MAX);
            for (key, found) in &page {
                while let Some((missing, _)) = expected.next_if(|(other, _)| *other < key) {
                    say(differences, table, missing, None, Some("a row"));
                }
                match expected.next_if(|(other, _)| *other == key) {
                    None => say(differences, table, key, Some("a row"), None),
                    Some((_, wanted)) if wanted != found => {
                        say_cells(differences, table, key, found, wanted);
                    }
                    Some(_) => {}
                }
            }
            if page.len() < PAGE {
                break;
            }
            after = page.pop().map(|(key, _)| key);
        }
        for (missing, _) in expected {
            say(differences, table, missing, None, Some("a row"));
        }
        Ok(rows)
    }
}

fn say(
    differences: &mut Differences,
    table: &'static Table,
    key: &[Value],
    view: Option<&str>,
    log: Option<&str>,
) {
    *differences.rows.entry(table.name).or_default() += 1;
    let (view, log) = (view.map(Into::into), log.map(Into::into));
    differences.add(Difference { table: table.name, key: shown_key(key), column: None, view, log });
}

fn say_cells(
    differences: &mut Differences,
    table: &'static Table,
    key: &[Value],
    found: &[Value],
    wanted: &[Value],
) {
    *differences.rows.entry(table.name).or_default() += 1;
    let cells = table.columns.iter().zip(found.iter().zip(wanted));
    for (column, (found, wanted)) in cells.filter(|(_, (found, wanted))| found != wanted) {
        let (view, log) = (Some(shown(column.kind, found)), Some(shown(column.kind, wanted)));
        differences.add(Difference {
            table: table.name,
            key: shown_key(key),
            column: Some(column.name),
            view,
            log,
        });
    }
}

fn shown_key(key: &[Value]) -> String {
    key.iter().map(|value| shown(ColumnType::Text, value)).collect::<Vec<_>>().join("/")
}

/// What is a person's is not shown, sealed or not.
fn shown(kind: ColumnType, value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Text(text) if kind == ColumnType::Json && text.contains("\"sealed\"") => "sealed value".into(),
        Value::Text(text) => text.to_string(),
    }
}

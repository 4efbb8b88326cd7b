//! What people see: tables that fit their window, lines, JSON. Plain text where nobody is watching.

use std::{
    env, fmt,
    io::{self, IsTerminal, Write},
};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use muster_events::time::Timestamp;
use muster_projections::read::Page;
use serde::Serialize;

/// Bytes that are collected before they are written; an export is not written line by line.
const BUFFER: usize = 64 * 1024;

/// Standard output.
#[derive(Debug)]
pub(super) struct Screen {
    out: io::BufWriter<io::Stdout>,
    terminal: bool,
    coloured: bool,
}

impl Screen {
    /// Standard output as it is: coloured on a terminal, unless `NO_COLOR` is set.
    pub(super) fn new() -> Self {
        let out = io::stdout();
        let terminal = out.is_terminal();
        let refuses_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let coloured = terminal && !refuses_colour && env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { out: io::BufWriter::with_capacity(BUFFER, out), terminal, coloured }
    }

    /// Whether a person looks at it.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// One line, or several.
    pub(super) fn line(&mut self, text: impl fmt::Display) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// One line of text that may come from people: control characters are shown, not obeyed.
    pub(super) fn text(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        self.line(printable(text.as_ref()))
    }

    /// A heading, with an empty line before it.
    pub(super) fn heading(&mut self, text: impl fmt::Display) -> io::Result<()> {
        if self.coloured {
            writeln!(self.out, "\n\u{1b}[1m{text}\u{1b}[0m")
        } else {
            writeln!(self.out, "\n{text}")
        }
    }

    /// Bytes as they are.
    pub(super) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    /// JSON, indented.
    pub(super) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.out, value)?;
        self.out.write_all(b"\n")
    }

    /// JSON on one line.
    pub(super) fn json_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        self.out.write_all(b"\n")
    }

    /// A table: framed and fitted to the window on a terminal, else columns of text and nothing more.
    pub(super) fn table(&mut self, rows: &Rows) -> io::Result<()> {
        let mut table = Table::new();
        table.set_header(
            rows.header.iter().map(|name| if self.terminal { (*name).into() } else { name.to_uppercase() }),
        );
        table.add_rows(rows.cells.iter());
        let (left, right) = if self.terminal { (1, 1) } else { (0, 2) };
        for (column, name) in table.column_iter_mut().zip(&rows.header) {
            column.set_padding((left, right));
            if rows.numbers.contains(name) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        if self.terminal {
            table
                .load_preset(presets::UTF8_FULL_CONDENSED)
                .set_content_arrangement(ContentArrangement::Dynamic);
            if let Some((terminal_size::Width(width), _)) = terminal_size::terminal_size() {
                table.set_width(width);
            }
        } else {
            table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        }
        table.lines().try_for_each(|line| writeln!(self.out, "{}", line.trim_end()))
    }

    /// Lets everything be seen that was printed so far.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The rows of a table.
#[derive(Debug)]
pub(super) struct Rows {
    header: Vec<&'static str>,
    numbers: Vec<&'static str>,
    cells: Vec<Vec<String>>,
}

impl Rows {
    /// No rows yet, under this header.
    pub(super) fn under(header: impl Into<Vec<&'static str>>) -> Self {
        Self { header: header.into(), numbers: vec![], cells: vec![] }
    }

    /// Columns that are aligned to the right.
    pub(super) fn numbers(mut self, columns: impl Into<Vec<&'static str>>) -> Self {
        self.numbers = columns.into();
        self
    }

    /// One more row.
    pub(super) fn add(&mut self, row: impl Into<Vec<String>>) {
        self.cells.push(row.into().iter().map(|cell| printable(cell)).collect());
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }
}

/// Text that somebody may have chosen to play tricks on a terminal: control characters are shown, not obeyed.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// A time to the second, where a person reads it; the whole of it stands in JSON.
pub(super) fn seconds(time: Timestamp) -> String {
    let text = time.to_string();
    let seconds = text.split_once('.').map_or(text.as_str(), |(seconds, _)| seconds);
    format!("{}Z", seconds.replace('T', " "))
}

/// `1 member`, `2 members`.
pub(super) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// `--json`, for verbs that print a table.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Shape {
    /// Print JSON, for programs, in place of a table
    #[arg(long)]
    pub(super) json: bool,
}

/// Which part of a list is printed.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Part {
    /// At most this many rows
    #[arg(long, default_value_t = 200)]
    limit: u32,
    /// Leave out this many rows first
    #[arg(long, default_value_t = 0)]
    offset: u32,
}

impl Part {
    /// For the queries of the read models.
    pub(super) fn page(self) -> Page {
        Page { offset: self.offset, limit: self.limit }
    }

    /// The rows, and how to see those behind them; `none` where there is no row at all.
    pub(super) fn print(self, rows: &Rows, more: bool, none: &str, screen: &mut Screen) -> io::Result<()> {
        if rows.is_empty() {
            return if self.offset == 0 {
                screen.line(none)
            } else {
                screen.line("There are no rows this far.")
            };
        }
        screen.table(rows)?;
        if !more {
            return Ok(());
        }
        screen.line(format!("There are more: go on with --offset {}", self.offset.saturating_add(self.limit)))
    }
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\u{7}\u{9b}"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}");
        assert_eq!(printable("Dana Křižanová"), "Dana Křižanová");
    }
}

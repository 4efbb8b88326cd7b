//! Events as text, for files.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::ShownEvent;

/// The columns of the CSV form, the fields of the JSON form and `actor`, which is taken out of the metadata.
const CSV_HEADER: &str = "position,event_id,aggregate_type,aggregate_id,sequence,type,schema_version,recorded_at,\
     organization,actor,payload,metadata,leaf\r\n";

/// What spreadsheets take for the start of a formula, also in its full-width form, and what some of them skip before
/// they look for one.
const FORMULA_STARTS: [char; 12] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// How events are written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Ndjson,
    /// RFC 4180, every cell in quotes, payload and metadata as JSON in one cell each. A cell of free text (whatever is
    /// no number, time, id or digest of ours) that starts like a formula has a single quote before it, so that a
    /// spreadsheet does not run what somebody wrote into his name; who reads the file with a program takes it off.
    Csv,
}

/// A text that names no format.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no format; there are ndjson and csv")]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        match text {
            "ndjson" => Ok(Self::Ndjson),
            "csv" => Ok(Self::Csv),
            _ => Err(UnknownFormat(text.chars().take(40).collect())),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        })
    }
}

impl Format {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    /// What stands before the first event.
    pub fn header(self) -> &'static str {
        match self {
            Self::Ndjson => "",
            Self::Csv => CSV_HEADER,
        }
    }

    /// `events`, a line each, every line ended.
    pub fn lines(self, events: &[ShownEvent]) -> Result<String, serde_json::Error> {
        let mut out = String::new();
        for event in events {
            match self {
                Self::Ndjson => out.push_str(&serde_json::to_string(event)?),
                Self::Csv => csv_row(event, &mut out),
            }
            out.push_str(if self == Self::Csv { "\r\n" } else { "\n" });
        }
        Ok(out)
    }
}

fn csv_row(event: &ShownEvent, out: &mut String) {
    let organization = event.organization.map_or_else(String::new, String::from);
    let cells = [
        event.position.to_string(),
        event.event_id.to_string(),
        harmless(&event.aggregate_type),
        harmless(&event.aggregate_id),
        event.sequence.to_string(),
        harmless(&event.event_type),
        event.schema_version.to_string(),
        event.recorded_at.to_string(),
        organization,
        harmless(&event.actor()),
        harmless(&event.payload.to_string()),
        harmless(&event.metadata.to_string()),
        event.leaf.clone(),
    ];
    for (index, cell) in cells.iter().enumerate() {
        out.push_str(if index == 0 { "\"" } else { ",\"" });
        out.push_str(&cell.replace('"', "\"\""));
        out.push('"');
    }
}

/// `text`, so that no spreadsheet takes it for a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(FORMULA_STARTS) { format!("'{text}") } else { text.to_owned() }
}

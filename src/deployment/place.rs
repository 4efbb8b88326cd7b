//! Where a deployment is kept, in the words of what is said to people.

use std::{fmt, path::PathBuf};

use super::{LOG_FILE, VIEWS_FILE};

/// Where a deployment is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the files of a data directory.
    Directory(PathBuf),
    /// In a database, which this names without its password.
    Database(String),
    /// The log in an event store, and the rest elsewhere.
    EventStore {
        /// The event store, without its password.
        log: String,
        /// Where the rest is.
        rest: Box<Place>,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(data) => data.display().fmt(out),
            Self::Database(name) => out.write_str(name),
            Self::EventStore { log, rest } => write!(out, "{log} and {rest}"),
        }
    }
}

impl Place {
    /// What else may be named, and how.
    pub fn another(&self) -> &'static str {
        match self {
            Self::Directory(_) => "another directory (--data)",
            Self::Database(_) => "another database (--database-url)",
            Self::EventStore { .. } => {
                "another event store (--event-store), with a place of its own for the rest (--data, --database-url)"
            }
        }
    }

    /// What to do with a log that is damaged.
    pub fn restore_log(&self) -> String {
        match self {
            Self::Directory(_) => format!("restore {LOG_FILE} from its backup"),
            Self::Database(name) => format!("restore schema log of {name} from its backup"),
            Self::EventStore { log, .. } => {
                format!(
                    "stop muster and delete the mirror (mirror-*.db); if it is found again, restore {log} from its backup"
                )
            }
        }
    }

    /// What to do with read models that are not what the log makes them.
    pub fn rebuild_views(&self) -> String {
        match self {
            Self::Directory(_) => {
                format!("stop muster and delete {VIEWS_FILE}, it is built again from the log")
            }
            Self::Database(name) => {
                format!(
                    "stop muster and `DROP SCHEMA views CASCADE` in {name}, it is built again from the log"
                )
            }
            Self::EventStore { rest, .. } => rest.rebuild_views(),
        }
    }
}

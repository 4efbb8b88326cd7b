//! `on` or `off`, as verbs take it.

use std::fmt;

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Switch {
    /// Set
    On,
    /// Not set
    Off,
}

impl Switch {
    /// As a boolean.
    pub(super) fn is_on(self) -> bool {
        self == Self::On
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.is_on() { "on" } else { "off" })
    }
}

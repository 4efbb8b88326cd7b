use std::{path::PathBuf, time::Duration};

use super::Transport;

/// How long a mail server may take for each step, without a setting (RFC 5321 4.5.3.2 gives longer times, for servers that
/// look at what they get).
const PATIENCE: Duration = Duration::from_mins(1);

/// How e-mail is sent.
#[derive(Debug, Clone)]
pub struct MailOptions {
    /// Where to.
    pub transport: Transport,
    /// The sender's address, with or without a name before it.
    pub from: String,
    /// What the letters call this product (behaviour.md D21).
    pub product_name: String,
    /// Where people find this deployment, without a slash at the end.
    pub base_url: String,
    /// A directory with templates that take the place of the bundled ones.
    pub templates: Option<PathBuf>,
    /// How often and when a letter is tried again.
    pub retries: Retries,
    /// How long a mail server may take for each step; for the last one, five times as long.
    pub patience: Duration,
}

impl MailOptions {
    /// Over `transport`, with everything else as it is without a configuration.
    pub fn new(transport: Transport, base_url: &str) -> Self {
        Self {
            transport,
            from: "muster <muster@localhost>".into(),
            product_name: "muster".into(),
            base_url: base_url.trim_end_matches('/').to_owned(),
            templates: None,
            retries: Retries::default(),
            patience: PATIENCE,
        }
    }
}

/// How often and when a letter is tried again whose attempt failed for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// After so many failed attempts it is parked.
    pub attempts: u32,
    /// The pause after the first; twice as long after each further one.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { attempts: 10, first: Duration::from_secs(30), longest: Duration::from_hours(1) }
    }
}

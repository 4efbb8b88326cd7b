//! Progress of long work, on stderr and only when somebody is watching.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that counts to `length`; hidden when stderr is no terminal.
pub(super) fn bar(length: usize, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("{msg:16} [{bar:30}] {human_pos} of {human_len}  {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar.set_message(what);
    bar
}

/// A bar for events of the log, with how many a second; hidden when stderr is no terminal.
pub(super) fn rates() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let template = "{msg:16} [{bar:30}] {human_pos} of {human_len}  {per_sec}  {eta} left";
    let style = ProgressStyle::with_template(template);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar.set_message("events");
    bar
}

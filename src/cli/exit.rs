//! How a run ends: exit codes, and what is said when it does not end well.

use std::{fmt, io, process::ExitCode};

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Refused, or failed.
    Failed = 1,
    /// Asked in a way that is not understood.
    Usage = 2,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The command line or the configuration asks for something that cannot be meant.
#[derive(Debug)]
pub(super) struct Usage(pub(super) String);

impl Usage {
    /// The same about another flag, which stands for the one that it begins with.
    pub(super) fn about(self, flag: &str) -> Self {
        Self(self.0.split_once(": ").map_or_else(|| self.0.clone(), |(_, rest)| format!("{flag}: {rest}")))
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Says on stderr why a run ended, and gives its exit code.
pub fn report(error: &anyhow::Error) -> Exit {
    if let Some(error) = error.downcast_ref::<clap::Error>() {
        // Help and the version go to stdout, where the reader may have gone away: that is no failure.
        let _ = error.print();
        return if error.use_stderr() { Exit::Usage } else { Exit::Done };
    }
    if is_broken_pipe(error) {
        return Exit::Done;
    }
    eprintln!("muster: {error:#}");
    if is_of_the_disk(error) {
        eprintln!(
            "muster: if the disk is full, make room on it and run the same command again: what was written is kept, and \
             an import goes on where it was"
        );
    }
    if error.downcast_ref::<Usage>().is_some() { Exit::Usage } else { Exit::Failed }
}

/// Whoever read our output has seen enough, as in `muster events export | head -1`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Whether the disk is what is in the way. Where SQLite says so, only its words are left of it.
fn is_of_the_disk(error: &anyhow::Error) -> bool {
    let text = format!("{error:#}");
    let kinds = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::FileTooLarge];
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| kinds.contains(&error.kind()))
        || ["disk is full", "disk I/O error"].iter().any(|words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use std::io;

    use anyhow::{Context, anyhow};

    use super::{Exit, Usage, is_of_the_disk, report};

    #[test]
    fn each_kind_of_ending_has_its_code() {
        let broken: Result<(), _> = Err(io::Error::from(io::ErrorKind::BrokenPipe));
        let broken = broken.context("cannot print").unwrap_err();
        assert_eq!(report(&broken), Exit::Done);
        assert_eq!(report(&anyhow!("refused")), Exit::Failed);
        assert_eq!(report(&anyhow!(Usage("what?".into()))), Exit::Usage);
    }

    #[test]
    fn a_full_disk_is_seen_in_every_form() {
        for full in [
            anyhow!("the keys are not available: database or disk is full").context("user \"olga\""),
            anyhow!("keys.db cannot be used (disk I/O error)"),
            anyhow!(io::Error::from(io::ErrorKind::StorageFull)).context("master.key cannot be written"),
        ] {
            assert!(is_of_the_disk(&full), "{full:#}");
        }
        assert!(!is_of_the_disk(&anyhow!("the log is not available: the read was cut off")));
    }
}

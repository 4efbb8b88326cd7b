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
    if error.downcast_ref::<Usage>().is_some() { Exit::Usage } else { Exit::Failed }
}

/// Whoever read our output has seen enough, as in `muster events export | head -1`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use std::io;

    use anyhow::{Context, anyhow};

    use super::{Exit, Usage, report};

    #[test]
    fn each_kind_of_ending_has_its_code() {
        let broken: Result<(), _> = Err(io::Error::from(io::ErrorKind::BrokenPipe));
        let broken = broken.context("cannot print").unwrap_err();
        assert_eq!(report(&broken), Exit::Done);
        assert_eq!(report(&anyhow!("refused")), Exit::Failed);
        assert_eq!(report(&anyhow!(Usage("what?".into()))), Exit::Usage);
    }
}

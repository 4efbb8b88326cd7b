//! Log lines, on stderr.

use std::io;

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use super::{
    config::{LogFormat, Settings},
    exit::Usage,
};

/// Starts logging, at `level` where the settings say nothing else.
pub(super) fn start(settings: &Settings, level: &str) -> Result<(), Usage> {
    let filter = settings.log.as_deref().unwrap_or(level);
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Usage(format!("--log: \"{filter}\" is no filter such as `info` or `muster=debug,warn`: {error}"))
    })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr());
    // Only the first subscriber of a process counts; a second start, in a test, keeps it.
    let _ = match settings.log_format {
        LogFormat::Text => lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}

fn stderr() -> impl for<'a> MakeWriter<'a> + Send + Sync + 'static {
    io::stderr
}

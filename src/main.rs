//! `muster`: the command line of the membership ledger.

use std::process::ExitCode;

use muster::cli;

fn main() -> ExitCode {
    match cli::run(std::env::args_os()) {
        Ok(()) => cli::Exit::Done,
        Err(error) => cli::report(&error),
    }
    .into()
}

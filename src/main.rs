//! `muster`: the command line of the membership ledger.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use muster::cli;

/// Requests are many small allocations, freed on another thread than made: measured with `benches/http.rs`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match cli::run(std::env::args_os()) {
        Ok(()) => cli::Exit::Done,
        Err(error) => cli::report(&error),
    }
    .into()
}

//! The double as a process, for clients that are not written in Rust.

use std::{io, net::SocketAddr};

use clap::Parser;
use eventstore_double::Setup;
use tokio::signal::unix::{SignalKind, signal};

/// A double of EventStoreDB, which forgets everything when it ends.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let mut terminate = signal(SignalKind::terminate())?;
    let double = Setup::new().listen(arguments.listen).start().await;
    println!("eventstore double at {}", double.url());
    terminate.recv().await;
    double.stop().await;
    Ok(())
}

//! `muster demo`: the main job of the ledger, end to end, on a ledger that may be thrown away.

mod audit_log;
mod client;
mod invitation;
mod scratch;
mod story;
mod summary;

use std::{io, net::SocketAddr};

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::{client::Client, scratch::Scratch};
use super::{
    config::{ServeFlags, ServeSettings, Settings},
    import::{self, Imported},
    screen::Screen,
    serve, signals,
};
use crate::{deployment::Deployment, http};

/// The organization that is imported, the same that the tests use.
const EXAMPLE: &[u8] = include_bytes!("../../../tests/fixtures/organization.json");
/// Picks a free port.
const ANY_PORT: &str = "127.0.0.1:0";

/// `muster demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// Stop after the demonstration instead of serving
    #[arg(long)]
    exit_after_demo: bool,
    #[command(flatten)]
    flags: ServeFlags,
}

impl Demo {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let serving = settings.serving(&self.flags)?;
        // Declared first, so that it is removed last.
        let lasting =
            settings.data_was_named || settings.database.is_some() || settings.event_store.is_some();
        let scratch = if lasting { None } else { Some(Scratch::new()?) };
        let mut settings = settings.making_master_key();
        if let Some(scratch) = &scratch {
            settings = settings.at(scratch.path());
        }
        let shutdown = CancellationToken::new();
        signals::cancel_on_signal(&shutdown)?;
        let (_lock, deployment) = serve::open_to_serve(&settings).await?;
        screen.line(format!("A membership ledger in {}.", deployment.place))?;
        let imported = import::read(EXAMPLE).map_err(anyhow::Error::msg)?;
        let imported = imported.write(&deployment, "the example organization").await?;
        summary::print(&deployment, screen).await?;
        let listener = bind(&serving).await?;
        let address = listener.local_addr()?;
        if shutdown.is_cancelled() {
            return Ok(());
        }
        let mail = settings.mail_options(&self.flags, &serve::url(address))?;
        let options = serve::with_metrics(serving.options, &shutdown)?;
        let options = http::ServeOptions { mail: Some(mail), ..options };
        let served = http::serve(&deployment, listener, options, shutdown.clone());
        let show = self.show(&deployment, &imported, address, &shutdown, screen);
        let (served, shown) = tokio::join!(served, show);
        shown?;
        served?;
        screen.line(match &scratch {
            Some(scratch) => format!("Stopped. {} is removed.", scratch.path().display()),
            None => format!("Stopped. The ledger stays in {}{}.", deployment.place, key_beside(&settings)),
        })?;
        Ok(())
    }

    /// What happens while the server runs. Stops it when that fails, and when nobody wants it to go on.
    async fn show(
        &self,
        deployment: &Deployment,
        imported: &Imported,
        address: SocketAddr,
        shutdown: &CancellationToken,
        screen: &mut Screen,
    ) -> Result<()> {
        let stop_in_the_end = shutdown.clone().drop_guard();
        let client = Client::new(serve::reachable(address));
        story::tell(deployment, imported, &client, screen).await?;
        if !self.exit_after_demo {
            stop_in_the_end.disarm();
            screen.line(format!("\nServing at {}, until Ctrl-C.", serve::url(address)))?;
        }
        screen.flush()?;
        Ok(())
    }
}

/// Where the master key is that a ledger in a database needs and does not hold: it may have been made just now.
fn key_beside(settings: &Settings) -> String {
    match settings.deployment(false) {
        Ok(options) if options.database.is_some() => {
            format!(", its master key in {} (--master-key-file)", options.master_key().display())
        }
        _ => String::new(),
    }
}

/// Listens where it was said. Where nothing was said and another program has the usual port, any will do.
async fn bind(serving: &ServeSettings) -> Result<TcpListener> {
    match serve::listen(&serving.listen).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && !serving.listen_was_named => {
            TcpListener::bind(ANY_PORT).await
        }
        listener => listener,
    }
    .with_context(|| serve::cannot_listen(&serving.listen))
}
